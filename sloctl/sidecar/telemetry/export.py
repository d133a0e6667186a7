"""Metrics and traces over OTLP, in threads of OpenTelemetry's SDK, which is imported only when enabled."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sloctl.prometheus.credentials import user_agent
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.component import MetricType
from sloctl.sidecar.engine.tick_loop import SnapshotFeed
from sloctl.sidecar.slo_metrics import SLO_METRICS, SloMetric
from sloctl.sidecar.telemetry.otel_env import OtlpProtocol, Signal, find_protocols

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import SpanExporter

# Time for what is still to be sent at the end.
_SHUTDOWN_SECONDS: Final = 1.0
# Beyond the SDK's 2,000 attribute sets an instrument would put everything into one sum.
_MAX_ATTRIBUTE_SETS: Final = 2**20
_REPEAT_LOG_SECONDS: Final = 600.0
_EXPORTER_LOGGERS: Final = (
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.sdk.metrics._internal.export",
    "opentelemetry.sdk._shared_internal",
)
# By signal: the module of its exporter, in the package of each protocol, and the exporter in it.
_EXPORTERS: Final = {
    Signal.METRICS: ("metric_exporter", "OTLPMetricExporter"),
    Signal.TRACES: ("trace_exporter", "OTLPSpanExporter"),
}
_log: Final = logging.getLogger(__name__)
_VERSION: Final = user_agent().partition("/")[2]


@asynccontextmanager
async def export_telemetry(
    feed: SnapshotFeed, time: Clock, environment: Mapping[str, str]
) -> AsyncIterator[None]:
    """Export the newest snapshot every minute and spans as they end, where *environment* asks for it.

    The SDK reads its own settings from the environment of the process. A collector that does not answer costs
    a line in the log every ten minutes, and a second at the end.
    """
    protocols = find_protocols(environment)
    if not protocols:
        yield
        return
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415 - only when enabled

    ours = Resource.create({"service.name": "sloctl", "service.version": _VERSION})
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come on top.
    resource = ours.merge(OTELResourceDetector().detect())
    with _limit_repeated_logs():
        stops = []
        for signal, protocol in protocols.items():
            try:
                exporter = _make_exporter(signal, protocol)
            except ModuleNotFoundError as missing:
                _log.error(
                    "no %s over OTLP: %s is not installed: pip install 'sloctl[otlp-grpc]'",
                    signal.value.lower(),
                    missing.name,
                )
                continue
            stops.append(_START_EXPORT[signal](feed, time, resource, exporter))
        try:
            yield
        finally:
            await _shut_down_all(stops)


def _make_exporter(signal: Signal, protocol: OtlpProtocol) -> Any:  # noqa: ANN401 - of each signal and protocol a type
    """Make the SDK's exporter, which reads endpoint, headers and certificates from the environment itself."""
    module, exporter = _EXPORTERS[signal]
    package = "grpc" if protocol is OtlpProtocol.GRPC else "http"
    return getattr(import_module(f"opentelemetry.exporter.otlp.proto.{package}.{module}"), exporter)()


def _start_metrics(
    feed: SnapshotFeed, time: Clock, resource: "Resource", exporter: "MetricExporter"
) -> Callable[[], None]:
    from opentelemetry.sdk import metrics  # noqa: PLC0415 - only when enabled
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415 - only when enabled

    kinds = (metrics.ObservableGauge, metrics.ObservableCounter)
    reader = PeriodicExportingMetricReader(
        exporter, cardinality_limits=dict.fromkeys(kinds, _MAX_ATTRIBUTE_SETS)
    )
    provider = metrics.MeterProvider([reader], resource, shutdown_on_exit=False)
    meter = provider.get_meter("sloctl.sidecar", _VERSION)
    for metric in SLO_METRICS:
        _register_instrument(meter, metric, feed, time)
    return provider.shutdown


def _register_instrument(meter: "Meter", metric: SloMetric, feed: SnapshotFeed, time: Clock) -> None:
    from opentelemetry.metrics import Observation  # noqa: PLC0415 - only when enabled

    def observe_newest(_: "CallbackOptions") -> "Iterable[Observation]":
        # In a thread of the SDK: a snapshot is frozen.
        for attributes, value in metric.measure_snapshot(feed.snapshot, time.now()):
            yield Observation(value, attributes)

    create = (
        meter.create_observable_counter
        if metric.kind is MetricType.COUNTER
        else meter.create_observable_gauge
    )
    create(metric.otel_name, [observe_newest], metric.unit, metric.help)


def _start_traces(
    _: SnapshotFeed, __: Clock, resource: "Resource", exporter: "SpanExporter"
) -> Callable[[], None]:
    from opentelemetry import trace  # noqa: PLC0415 - only when enabled
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - only when enabled
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - only when enabled

    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    # For the tracers that modules have made by name.
    trace.set_tracer_provider(provider)
    return provider.shutdown


_StartExport: TypeAlias = Callable[[SnapshotFeed, Clock, "Resource", Any], Callable[[], None]]
_START_EXPORT: Final[Mapping[Signal, _StartExport]] = {
    Signal.METRICS: _start_metrics,
    Signal.TRACES: _start_traces,
}


async def _shut_down_all(stops: Iterable[Callable[[], None]]) -> None:
    """Shut down in daemon threads, for which no process waits: the SDK takes up to half a minute."""
    loop = asyncio.get_running_loop()
    ends: list[asyncio.Future[bool]] = []
    for stop in stops:
        ended = asyncio.Event()
        ends.append(asyncio.ensure_future(ended.wait()))
        threading.Thread(target=_shut_down_provider, args=(stop, loop, ended), daemon=True).start()
    if not ends:
        return
    _, late = await asyncio.wait(ends, timeout=_SHUTDOWN_SECONDS)
    for each in late:
        each.cancel()


def _shut_down_provider(
    stop: Callable[[], None], loop: asyncio.AbstractEventLoop, ended: asyncio.Event
) -> None:
    stop()
    with contextlib.suppress(RuntimeError):  # nobody waits any more: the loop is closed
        loop.call_soon_threadsafe(ended.set)


class _RepeatFilter(logging.Filter):
    """A filter that passes each message of a logger once in ten minutes, whatever it is filled with."""

    def __init__(self) -> None:
        super().__init__()
        self._last_logged: dict[tuple[str, object], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        message = (record.name, record.msg)
        if record.created - self._last_logged.get(message, float("-inf")) < _REPEAT_LOG_SECONDS:
            return False
        self._last_logged[message] = record.created
        return True


@contextmanager
def _limit_repeated_logs() -> Iterator[None]:
    repeat_filter = _RepeatFilter()
    loggers = [logging.getLogger(name) for name in _EXPORTER_LOGGERS]
    for logger in loggers:
        logger.addFilter(repeat_filter)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(repeat_filter)
