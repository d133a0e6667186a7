"""The error ratio that another tool records, evaluated over the past, window by window."""

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from typing import Final

from msgspec import Struct

from sloctl.backfill.rollups import RangeQuery
from sloctl.backtest.fetch import SETTLED_AFTER, CountStore, DayCounts, GroupKey
from sloctl.duration import DAY, HOUR, MINUTE, format_duration
from sloctl.model import PromQL, WindowQuery
from sloctl.prometheus.answers import QueryRange
from sloctl.promql import fill_window
from sloctl.spec.dialects.translation import OriginalRatio

# The longest window for each step at which its ratio is evaluated, seconds.
_STEPS: Final = ((HOUR, MINUTE), (6 * HOUR, 5 * MINUTE), (DAY, 15 * MINUTE))
_LONGEST_STEP: Final = HOUR


class RatioColumn(Struct, frozen=True):
    """The ratios of one window by the moment of evaluation; not a number where the tool records NaN."""

    window: int
    step: int
    ratios: Mapping[int, float]


def step_of_window(window: int) -> int:
    """Return how often a window is evaluated, seconds: a sixtieth of it or so, at least each minute."""
    return next((step for longest, step in _STEPS if window <= longest), _LONGEST_STEP)


def window_query(original: OriginalRatio, window: int) -> PromQL:
    """Write the original expression over one window."""
    return fill_window(WindowQuery(original.ratio), format_duration(window))


def evaluations_of(window: int, span: QueryRange) -> int:
    """Return how often a window is evaluated over *span*."""
    return (span.end - span.start) // step_of_window(window)


def fetch_ratios(
    original: OriginalRatio,
    window: int,
    *,
    span: QueryRange,
    ask: RangeQuery,
    store: CountStore,
    now: int,
    tell: Callable[[], None] = lambda: None,
) -> dict[GroupKey, RatioColumn]:
    """Fetch the ratios of one window day by day; whole days that are over are kept in *store*."""
    step, query = step_of_window(window), window_query(original, window)
    points: dict[GroupKey, dict[int, float]] = {}
    for day in QueryRange(span.start // DAY * DAY, span.end).split_days():
        # The step is part of the key; a day of ratios is no day of counts.
        key = (query, f"ratio each {step}")
        kept = store.load(key, day)
        if kept is None:
            kept = _fetch_day(query, day, step=step, ask=ask)
            if day.end - day.start == DAY and day.end + SETTLED_AFTER <= now:
                store.keep(key, day, kept)
        for column in kept:
            _add_points(points.setdefault(column.group, {}), column, step, span)
        tell()
    return {group: RatioColumn(window, step, ratios) for group, ratios in points.items()}


def fetch_last_ratio(
    original: OriginalRatio, window: int, *, at: int, ask: RangeQuery
) -> dict[GroupKey, RatioColumn]:
    """Fetch the ratio of one window at one moment, for windows too long to be asked for again and again."""
    found = ask(window_query(original, window), QueryRange(at - MINUTE, at), step=MINUTE)
    return {
        tuple(sorted(series.labels.items())): RatioColumn(window, MINUTE, series.points) for series in found
    }


def _fetch_day(query: PromQL, day: QueryRange, *, step: int, ask: RangeQuery) -> list[DayCounts]:
    """Ask for a day of ratios; the second column marks those that are not a number."""
    moments = range(day.start + step, day.end + 1, step)
    columns = []
    for series in ask(query, day, step=step):
        values = [series.points.get(at) for at in moments]
        group = tuple(sorted(series.labels.items()))
        columns.append(DayCounts(group, day.start, _numbers(values), _marks(values)))
    return columns


def _numbers(values: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(None if value is None or isnan(value) else value for value in values)


def _marks(values: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(1.0 if value is not None and isnan(value) else None for value in values)


def _add_points(points: dict[int, float], column: DayCounts, step: int, span: QueryRange) -> None:
    for number, (value, is_nan) in enumerate(zip(column.events, column.errors, strict=True), start=1):
        at = column.start + number * step
        if span.start < at <= span.end and (value is not None or is_nan):
            points[at] = float("nan") if value is None else value
