"""Event counts of the past from a Prometheus, each day asked for once."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from sloctl.backfill.rollups import RangeQuery
from sloctl.duration import DAY
from sloctl.model import PromQL, Slo
from sloctl.naming import NATIVE_STYLE
from sloctl.prometheus.answers import QueryRange, RangeSeries
from sloctl.rules.backfill_queries import bind_errors, watched_rollups
from sloctl.slo.event_series import EventSeries
from sloctl.slo.resolutions import FINE_STEP

# The labels of a group, sorted.
GroupKey: TypeAlias = tuple[tuple[str, str], ...]
# After a day's end this long, what Prometheus holds of it no longer changes; seconds.
SETTLED_AFTER = 3600


class DayCounts(Struct, frozen=True, array_like=True):
    """Counts of one group over a stretch: by minute from *start*, None where nothing is known."""

    group: tuple[tuple[str, str], ...]
    start: int
    events: tuple[float | None, ...]
    errors: tuple[float | None, ...]


class CountStore(Protocol):
    """Where the counts of whole days are kept between two runs."""

    def load(self, queries: tuple[PromQL, PromQL], day: QueryRange) -> list[DayCounts] | None:
        """Return what was kept, None where nothing is."""

    def keep(self, queries: tuple[PromQL, PromQL], day: QueryRange, counts: Sequence[DayCounts]) -> None:
        """Keep what was asked for."""


def fetch_counts(
    slo: Slo,
    span: QueryRange,
    *,
    ask: RangeQuery,
    store: CountStore,
    now: int,
    tell: Callable[[], None] = lambda: None,
) -> dict[GroupKey, EventSeries]:
    """Fetch the counts of each group of *slo* by the minute, day by day.

    Whole days are asked for, and kept in *store* once they are over; *tell* is called after each.
    """
    queries = watched_rollups(slo, NATIVE_STYLE)
    stretches: list[DayCounts] = []
    for day in QueryRange(span.start // DAY * DAY, span.end).split_days():
        counts = store.load(queries, day)
        if counts is None:
            counts = count_day(queries, day, ask)
            if day.end - day.start == DAY and day.end + SETTLED_AFTER <= now:
                store.keep(queries, day, counts)
        stretches += counts
        tell()
    return join_stretches(stretches, span)


def count_day(queries: tuple[PromQL, PromQL], day: QueryRange, ask: RangeQuery) -> list[DayCounts]:
    """Ask for events and errors of every minute of *day*, errors bound by the events as in the rules."""
    events, errors = (ask(query, day, step=FINE_STEP) for query in queries)
    failed = {_group_key(series): series.points for series in errors}
    moments = range(day.start + FINE_STEP, day.end + 1, FINE_STEP)
    counted = []
    for series in events:
        of_group = failed.get(_group_key(series), {})
        totals = [series.points.get(at) for at in moments]
        bound = [
            None if total is None else bind_errors(of_group.get(at), total)
            for at, total in zip(moments, totals, strict=True)
        ]
        counted.append(DayCounts(_group_key(series), day.start, tuple(totals), tuple(bound)))
    return counted


def join_stretches(stretches: Iterable[DayCounts], span: QueryRange) -> dict[GroupKey, EventSeries]:
    """Put days together, group by group, and cut what lies outside of *span*."""
    points: dict[GroupKey, tuple[dict[int, float], dict[int, float]]] = {}
    for stretch in stretches:
        events, errors = points.setdefault(stretch.group, ({}, {}))
        moments = range(
            stretch.start + FINE_STEP, stretch.start + len(stretch.events) * FINE_STEP + 1, FINE_STEP
        )
        events.update((at, it) for at, it in zip(moments, stretch.events, strict=True) if it is not None)
        errors.update((at, it) for at, it in zip(moments, stretch.errors, strict=True) if it is not None)
    return {
        group: EventSeries.from_points(span.start, span.end, step=FINE_STEP, events=events, errors=errors)
        for group, (events, errors) in sorted(points.items())
    }


def _group_key(series: RangeSeries) -> GroupKey:
    return tuple(sorted(series.labels.items()))
