"""One SLO proven: both sides fetched, compared, and what each reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from msgspec import structs

from sloctl.backfill.rollups import RangeQuery, count_missed, find_gaps
from sloctl.backtest.fetch import CountStore, GroupKey, fetch_counts
from sloctl.duration import MINUTE
from sloctl.model import LatencyIndicator, PromQL, RatioIndicator, Slo
from sloctl.naming import NATIVE_STYLE
from sloctl.prometheus.answers import QueryRange
from sloctl.proof.comparison import BothSides, SloComparison, compare_slo, compared_windows
from sloctl.proof.past_ratios import RatioColumn, evaluations_of, fetch_last_ratio, fetch_ratios, window_query
from sloctl.rules.backfill_queries import backfill_rollups
from sloctl.rules.repair import REPAIR_SPAN
from sloctl.slo.event_series import EventSeries
from sloctl.slo.resolutions import EventCounts
from sloctl.spec.dialects.translation import OriginalRatio


@dataclass(frozen=True, slots=True)
class ProofServer:
    """The Prometheus that is asked, and where whole days are kept; *now* in Unix seconds."""

    ask: RangeQuery
    count_samples: Callable[[PromQL, int], int]
    store: CountStore
    now: int


def estimate_samples(slo: Slo, original: OriginalRatio, *, span: QueryRange, server: ProofServer) -> int:
    """Estimate how many samples the server has to read for one SLO, from one evaluation of each query."""
    theirs = sum(
        server.count_samples(window_query(original, window), span.end) * evaluations_of(window, span)
        for window in compared_windows(slo)
    )
    minutes = (span.end - span.start) // 60
    ours = sum(server.count_samples(query, span.end) for query in backfill_rollups(slo, NATIVE_STYLE))
    return theirs + 2 * minutes * ours


def prove_slo(
    slo: Slo,
    original: OriginalRatio,
    *,
    span: QueryRange,
    server: ProofServer,
    tell: Callable[[], None] = lambda: None,
) -> list[SloComparison]:
    """Compare each budget of an SLO with the original over *span*; *tell* is called after each day."""

    def count(counted: Slo) -> Mapping[GroupKey, EventSeries]:
        return fetch_counts(counted, span, ask=server.ask, store=server.store, now=server.now, tell=tell)

    unknown = EventSeries.from_points(span.start, span.end, step=MINUTE, events={}, errors={})
    counts = count(slo) or {(): unknown}
    columns = {
        window: fetch_ratios(
            original, window, span=span, ask=server.ask, store=server.store, now=server.now, tell=tell
        )
        for window in compared_windows(slo)
    }
    period = slo.window.seconds
    if not original.period_is_mean:
        columns[period] = fetch_last_ratio(original, period, at=span.end, ask=server.ask)
    their_samples = sum(
        server.count_samples(window_query(original, window), span.end) for window in compared_windows(slo)
    )
    our_samples = sum(server.count_samples(query, span.end) for query in backfill_rollups(slo, NATIVE_STYLE))

    def compare(without_births: Mapping[GroupKey, EventSeries]) -> list[SloComparison]:
        return [
            compare_slo(
                " ".join([slo.id, *(f"{label}={value}" for label, value in group)]),
                BothSides(
                    slo,
                    series,
                    without_births.get(group, series),
                    repaired[group],
                    {it: column for it, found in columns.items() if (column := _of_group(found, group))},
                    original.period_is_mean,
                ),
                their_samples=their_samples,
                our_samples=our_samples,
            )
            for group, series in counts.items()
        ]

    repaired = add_missed(slo, counts, ask=server.ask)
    compared = compare(counts)
    if all(window.is_explained for comparison in compared for window in comparison.windows):
        return compared
    return compare(count(_without_births(slo)))


def add_missed(
    slo: Slo, counts: Mapping[GroupKey, EventSeries], *, ask: RangeQuery
) -> dict[GroupKey, EventSeries]:
    """Add what happened while nothing was scraped, as the rules do when they repair a downtime.

    It stands where the counters were seen again. What is longer than a repair reaches back is left out.
    """
    counted = {
        series.moment_at(index)
        for series in counts.values()
        for index, is_known in enumerate(series.known)
        if is_known
    }
    missed = {
        gap.end: count_missed(slo, NATIVE_STYLE, gap, ask=ask)
        for gap in find_gaps(counted)
        if gap.end - gap.start <= REPAIR_SPAN
    }

    def repair(group: GroupKey, series: EventSeries) -> EventSeries:
        of_group = {at: each[key] for at, each in missed.items() if (key := frozenset(group)) in each}

        def add(at: int, counted: EventCounts) -> EventCounts:
            more = of_group.get(at, EventCounts(0.0, 0.0))
            return EventCounts(counted.error + more.error, counted.total + more.total)

        return series.change_counts(add)

    return {group: repair(group, series) if missed else series for group, series in counts.items()}


def _without_births(slo: Slo) -> Slo:
    """Return the SLO as it would count without the first values of new series."""
    if isinstance(slo.indicator, RatioIndicator | LatencyIndicator):
        return structs.replace(slo, indicator=structs.replace(slo.indicator, count_new_series=False))
    return slo


def _of_group(columns: Mapping[GroupKey, RatioColumn], group: GroupKey) -> RatioColumn | None:
    """Return the ratios of one group; without groups, those of the one series that there is."""
    found = [column for labels, column in columns.items() if set(group) <= set(labels)]
    return found[0] if len(found) == 1 else None
