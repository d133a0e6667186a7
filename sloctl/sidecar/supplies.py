"""The kinds of source as the assembly sees them: what each can count, how it opens, what it tells of itself.

Which SLOs are counted may change while a source is open; what it knows of the others goes on.
"""

import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol, assert_never

from aiohttp import web

from sloctl.model import Slo
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.configuration.options import SourceOptions
from sloctl.sidecar.sources import Refusal, Source, otlp, scrape
from sloctl.sidecar.sources.otlp import OtlpOptions, OtlpSource
from sloctl.sidecar.sources.otlp_http import routes
from sloctl.sidecar.sources.prometheus import PrometheusSource, open_prometheus
from sloctl.sidecar.sources.prometheus_ranges import PrometheusOptions
from sloctl.sidecar.sources.scrape import ScrapeOptions, ScrapeSource
from sloctl.sidecar.sources.targets import TargetState

# News come once a minute and settle for some seconds; two minutes without any are two that failed.
_MINUTES_PATIENCE: Final = 150.0


class Supply(Protocol):
    """One kind of source."""

    @property
    def patience(self) -> float:
        """For how many seconds it may bring no news of a sound SLO."""
        ...

    @property
    def slos(self) -> Sequence[Slo]:
        """What it counts."""
        ...

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """What it cannot count."""
        ...

    @property
    def routes(self) -> Sequence[web.RouteDef]:
        """What the application serves for it."""
        ...

    def open(self) -> AbstractAsyncContextManager[Source]: ...

    def replan(self, slos: Sequence[Slo]) -> None:
        """Count these from now on."""
        ...

    def targets(self) -> Sequence[TargetState]: ...

    def troubles(self) -> Mapping[str, str]: ...


def supply(options: SourceOptions, slos: Sequence[Slo], time: Clock) -> Supply:
    """The kind that *options* are of."""
    match options:
        case ScrapeOptions():
            return Scraping(options, slos)
        case PrometheusOptions():
            return Asking(options, slos)
        case OtlpOptions():
            return Receiving(options, slos, time)
        case _:
            assert_never(options)


class Scraping:
    """The services' own metrics."""

    patience = 0.0
    routes: Sequence[web.RouteDef] = ()

    def __init__(self, options: ScrapeOptions, slos: Sequence[Slo]) -> None:
        self._options = options
        self._plan = scrape.plan(slos)
        self._source: ScrapeSource | None = None

    @property
    def slos(self) -> Sequence[Slo]:
        return self._plan.slos

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        return self._plan.refusals

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Source]:
        async with scrape.open_source(self._options, self._plan) as self._source:
            yield self._source

    def replan(self, slos: Sequence[Slo]) -> None:
        self._plan = scrape.plan(slos)
        if self._source is not None:
            self._source.replan(self._plan)

    def targets(self) -> Sequence[TargetState]:
        return () if self._source is None else self._source.targets

    def troubles(self) -> Mapping[str, str]:
        """Names that cannot be resolved; targets that do not answer tell so themselves."""
        return _told("discovery", () if self._source is None else self._source.troubles)


class Asking:
    """A Prometheus."""

    patience = _MINUTES_PATIENCE
    refusals: tuple[Refusal, ...] = ()
    routes: Sequence[web.RouteDef] = ()

    def __init__(self, options: PrometheusOptions, slos: Sequence[Slo]) -> None:
        self._options = options
        self._source: PrometheusSource | None = None
        self.slos = slos

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Source]:
        async with open_prometheus(self.slos, self._options, jitter=random.random) as self._source:
            yield self._source

    def replan(self, slos: Sequence[Slo]) -> None:
        self.slos = slos
        if self._source is not None:
            self._source.replan(slos)

    def targets(self) -> Sequence[TargetState]:
        return ()

    def troubles(self) -> Mapping[str, str]:
        """What could not be read, some of it."""
        return _told("prometheus", () if self._source is None else self._source.troubles)


class Receiving:
    """What services send."""

    def __init__(self, options: OtlpOptions, slos: Sequence[Slo], time: Clock) -> None:
        self._plan = otlp.plan(slos)
        self._source = OtlpSource(self._plan, options, now=time.now)
        self.patience = 0.0
        self.routes = routes(self._source)

    @property
    def slos(self) -> Sequence[Slo]:
        return self._plan.slos

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        return self._plan.refusals

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Source]:
        yield self._source

    def replan(self, slos: Sequence[Slo]) -> None:
        self._plan = otlp.plan(slos)
        self._source.replan(self._plan)

    def targets(self) -> Sequence[TargetState]:
        return ()

    def troubles(self) -> Mapping[str, str]:
        """What was sent and is of no use, some of it."""
        return _told("otlp", self._source.troubles)


def _told(about: str, troubles: Iterable[str]) -> Mapping[str, str]:
    text = "; ".join(troubles)
    return {about: text} if text else {}
