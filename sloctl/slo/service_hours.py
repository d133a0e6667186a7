"""Service hours: the times of a week in which events count, by the clocks of one time zone.

Pure: moments are arguments. A moment lies within the hours when the clocks of their zone say so then, on the
nights on which these change too. The rules say the same in PromQL (`rules/service_hours.py`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from sloctl.duration import DAY, WEEK
from sloctl.model import RecurringTime, Slo, WeekSpan
from sloctl.slo.exclusions import describe_time, merge_spans, zone_offsets
from sloctl.slo.resolutions import FINE_STEP, EventCounts

# Seconds from the Monday before to the first day of 1970, a Thursday.
EPOCH_IN_WEEK: Final = 3 * DAY
_DAYS: Final = range(7)


@lru_cache(maxsize=1024)  # asked at each tick, of a few weeks
def week_spans(hours: tuple[RecurringTime, ...]) -> tuple[WeekSpan, ...]:
    """Return the hours as spans of a week, in order and apart; one may go on past the week's end."""
    spans = [
        (day * DAY + time.start_second, day * DAY + time.start_second + time.seconds)
        for time in hours
        for day in ([number for number, _ in time.days] or _DAYS)
    ]
    # The weeks around it, so that what goes on past the end of one meets what begins the next.
    weeks = (-WEEK, 0, WEEK)
    merged = merge_spans((start + week, end + week) for week in weeks for start, end in spans)
    if merged[0][1] - merged[0][0] >= WEEK:
        return (WeekSpan(0, WEEK),)
    return tuple(WeekSpan(start, end - start) for start, end in merged if 0 <= start < WEEK)


def is_whole_week(hours: tuple[RecurringTime, ...]) -> bool:
    """Tell whether the hours never end."""
    return hours_per_week(hours) == WEEK


def hours_per_week(hours: tuple[RecurringTime, ...]) -> int:
    """Return the seconds of a week that lie within the hours; without hours all of them."""
    return sum(span.seconds for span in week_spans(hours)) if hours else WEEK


def active_spans(hours: tuple[RecurringTime, ...], begin: float, end: float) -> list[tuple[int, int]]:
    """Return the spans of the hours that touch the time from *begin* to *end*, whole and in order."""
    years = range(datetime.fromtimestamp(begin, UTC).year, datetime.fromtimestamp(end, UTC).year + 1)
    if len(years) == 1:
        spans: Sequence[tuple[int, int]] = _spans_of_year(hours, years[0])
    else:
        spans = merge_spans(span for year in years for span in _spans_of_year(hours, year))
    first = bisect_right(spans, begin, key=lambda span: span[1])
    last = bisect_left(spans, end, key=lambda span: span[0])
    return list(spans[first:last])


def active_seconds(hours: tuple[RecurringTime, ...], begin: float, end: float) -> float:
    """Return how many of the seconds from *begin* to *end* lie within the hours; without hours all do."""
    if not hours or end <= begin:
        return max(0.0, end - begin)
    return sum(min(stop, end) - max(start, begin) for start, stop in active_spans(hours, begin, end))


def is_within_hours(hours: tuple[RecurringTime, ...], begin: float, end: float) -> bool:
    """Tell whether all of the time from *begin* to *end* lies within the hours; without hours it does."""
    if not hours:
        return True
    return any(start <= begin and end <= stop for start, stop in active_spans(hours, begin, end + 1))


def next_start(hours: tuple[RecurringTime, ...], at: float) -> int | None:
    """Return when the hours begin next after *at*, outside of them; None within them, and without hours."""
    if not hours:
        return None
    spans = active_spans(hours, at, at + 2 * WEEK)
    return spans[0][0] if spans and spans[0][0] > at else None


def started_at(hours: tuple[RecurringTime, ...], at: float) -> int:
    """Return when the hours that hold at *at* began, or will begin next; 0 without hours."""
    spans = active_spans(hours, at, at + 2 * WEEK) if hours else []
    return spans[0][0] if spans else 0


def counts_within_hours(slo: Slo, at: float, counts: EventCounts, *, step: float) -> EventCounts:
    """Return *counts* of the *step* seconds up to *at*, none where not all of them lie within the hours.

    As in the rules a minute has the scrape before it, and a slice of time ends on a multiple of its length.
    """
    if not slo.active_hours:
        return counts
    end, reach = at, max(step, FINE_STEP) + slo.scrape_interval
    if slo.time_slice is not None and slo.time_slice.seconds > FINE_STEP:
        reach = slo.time_slice.seconds
        end = at // reach * reach
    return counts if is_within_hours(slo.active_hours, end - reach, end) else EventCounts(0.0, 0.0)


def describe_hours(hours: tuple[RecurringTime, ...]) -> str:
    """Say when the hours are: `every Monday to Friday 08:00 to 18:00 (Europe/Berlin)`."""
    return "; ".join(map(describe_time, hours))


def describe_outside(until: float) -> str:
    """Say that it is outside the hours: `outside service hours until Mon 08:00 UTC`."""
    return f"outside service hours until {datetime.fromtimestamp(round(until), UTC):%a %H:%M UTC}"


@lru_cache(maxsize=4096)
def _spans_of_year(hours: tuple[RecurringTime, ...], year: int) -> tuple[tuple[int, int], ...]:
    """Return the spans that touch a year of UTC, or the weeks around it."""
    begin = int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) - 2 * WEEK
    end = int(datetime(year + 1, 1, 1, tzinfo=UTC).timestamp()) + 3 * WEEK
    offsets = zone_offsets(hours[0].time_zone, year - 1, year + 1)
    changes = [*(moment for moment, _ in offsets[1:]), end]
    found = []
    for (since, offset), until in zip(offsets, changes, strict=True):
        first, last = max(since, begin), min(until, end)
        if first >= last:
            continue
        monday = (first + offset + EPOCH_IN_WEEK) // WEEK * WEEK - EPOCH_IN_WEEK - offset - WEEK
        while monday < last:
            for span in week_spans(hours):
                start, stop = monday + span.start, monday + span.start + span.seconds
                if start < last and stop > first:
                    found.append((max(start, first), min(stop, last)))
            monday += WEEK
    return tuple(merge_spans(found))
