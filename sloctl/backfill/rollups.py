"""Rollups of the time before the rules ran, so that a new SLO starts with full windows. Pure but for asking.

Law: nothing is counted twice. What the rules have recorded, or their repair group has brought in, is left to
them; the backfill ends where that begins.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from sloctl import naming
from sloctl.duration import DAY
from sloctl.model import Labels, PromQL, Slo
from sloctl.naming import LabelStyle
from sloctl.prometheus.client import MatrixSeries
from sloctl.promql import metric_selector, quote_string
from sloctl.rules.backfill_queries import backfill_increase, backfill_rollups
from sloctl.rules.repair import REPAIR_REACH as REPAIRED
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP

# (query, start, end, step) in Unix seconds; the API of a Prometheus, or a test's.
RangeQuery: TypeAlias = Callable[[PromQL, int, int, int], list[MatrixSeries]]
_ROLLUP_METRICS: Final = (
    (naming.event_count_metric(FINE_STEP), naming.event_count_metric(COARSE_STEP)),
    (naming.error_count_metric(FINE_STEP), naming.error_count_metric(COARSE_STEP)),
)
# A hole that began up to this long before a day is seen whole when that day is computed.
_LEAD_SECONDS: Final = REPAIRED
# Seconds between two rollups; two missing are not worth a repair.
_MAX_ROLLUP_GAP: Final = 3 * FINE_STEP
# Three months of five-minute instants would be more points than Prometheus gives in one answer.
_QUERY_SPAN: Final = 30 * DAY


@dataclass(frozen=True, slots=True)
class BackfillRange:
    """Rollups that end after *start* and no later than *end* are wanted; Unix seconds, whole coarse steps."""

    start: int
    end: int

    def split_days(self) -> Iterator["BackfillRange"]:
        """Cut at midnight UTC, so that each piece fits one answer and one file."""
        start = self.start
        while start < self.end:
            end = min(self.end, (start // DAY + 1) * DAY)
            yield BackfillRange(start, end)
            start = end

    def intersect_with(self, other: "BackfillRange") -> "BackfillRange | None":
        start, end = max(self.start, other.start), min(self.end, other.end)
        return BackfillRange(start, end) if start < end else None


def missing_range(slo: Slo, style: LabelStyle, past: BackfillRange, ask: RangeQuery) -> BackfillRange:
    """The part of *past* before the rules' own rollups begin."""
    own = metric_selector(naming.event_count_metric(COARSE_STEP), style.id_label(slo))
    repaired = metric_selector(
        naming.event_count_metric(COARSE_STEP), {**style.id_label(slo), style.part: "repair"}
    )
    ends = [past.end]
    if (recorded := _first_sample(own, past, ask)) is not None:
        ends.append(recorded - COARSE_STEP)
    if (repair := _first_sample(repaired, past, ask)) is not None:
        ends.append(repair - REPAIRED)
    end = min(ends)
    return BackfillRange(past.start, max(past.start, end - end % COARSE_STEP))


def openmetrics_text(
    slo: Slo, style: LabelStyle, piece: BackfillRange, *, fine_after: int, ask: RangeQuery
) -> str:
    """OpenMetrics lines of the rollups of *slo* in a day at most, without the closing EOF.

    Fine rollups serve the short lookbacks alone, so only those after *fine_after* are of use. What happened
    in a hole that ends in *piece* is one coarse rollup with the part label, as a repair would have recorded.
    """
    minutes = [
        ask(query, piece.start + FINE_STEP - _LEAD_SECONDS, piece.end, FINE_STEP)
        for query in backfill_rollups(slo, style)
    ]
    lines: list[str] = []
    for (fine, coarse), rows in zip(_ROLLUP_METRICS, minutes, strict=True):
        for series in rows:
            labels = {**series.labels, **style.identity_labels(slo)}
            own = {at: value for at, value in series.points.items() if at > piece.start}
            lines += _sample_lines(coarse, labels, _sum_coarse_steps(own))
            lines += _sample_lines(fine, labels, {at: value for at, value in own.items() if at > fine_after})
    for hole in _find_gaps(minutes[0], piece):
        lines += _repair_lines(slo, style, hole, minutes=minutes, ask=ask)
    return "".join(lines)


def _find_gaps(events: Iterable[MatrixSeries], piece: BackfillRange) -> list[BackfillRange]:
    """From the last rollup before to the first one after, wherever no group has any in between."""
    there = sorted({at for series in events for at in series.points})
    return [
        BackfillRange(before, after)
        for before, after in pairwise(there)
        if after - before > _MAX_ROLLUP_GAP and after > piece.start
    ]


def _repair_lines(
    slo: Slo,
    style: LabelStyle,
    hole: BackfillRange,
    *,
    minutes: Sequence[Sequence[MatrixSeries]],
    ask: RangeQuery,
) -> Iterator[str]:
    """What the counters grew by across a hole, less what the rollups at either end counted of that.

    A rollup outlives the last scrape that it saw, so the growth is taken from a few rollups earlier.
    """
    earlier = -(-(FINE_STEP + slo.scrape_interval) // FINE_STEP) * FINE_STEP
    across = BackfillRange(hole.start - earlier, hole.end)
    queries = backfill_increase(slo, style, across.end - across.start)
    for (_, coarse), query, rows in zip(_ROLLUP_METRICS, queries or (), minutes, strict=False):
        counted = {_key(series): _counted(series, across) for series in rows}
        for series in ask(query, across.end, across.end, FINE_STEP):
            grown = series.points[across.end] - counted.get(_key(series), 0.0)
            labels = {**series.labels, **style.identity_labels(slo), style.part: "repair"}
            yield from _sample_lines(coarse, labels, {across.end: max(0.0, grown)})


def _counted(series: MatrixSeries, across: BackfillRange) -> float:
    return sum(value for at, value in series.points.items() if across.start < at <= across.end)


def _key(series: MatrixSeries) -> frozenset[tuple[str, str]]:
    return frozenset(series.labels.items())


def _first_sample(query: PromQL, past: BackfillRange, ask: RangeQuery) -> int | None:
    """The coarse step before the first sample of a series."""
    for start in range(past.start, past.end, _QUERY_SPAN):
        found = ask(query, start, min(past.end, start + _QUERY_SPAN), COARSE_STEP)
        seen = [at for series in found for at in series.points]
        if seen:
            return min(seen) - COARSE_STEP
    return None


def _sum_coarse_steps(points: Mapping[int, float]) -> dict[int, float]:
    """Fine rollups summed as the slow group does; a step without any is absent."""
    sums: dict[int, float] = {}
    for at, value in points.items():
        end = -(-at // COARSE_STEP) * COARSE_STEP
        sums[end] = sums.get(end, 0.0) + value
    return sums


def _sample_lines(metric: str, labels: Labels, points: Mapping[int, float]) -> Iterator[str]:
    inside = ",".join(f"{name}={quote_string(value)}" for name, value in sorted(labels.items()))
    for at, value in points.items():
        yield f"{metric}{{{inside}}} {value!r} {at}\n"
