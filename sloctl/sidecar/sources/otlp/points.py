"""Translate an OTLP export request into points of series, named and labelled as Prometheus would.

A point that cannot be used is counted and reported to its sender with the reason, never guessed at.
"""

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import accumulate
from typing import Final, NamedTuple, TypeAlias

from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    DataPointFlags,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)

from sloctl.sidecar.sources.counting.series import SeriesId
from sloctl.sidecar.sources.otlp.exponential_histogram import ExponentialHistogram
from sloctl.sidecar.sources.otlp.naming import NameSuffix, le_value, metric_name, point_labels, target_labels
from sloctl.sidecar.sources.otlp.request_pieces import MAX_POINT_BYTES, RequestPiece

_NANOSECONDS: Final = 1_000_000_000
_MAX_REASONS: Final = 5
# In a reason.
_MAX_NAME: Final = 200


class PointKind(Enum):
    """The meaning of a value: a count since a start, a count since the point before, or a state."""

    CUMULATIVE = auto()
    DELTA = auto()
    GAUGE = auto()


class OtlpPoint(NamedTuple):
    """One value of one series, None where its sender has none; Unix seconds, a *start* of 0 is unknown."""

    series: SeriesId
    value: float | ExponentialHistogram | None
    kind: PointKind
    at: float
    start: float
    sender: str


@dataclass(slots=True)
class RejectedPoints:
    """The number of points that could not be used, and some of the reasons."""

    points: int = 0
    reasons: dict[str, None] = field(default_factory=dict)

    def add_rejection(self, points: int, reason: str) -> None:
        """Count *points* more; the first few reasons are kept."""
        self.points += points
        if len(self.reasons) < _MAX_REASONS:
            self.reasons[reason] = None

    def __str__(self) -> str:
        return "; ".join(self.reasons)


_ProtoPoint: TypeAlias = (
    NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint | SummaryDataPoint
)
# By metric name and `le`.
_Values: TypeAlias = dict[tuple[str, str | None], float | ExponentialHistogram]
_KINDS: Final = {
    AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE: PointKind.CUMULATIVE,
    AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA: PointKind.DELTA,
}


def translate_points(
    pieces: Iterable[RequestPiece],
    *,
    wanted: Container[str],
    promoted: Collection[str],
    rejected: RejectedPoints,
) -> Iterator[OtlpPoint | None]:
    """Give the points of the metrics *wanted*; of others only the name is looked at. None is a pause."""
    resource, translator = None, None
    for piece in pieces:
        metric = piece.metric
        if piece.oversized:
            rejected.add_rejection(
                piece.oversized,
                f"{metric.name[:_MAX_NAME]}: a point has at most {MAX_POINT_BYTES // 1024} KiB",
            )
        try:
            if translator is None or piece.resource is not resource:
                translator = _ResourceTranslator(target_labels(piece.resource.attributes, promoted), wanted)
                resource = piece.resource
        except ValueError as reason:
            translator = None
            rejected.add_rejection(_count_points(metric), str(reason))
            continue
        try:
            if (kind := metric.WhichOneof("data")) is not None:
                # As a list: of a metric with a mistake in it nothing is counted.
                yield from list(_TRANSLATIONS[kind](metric, translator))
        except ValueError as reason:
            rejected.add_rejection(_count_points(metric), f"{metric.name[:_MAX_NAME]}: {reason}")
        yield None


@dataclass(frozen=True, slots=True)
class _ResourceTranslator:
    """The labels of a sender, and the metrics that are of use."""

    labels: Mapping[str, str]
    wanted: Container[str]

    def translate_point(self, given: _ProtoPoint, kind: PointKind, values: _Values) -> Iterator[OtlpPoint]:
        """Give the points behind one data point."""
        if not any(name in self.wanted for name, _ in values):
            return
        labels = point_labels(given.attributes, self.labels)
        absent = given.flags & DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
        for (name, le), value in values.items():
            if name in self.wanted:
                own = labels if le is None else {**labels, "le": le}
                yield OtlpPoint(
                    SeriesId(name, tuple(sorted(own.items()))),
                    None if absent else value,
                    kind,
                    at=given.time_unix_nano / _NANOSECONDS,
                    start=given.start_time_unix_nano / _NANOSECONDS,
                    sender=f"{self.labels.get('job', '')} {self.labels.get('instance', '')}",
                )


