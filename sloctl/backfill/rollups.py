"""The rollups of one SLO over the past, read from raw series and written as OpenMetrics lines."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, Protocol

from sloctl import naming
from sloctl.backfill.openmetrics import format_samples
from sloctl.backfill.published import RollupHistory, published_lines
from sloctl.duration import DAY
from sloctl.model import PromQL, Slo
from sloctl.naming import LabelStyle
from sloctl.prometheus.answers import QueryRange, RangeSeries
from sloctl.promql import metric_selector
from sloctl.rules.backfill_queries import backfill_increase, bind_errors, watched_rollups
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, REPAIR_REACH, EventCounts

_ROLLUP_METRICS: Final = (
    (naming.event_count_metric(FINE_STEP), naming.event_count_metric(COARSE_STEP)),
    (naming.error_count_metric(FINE_STEP), naming.error_count_metric(COARSE_STEP)),
)
# A gap that began up to this long before a day is seen whole when that day is computed.
_LEAD_SECONDS: Final = REPAIR_REACH
# Seconds between two rollups; two missing are not worth a repair.
_MAX_ROLLUP_GAP: Final = 3 * FINE_STEP
# What rollups before a gap are looked at, which outlive the last scrape that they saw.
_GAP_LEAD: Final = 2 * COARSE_STEP
# Three months of five-minute instants would be more points than Prometheus gives in one answer.
_QUERY_SPAN: Final = 30 * DAY


class RangeQuery(Protocol):
    """A range query of a Prometheus: *query* at the end of every *step* (seconds) of *span*."""

    def __call__(self, query: PromQL, span: QueryRange, /, *, step: int) -> list[RangeSeries]: ...


def missing_range(slo: Slo, style: LabelStyle, past: QueryRange, ask: RangeQuery) -> QueryRange:
    """Find the part of *past* before the rules' own rollups begin, so that nothing is counted twice."""
    identity = style.id_label(slo)
    metric = naming.event_count_metric(COARSE_STEP)
    ends = [past.end]
    if (recorded := _first_sample(metric_selector(metric, identity), past, ask)) is not None:
        ends.append(recorded - COARSE_STEP)
    repairs = metric_selector(metric, {**identity, style.part: "repair"})
    if (repaired := _first_sample(repairs, past, ask)) is not None:
        ends.append(repaired - REPAIR_REACH)
    end = min(ends)
    return QueryRange(past.start, max(past.start, end - end % COARSE_STEP))


def openmetrics_text(
    slo: Slo,
    style: LabelStyle,
    piece: QueryRange,
    *,
    history: RollupHistory,
    ask: RangeQuery,
) -> str:
    """Write OpenMetrics lines of *slo* in a day at most, without the closing EOF.

    What happened in a gap that ends in *piece* is one coarse rollup with the part label, as a repair would
    have recorded. The coarse rollups join *history*, which holds those before: windows are longer than a
    day.
    """
    fine_history = RollupHistory()
    events, errors = (
        ask(query, QueryRange(piece.start - _LEAD_SECONDS, piece.end), step=FINE_STEP)
        for query in watched_rollups(slo, style)
    )
    fine_rollups = (events, _bind_to_events(errors, events))
    lines: list[str] = []
    for (fine, coarse), rows in zip(_ROLLUP_METRICS, fine_rollups, strict=True):
        for series in rows:
            fine_history.add_rollups(fine, series.labels, series.points)
            labels = {**series.labels, **style.identity_labels(slo)}
            points = {at: value for at, value in series.points.items() if at > piece.start}
            sums = _sum_coarse_steps(points)
            history.add_rollups(coarse, series.labels, sums)
            lines += format_samples(coarse, labels, sums)
            lines += format_samples(fine, labels, points)
    counted = {at for series in fine_rollups[0] for at in series.points}
    for gap in (gap for gap in find_gaps(counted) if gap.end > piece.start):
        for metric, series in _repair_gap(slo, style, gap, fine_rollups=fine_rollups, ask=ask):
            history.add_rollups(metric, series.labels, series.points)
            labels = {**series.labels, **style.identity_labels(slo), style.part: "repair"}
            lines += format_samples(metric, labels, series.points)
    if history.has_rollups:
        moments = range(piece.start + COARSE_STEP, piece.end + 1, COARSE_STEP)
        lines += published_lines(slo, style, {FINE_STEP: fine_history, COARSE_STEP: history}, moments)
    return "".join(lines)


