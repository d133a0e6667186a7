"""The source that the configuration asks for, and all that the sidecar needs of it besides the counts."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias, assert_never

from aiohttp import web

from sloctl.model import Slo
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.sources import Source, UnsupportedSlo
from sloctl.sidecar.sources.otlp.source import OtlpOptions, OtlpSource
from sloctl.sidecar.sources.prometheus.options import PrometheusOptions
from sloctl.sidecar.sources.prometheus.source import PrometheusSource
from sloctl.sidecar.sources.scrape.source import ScrapeOptions, ScrapeSource
from sloctl.sidecar.sources.scrape.targets import TargetState

SourceOptions: TypeAlias = ScrapeOptions | PrometheusOptions | OtlpOptions


class ManagedSource(Protocol):
    """A source of any kind: what it can count, how it opens, and how it goes."""

    @property
    def stale_after_seconds(self) -> float:
        """How long it may bring no counts of an SLO that is well."""
        ...

    @property
    def slos(self) -> Sequence[Slo]:
        """The SLOs that it counts."""
        ...

    @property
    def unsupported(self) -> tuple[UnsupportedSlo, ...]:
        """The SLOs that it cannot count."""
        ...

    @property
    def routes(self) -> Sequence[web.RouteDef]:
        """The routes that the application serves for it."""
        ...

    @property
    def target_states(self) -> Sequence[TargetState]:
        """The outcome of the last scrape of each target."""
        ...

    def open_source(self) -> AbstractAsyncContextManager[Source]: ...

    def replace_slos(self, slos: Sequence[Slo]) -> None:
        """Count these from now on."""
        ...

    def issues(self) -> Mapping[str, str]:
        """Return what does not work now, by the part it is about."""
        ...


def create_source(options: SourceOptions, slos: Sequence[Slo], time: Clock) -> ManagedSource:
    """Create the kind of source that *options* are of; it is not open yet."""
    match options:
        case ScrapeOptions():
            return ScrapeSource(options, slos)
        case PrometheusOptions():
            return PrometheusSource(options, slos)
        case OtlpOptions():
            return OtlpSource(options, slos, now=time.now)
        case _:
            assert_never(options)