def _gauge_points(metric: Metric, translator: _ResourceTranslator) -> Iterator[OtlpPoint]:
    name = metric_name(metric.name, metric.unit, NameSuffix.RATIO)
    for number in metric.gauge.data_points:
        yield from translator.translate_point(number, PointKind.GAUGE, {(name, None): _number_value(number)})


def _histogram_points(metric: Metric, translator: _ResourceTranslator) -> Iterator[OtlpPoint]:
    name = metric_name(metric.name, metric.unit, NameSuffix.NONE)
    kind = _point_kind(metric.histogram.aggregation_temporality)
    for histogram in metric.histogram.data_points:
        values: _Values = {
            (f"{name}_count", None): float(histogram.count),
            (f"{name}_bucket", "+Inf"): float(histogram.count),
        }
        if histogram.HasField("sum"):
            values[f"{name}_sum", None] = histogram.sum
        for upper, count in zip(histogram.explicit_bounds, accumulate(histogram.bucket_counts), strict=False):
            values[f"{name}_bucket", le_value(upper)] = float(count)
        yield from translator.translate_point(histogram, kind, values)


def _exponential_points(metric: Metric, translator: _ResourceTranslator) -> Iterator[OtlpPoint]:
    name = metric_name(metric.name, metric.unit, NameSuffix.NONE)
    kind = _point_kind(metric.exponential_histogram.aggregation_temporality)
    for exponential in metric.exponential_histogram.data_points:
        yield from translator.translate_point(
            exponential, kind, {(name, None): ExponentialHistogram.from_point(exponential)}
        )


def _summary_points(metric: Metric, translator: _ResourceTranslator) -> Iterator[OtlpPoint]:
    name = metric_name(metric.name, metric.unit, NameSuffix.NONE)
    for summary in metric.summary.data_points:
        values: _Values = {(f"{name}_count", None): float(summary.count), (f"{name}_sum", None): summary.sum}
        yield from translator.translate_point(summary, PointKind.CUMULATIVE, values)


def _sum_points(metric: Metric, translator: _ResourceTranslator) -> Iterator[OtlpPoint]:
    kind = _point_kind(metric.sum.aggregation_temporality)
    monotonic = metric.sum.is_monotonic
    if not monotonic and kind is PointKind.DELTA:
        raise ValueError("deltas of what goes up and down cannot be counted")
    name = metric_name(metric.name, metric.unit, NameSuffix.TOTAL if monotonic else NameSuffix.NONE)
    for number in metric.sum.data_points:
        yield from translator.translate_point(
            number, kind if monotonic else PointKind.GAUGE, {(name, None): _number_value(number)}
        )


def _number_value(number: NumberDataPoint) -> float:
    return float(number.as_int) if number.WhichOneof("value") == "as_int" else number.as_double


def _point_kind(temporality: AggregationTemporality.ValueType) -> PointKind:
    if temporality not in _KINDS:
        raise ValueError("neither cumulative nor delta")
    return _KINDS[temporality]


def _count_points(metric: Metric) -> int:
    kind = metric.WhichOneof("data")
    return 0 if kind is None else len(getattr(metric, kind).data_points)


_TRANSLATIONS: Final[Mapping[str, Callable[[Metric, _ResourceTranslator], Iterator[OtlpPoint]]]] = {
    "sum": _sum_points,
    "gauge": _gauge_points,
    "histogram": _histogram_points,
    "exponential_histogram": _exponential_points,
    "summary": _summary_points,
}
