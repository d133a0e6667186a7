"""An OTLP export request → points of series, named and labelled as Prometheus would.

Law: a point that cannot be used is counted and told to its sender with the reason, never guessed at.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import accumulate
from typing import Final, NamedTuple, TypeAlias

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    DataPointFlags,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)

from sloctl.sidecar.sources.exposition import Series
from sloctl.sidecar.sources.otlp_exponential import Exponential
from sloctl.sidecar.sources.otlp_names import Suffix, bound, metric_name, point_labels, target_labels

_NANOSECONDS: Final = 1_000_000_000
_REASONS: Final = 5


class Kind(Enum):
    """What a value is: a count since a start, a count since the point before, or a state."""

    CUMULATIVE = auto()
    DELTA = auto()
    GAUGE = auto()


class Point(NamedTuple):
    """One value of one series, None where its *target* has none; Unix seconds, a *start* of 0 is unknown."""

    series: Series
    value: float | Exponential | None
    kind: Kind
    at: float
    start: float
    target: str


@dataclass(slots=True)
class Rejected:
    """How many points could not be used, and why; some of the reasons."""

    points: int = 0
    reasons: dict[str, None] = field(default_factory=dict)

    def add(self, points: int, reason: str) -> None:
        self.points += points
        if len(self.reasons) < _REASONS:
            self.reasons[reason] = None

    def __str__(self) -> str:
        return "; ".join(self.reasons)


_Given: TypeAlias = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint | SummaryDataPoint
# By metric name and `le`.
_Values: TypeAlias = dict[tuple[str, str | None], float | Exponential]
_KINDS: Final = {
    AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE: Kind.CUMULATIVE,
    AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA: Kind.DELTA,
}


def points(
    request: ExportMetricsServiceRequest,
    *,
    wanted: Container[str],
    promoted: Iterable[str],
    rejected: Rejected,
) -> Iterator[Point]:
    """Those of the metrics *wanted*; of what else there is only the name is looked at."""
    for resource in request.resource_metrics:
        try:
            sender = _Sender(target_labels(resource.resource.attributes, promoted), wanted)
        except ValueError as reason:
            rejected.add(
                sum(_size(metric) for each in resource.scope_metrics for metric in each.metrics), str(reason)
            )
            continue
        for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
            try:
                yield from list(_of_metric(metric, sender))
            except ValueError as reason:
                rejected.add(_size(metric), f"{metric.name}: {reason}")


@dataclass(frozen=True, slots=True)
class _Sender:
    """A resource: who sends, and which metrics are of use."""

    labels: Mapping[str, str]
    wanted: Container[str]

    def series(self, given: _Given, kind: Kind, values: _Values) -> Iterator[Point]:
        """The points behind one data point."""
        if not any(name in self.wanted for name, _ in values):
            return
        labels = point_labels(given.attributes, self.labels)
        absent = given.flags & DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
        for (name, le), value in values.items():
            if name in self.wanted:
                own = labels if le is None else {**labels, "le": le}
                yield Point(
                    Series(name, tuple(sorted(own.items()))),
                    None if absent else value,
                    kind,
                    at=given.time_unix_nano / _NANOSECONDS,
                    start=given.start_time_unix_nano / _NANOSECONDS,
                    target=f"{self.labels.get('job', '')} {self.labels.get('instance', '')}",
                )


def _of_metric(metric: Metric, sender: _Sender) -> Iterator[Point]:
    kind = metric.WhichOneof("data")
    return iter(()) if kind is None else _TRANSLATIONS[kind](metric, sender)


def _gauges(metric: Metric, sender: _Sender) -> Iterator[Point]:
    name = metric_name(metric.name, metric.unit, Suffix.RATIO)
    for number in metric.gauge.data_points:
        yield from sender.series(number, Kind.GAUGE, {(name, None): _number(number)})


def _histograms(metric: Metric, sender: _Sender) -> Iterator[Point]:
    name = metric_name(metric.name, metric.unit, Suffix.NONE)
    kind = _kind(metric.histogram.aggregation_temporality)
    for histogram in metric.histogram.data_points:
        yield from sender.series(histogram, kind, _classic(name, histogram))


def _exponentials(metric: Metric, sender: _Sender) -> Iterator[Point]:
    name = metric_name(metric.name, metric.unit, Suffix.NONE)
    kind = _kind(metric.exponential_histogram.aggregation_temporality)
    for exponential in metric.exponential_histogram.data_points:
        yield from sender.series(exponential, kind, {(name, None): Exponential.of(exponential)})


def _summaries(metric: Metric, sender: _Sender) -> Iterator[Point]:
    name = metric_name(metric.name, metric.unit, Suffix.NONE)
    for summary in metric.summary.data_points:
        values: _Values = {(f"{name}_count", None): float(summary.count), (f"{name}_sum", None): summary.sum}
        yield from sender.series(summary, Kind.CUMULATIVE, values)


def _sums(metric: Metric, sender: _Sender) -> Iterator[Point]:
    kind = _kind(metric.sum.aggregation_temporality)
    monotonic = metric.sum.is_monotonic
    if not monotonic and kind is Kind.DELTA:
        raise ValueError("deltas of what goes up and down cannot be counted")
    name = metric_name(metric.name, metric.unit, Suffix.TOTAL if monotonic else Suffix.NONE)
    for number in metric.sum.data_points:
        yield from sender.series(number, kind if monotonic else Kind.GAUGE, {(name, None): _number(number)})


def _classic(name: str, histogram: HistogramDataPoint) -> _Values:
    values: _Values = {
        (f"{name}_count", None): float(histogram.count),
        (f"{name}_bucket", "+Inf"): float(histogram.count),
    }
    if histogram.HasField("sum"):
        values[f"{name}_sum", None] = histogram.sum
    for upper, count in zip(histogram.explicit_bounds, accumulate(histogram.bucket_counts), strict=False):
        values[f"{name}_bucket", bound(upper)] = float(count)
    return values


def _number(number: NumberDataPoint) -> float:
    return float(number.as_int) if number.WhichOneof("value") == "as_int" else number.as_double


def _kind(temporality: AggregationTemporality.ValueType) -> Kind:
    if temporality not in _KINDS:
        raise ValueError("neither cumulative nor delta")
    return _KINDS[temporality]


def _size(metric: Metric) -> int:
    kind = metric.WhichOneof("data")
    return 0 if kind is None else len(getattr(metric, kind).data_points)


_TRANSLATIONS: Final[Mapping[str, Callable[[Metric, _Sender], Iterator[Point]]]] = {
    "sum": _sums,
    "gauge": _gauges,
    "histogram": _histograms,
    "exponential_histogram": _exponentials,
    "summary": _summaries,
}
