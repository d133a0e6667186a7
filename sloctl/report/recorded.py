"""The rollups that the rules recorded over a span, group by group."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct

from sloctl import naming
from sloctl.backfill.rollups import RangeQuery
from sloctl.duration import DAY
from sloctl.model import PromQL, Slo
from sloctl.naming import LabelStyle
from sloctl.prometheus.answers import QueryRange
from sloctl.promql import aggregate_by, last_range, metric_selector, range_selector
from sloctl.slo.event_series import EventSeries
from sloctl.slo.resolutions import COARSE_STEP, EventCounts

# The labels of a group, sorted.
GroupKey: TypeAlias = tuple[tuple[str, str], ...]
# Thirty days of five minutes are what Prometheus gives in one answer.
_QUERY_SPAN = 30 * DAY


class RecordedCounts(Struct, frozen=True):
    """The counts of one group: *counted* as the rules did, *repaired* with what they added after downtimes.

    A repair is stamped when it is found, so only *counted* tells when something burned. *before* is the sum
    of the span before.
    """

    counted: EventSeries
    repaired: EventSeries
    before: EventCounts


def read_recorded(
    slo: Slo, style: LabelStyle, span: QueryRange, before: QueryRange, *, ask: RangeQuery
) -> dict[GroupKey, RecordedCounts]:
    """Read the counts of every group of *slo* that has any in *span*; none where no rule recorded them."""
    events, errors = (
        _read_metric(metric, slo, style, (span, before), ask=ask)
        for metric in (naming.event_count_metric(COARSE_STEP), naming.error_count_metric(COARSE_STEP))
    )
    nothing: dict[int, float] = {}
    return {
        group: RecordedCounts(
            _build_series(span, counted, errors.counted.get(group, nothing)),
            _build_series(
                span,
                _add_points(counted, events.repairs.get(group, nothing)),
                _add_points(errors.counted.get(group, nothing), errors.repairs.get(group, nothing)),
            ),
            EventCounts(errors.before.get(group, 0.0), events.before.get(group, 0.0)),
        )
        for group, counted in sorted(events.counted.items())
    }


class _MetricPoints(Struct, frozen=True):
    """One metric by group: points as counted and as repaired, and the sum of the span before."""

    counted: dict[GroupKey, dict[int, float]]
    repairs: dict[GroupKey, dict[int, float]]
    before: dict[GroupKey, float]


def _read_metric(
    metric: str, slo: Slo, style: LabelStyle, spans: tuple[QueryRange, QueryRange], *, ask: RangeQuery
) -> _MetricPoints:
    (span, before), read = spans, _MetricPoints({}, {}, {})
    for part, into in (("", read.counted), ("repair", read.repairs)):
        rollups = metric_selector(metric, {**style.id_label(slo), style.part: part})
        newest = f"last_over_time({last_range(rollups, COARSE_STEP)})"
        for group, points in ask_pieces(aggregate_by("sum", slo.group_by, newest), span, ask):
            into.setdefault(group, {}).update(points)
    rollups = range_selector(
        metric_selector(metric, style.id_label(slo)), before.end - before.start - COARSE_STEP // 2
    )
    total = aggregate_by("sum", slo.group_by, f"sum_over_time({rollups})")
    last_step = QueryRange(before.end - COARSE_STEP, before.end)
    read.before.update((group, sum(points.values())) for group, points in ask_pieces(total, last_step, ask))
    return read


def ask_pieces(
    query: PromQL, span: QueryRange, ask: RangeQuery
) -> Iterator[tuple[GroupKey, Mapping[int, float]]]:
    for start in range(span.start, span.end, _QUERY_SPAN):
        piece = QueryRange(start, min(span.end, start + _QUERY_SPAN))
        for series in ask(query, piece, step=COARSE_STEP):
            yield tuple(sorted(series.labels.items())), series.points


def _add_points(points: Mapping[int, float], more: Mapping[int, float]) -> dict[int, float]:
    return {**points, **{at: points.get(at, 0.0) + value for at, value in more.items()}}


def _build_series(span: QueryRange, events: Mapping[int, float], errors: Mapping[int, float]) -> EventSeries:
    return EventSeries.from_points(span.start, span.end, step=COARSE_STEP, events=events, errors=errors)
