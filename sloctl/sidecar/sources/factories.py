"""The kinds of source as the assembly sees them: what each can count, how it opens, what it tells of itself.

Which SLOs are counted may change while a source is open; what it knows of the others goes on.
"""

import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol, TypeAlias, assert_never

from aiohttp import web

from sloctl.model import Slo
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.sources import Source, UnsupportedSlo
from sloctl.sidecar.sources.otlp.receiver import otlp_routes
from sloctl.sidecar.sources.otlp.source import OtlpOptions, OtlpSource, plan_otlp
from sloctl.sidecar.sources.prometheus.options import PrometheusOptions
from sloctl.sidecar.sources.prometheus.source import PrometheusSource, open_prometheus_source
from sloctl.sidecar.sources.scrape.source import ScrapeOptions, ScrapeSource, open_scrape_source, plan_scrape
from sloctl.sidecar.sources.scrape.targets import TargetState

SourceOptions: TypeAlias = ScrapeOptions | PrometheusOptions | OtlpOptions

# News come once a minute and settle for some seconds; two minutes without any are two that failed.
_PROMETHEUS_STALE_AFTER: Final = 150.0


class SourceFactory(Protocol):
    """One kind of source."""

    @property
    def stale_after_seconds(self) -> float:
        """For how many seconds it may bring no news of a sound SLO."""
        ...

    @property
    def slos(self) -> Sequence[Slo]:
        """What it counts."""
        ...

    @property
    def unsupported(self) -> tuple[UnsupportedSlo, ...]:
        """What it cannot count."""
        ...

    @property
    def routes(self) -> Sequence[web.RouteDef]:
        """What the application serves for it."""
        ...

    def open_source(self) -> AbstractAsyncContextManager[Source]: ...

    def replace_slos(self, slos: Sequence[Slo]) -> None:
        """Count these from now on."""
        ...

    def target_states(self) -> Sequence[TargetState]: ...

    def issues(self) -> Mapping[str, str]: ...


def source_factory(options: SourceOptions, slos: Sequence[Slo], time: Clock) -> SourceFactory:
    """The kind that *options* are of."""
    match options:
        case ScrapeOptions():
            return ScrapeFactory(options, slos)
        case PrometheusOptions():
            return PrometheusFactory(options, slos)
        case OtlpOptions():
            return OtlpFactory(options, slos, time)
        case _:
            assert_never(options)


class ScrapeFactory:
    """The services' own metrics."""

    stale_after_seconds = 0.0
    routes: Sequence[web.RouteDef] = ()

    def __init__(self, options: ScrapeOptions, slos: Sequence[Slo]) -> None:
        self._options = options
        self._plan = plan_scrape(slos)
        self._source: ScrapeSource | None = None

    @property
    def slos(self) -> Sequence[Slo]:
        return self._plan.slos

    @property
    def unsupported(self) -> tuple[UnsupportedSlo, ...]:
        return self._plan.unsupported

    @asynccontextmanager
    async def open_source(self) -> AsyncIterator[Source]:
        async with open_scrape_source(self._options, self._plan) as self._source:
            yield self._source

    def replace_slos(self, slos: Sequence[Slo]) -> None:
        self._plan = plan_scrape(slos)
        if self._source is not None:
            self._source.replace_plan(self._plan)

    def target_states(self) -> Sequence[TargetState]:
        return () if self._source is None else self._source.target_states

    def issues(self) -> Mapping[str, str]:
        """Names that cannot be resolved; targets that do not answer tell so themselves."""
        return _join_issues("discovery", () if self._source is None else self._source.issues)


class PrometheusFactory:
    """A Prometheus."""

    stale_after_seconds = _PROMETHEUS_STALE_AFTER
    unsupported: tuple[UnsupportedSlo, ...] = ()
    routes: Sequence[web.RouteDef] = ()

    def __init__(self, options: PrometheusOptions, slos: Sequence[Slo]) -> None:
        self._options = options
        self._source: PrometheusSource | None = None
        self.slos = slos

    @asynccontextmanager
    async def open_source(self) -> AsyncIterator[Source]:
        async with open_prometheus_source(self.slos, self._options, jitter=random.random) as self._source:
            yield self._source

    def replace_slos(self, slos: Sequence[Slo]) -> None:
        self.slos = slos
        if self._source is not None:
            self._source.replace_slos(slos)

    def target_states(self) -> Sequence[TargetState]:
        return ()

    def issues(self) -> Mapping[str, str]:
        """What could not be read, some of it."""
        return _join_issues("prometheus", () if self._source is None else self._source.issues)


class OtlpFactory:
    """What services send."""

    def __init__(self, options: OtlpOptions, slos: Sequence[Slo], time: Clock) -> None:
        self._plan = plan_otlp(slos)
        self._source = OtlpSource(self._plan, options, now=time.now)
        self.stale_after_seconds = 0.0
        self.routes = otlp_routes(self._source)

    @property
    def slos(self) -> Sequence[Slo]:
        return self._plan.slos

    @property
    def unsupported(self) -> tuple[UnsupportedSlo, ...]:
        return self._plan.unsupported

    @asynccontextmanager
    async def open_source(self) -> AsyncIterator[Source]:
        yield self._source

    def replace_slos(self, slos: Sequence[Slo]) -> None:
        self._plan = plan_otlp(slos)
        self._source.replace_plan(self._plan)

    def target_states(self) -> Sequence[TargetState]:
        return ()

    def issues(self) -> Mapping[str, str]:
        """What was sent and is of no use, some of it."""
        return _join_issues("otlp", self._source.issues)


def _join_issues(about: str, troubles: Iterable[str]) -> Mapping[str, str]:
    text = "; ".join(troubles)
    return {about: text} if text else {}
