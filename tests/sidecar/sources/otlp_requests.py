"""OTLP requests, built as a service's SDK would."""

from collections.abc import Mapping, Sequence

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from sloctl.sidecar.sources.otlp.points import RejectedPoints
from sloctl.sidecar.sources.otlp.request_pieces import RequestReader
from sloctl.sidecar.sources.otlp.source import OtlpSource

CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
SHOP = {"service.name": "shop", "service.instance.id": "a"}


def accept_whole(
    source: OtlpSource, exported: ExportMetricsServiceRequest, *, address: str = "127.0.0.1"
) -> RejectedPoints:
    """All pieces of a request at once."""
    rejected = RejectedPoints()
    pieces = RequestReader(exported.SerializeToString()).read_pieces()
    for _ in source.accept_request(pieces, rejected, address):
        pass
    return rejected


def attributes(values: Mapping[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in values.items()]


def request(*metrics: Metric, resource: Mapping[str, str] = SHOP) -> ExportMetricsServiceRequest:
    scope = ScopeMetrics(scope=InstrumentationScope(name="shop.http"), metrics=metrics)
    sender = ResourceMetrics(resource=Resource(attributes=attributes(resource)), scope_metrics=[scope])
    return ExportMetricsServiceRequest(resource_metrics=[sender])


def number(
    value: float, *, at: float, start: float = 0, flags: int = 0, labels: Mapping[str, str] = {}
) -> NumberDataPoint:
    return NumberDataPoint(
        as_double=value,
        time_unix_nano=int(at * 1e9),
        start_time_unix_nano=int(start * 1e9),
        attributes=attributes(labels),
        flags=flags,
    )


def counter(
    *points: NumberDataPoint,
    name: str = "requests",
    unit: str = "",
    temporality: AggregationTemporality.ValueType = CUMULATIVE,
    monotonic: bool = True,
) -> Metric:
    return Metric(
        name=name,
        unit=unit,
        sum=Sum(data_points=points, aggregation_temporality=temporality, is_monotonic=monotonic),
    )


def gauge(*points: NumberDataPoint, name: str, unit: str = "") -> Metric:
    return Metric(name=name, unit=unit, gauge=Gauge(data_points=points))


def histogram(
    counts: Sequence[int],
    bounds: Sequence[float],
    *,
    at: float,
    start: float = 0,
    name: str = "request.duration",
    temporality: AggregationTemporality.ValueType = CUMULATIVE,
    labels: Mapping[str, str] = {},
) -> Metric:
    point = HistogramDataPoint(
        count=sum(counts),
        sum=1.5,
        bucket_counts=counts,
        explicit_bounds=bounds,
        time_unix_nano=int(at * 1e9),
        start_time_unix_nano=int(start * 1e9),
        attributes=attributes(labels),
    )
    data = Histogram(data_points=[point], aggregation_temporality=temporality)
    return Metric(name=name, unit="s", histogram=data)


def exponential(
    counts: Sequence[int],
    *,
    at: float,
    start: float = 0,
    scale: int = 0,
    offset: int = 0,
    zero: int = 0,
    negative: Sequence[int] = (),
    name: str = "request.latency",
    temporality: AggregationTemporality.ValueType = CUMULATIVE,
) -> Metric:
    buckets = ExponentialHistogramDataPoint.Buckets
    point = ExponentialHistogramDataPoint(
        count=sum(counts) + zero + sum(negative),
        sum=1.5,
        scale=scale,
        zero_count=zero,
        positive=buckets(offset=offset, bucket_counts=counts),
        negative=buckets(offset=offset, bucket_counts=negative),
        time_unix_nano=int(at * 1e9),
        start_time_unix_nano=int(start * 1e9),
    )
    data = ExponentialHistogram(data_points=[point], aggregation_temporality=temporality)
    return Metric(name=name, unit="s", exponential_histogram=data)