def count_missed(
    slo: Slo, style: LabelStyle, gap: QueryRange, *, ask: RangeQuery
) -> dict[frozenset[tuple[str, str]], EventCounts]:
    """Count, by the labels of its group, what happened between two rollups of which *gap* holds no other.

    As a repair of the rules would: nothing for indicators that no counter remembers.
    """
    around = QueryRange(gap.start - _GAP_LEAD, gap.end)
    events, errors = (ask(query, around, step=FINE_STEP) for query in watched_rollups(slo, style))
    missed: dict[frozenset[tuple[str, str]], list[float]] = {}
    rollups = (events, _bind_to_events(errors, events))
    for _, series in _repair_gap(slo, style, gap, fine_rollups=rollups, ask=ask):
        missed.setdefault(frozenset(series.labels.items()), []).append(sum(series.points.values()))
    return {group: EventCounts(error, total) for group, (total, error) in missed.items()}


def find_gaps(counted: Iterable[int]) -> list[QueryRange]:
    """Find where *counted*, the moments of rollups of any group, leave out what is worth a repair.

    Each gap is from the last rollup before it to the first one after.
    """
    return [
        QueryRange(before, after)
        for before, after in pairwise(sorted(counted))
        if after - before > _MAX_ROLLUP_GAP
    ]


def _repair_gap(
    slo: Slo,
    style: LabelStyle,
    gap: QueryRange,
    *,
    fine_rollups: Sequence[Sequence[RangeSeries]],
    ask: RangeQuery,
) -> Iterator[tuple[str, RangeSeries]]:
    """Find, by metric, what the counters grew by across a gap, less what the rollups at its ends hold.

    A rollup outlives the last scrape that it saw, so the increase is taken from a few rollups earlier.
    """
    earlier = -(-(FINE_STEP + slo.scrape_interval) // FINE_STEP) * FINE_STEP
    start, end = gap.start - earlier, gap.end
    queries = backfill_increase(slo, style, end - start)
    if queries is None:
        return
    events, errors = (
        [
            _uncounted_increase(series, rows, QueryRange(start, end))
            for series in ask(query, QueryRange(end - FINE_STEP, end), step=FINE_STEP)
        ]
        for query, rows in zip(queries, fine_rollups, strict=True)
    )
    for (_, coarse), rows in zip(_ROLLUP_METRICS, (events, _bind_to_events(errors, events)), strict=True):
        yield from ((coarse, series) for series in rows)


def _uncounted_increase(
    increase: RangeSeries, fine_rollups: Iterable[RangeSeries], gap: QueryRange
) -> RangeSeries:
    """Subtract from the increase over *gap*, at its end, the rollups in it; what is left is 0 at least."""
    counted = sum(
        value
        for series in fine_rollups
        if series.labels == increase.labels
        for at, value in series.points.items()
        if gap.start < at <= gap.end
    )
    return RangeSeries(increase.labels, {gap.end: max(0.0, increase.points.get(gap.end, 0.0) - counted)})


def _bind_to_events(errors: Iterable[RangeSeries], events: Iterable[RangeSeries]) -> list[RangeSeries]:
    """Give errors for all that has events, each within 0 and the events."""
    known = {frozenset(series.labels.items()): series.points for series in errors}
    return [
        RangeSeries(
            series.labels,
            {
                at: bind_errors(known.get(frozenset(series.labels.items()), {}).get(at), total)
                for at, total in series.points.items()
            },
        )
        for series in events
    ]


def _first_sample(query: PromQL, past: QueryRange, ask: RangeQuery) -> int | None:
    """Find the coarse step before the first sample of *query*; None where there is none in *past*."""
    for start in range(past.start, past.end, _QUERY_SPAN):
        span = QueryRange(start - COARSE_STEP, min(past.end, start + _QUERY_SPAN))
        found = ask(query, span, step=COARSE_STEP)
        if moments := [at for series in found for at in series.points]:
            return min(moments) - COARSE_STEP
    return None


def _sum_coarse_steps(points: Mapping[int, float]) -> dict[int, float]:
    """Sum fine rollups into coarse steps, by the end of each; a step without any is absent."""
    sums: dict[int, float] = {}
    for at, value in points.items():
        end = -(-at // COARSE_STEP) * COARSE_STEP
        sums[end] = sums.get(end, 0.0) + value
    return sums
