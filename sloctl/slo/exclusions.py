"""When an exclusion holds: its spans within a range of time, and what of an SLO is excluded then.

Pure: the range is an argument. A recurring exclusion is of the days and clock times of its own time zone; the
rules know them by the same table of years as calendar windows.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sloctl.duration import DAY, HOUR
from sloctl.model import UTC_ZONE, Exclusion, ExclusionEffect, FixedTime, Labels, RecurringTime, Slo
from sloctl.slo.event_series import EventSeries
from sloctl.slo.resolutions import EventCounts

DAY_NAMES: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LONG_AGO: Final = 0


class ExcludedSpan(NamedTuple):
    """One occurrence of an exclusion, from *start* to *end*; Unix seconds."""

    start: int
    end: int
    exclusion: Exclusion


def parse_moment(text: str) -> int | None:
    """Parse a moment such as `2026-11-21T14:30:00Z` into whole Unix seconds.

    None for any other text; one without an offset is nowhere.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None or moment.microsecond or "T" not in text.upper():
        return None
    return int(moment.timestamp())


def start_of_day(day: str) -> int | None:
    """Return the Unix second at which a day like `2026-12-01` began in UTC; None for no day."""
    try:
        return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def format_moment(at: int) -> str:
    """Write a moment to the minute, `2026-11-21 14:30 UTC`; with seconds where it has some."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%Y-%m-%d %H:%M UTC}" if at % 60 == 0 else f"{moment:%Y-%m-%d %H:%M:%S UTC}"


def describe_time(time: FixedTime | RecurringTime) -> str:
    """Say when an exclusion holds: `2026-11-21 10:00 UTC to 2026-11-21 11:00 UTC`."""
    match time:
        case FixedTime(start=None, end=end):
            return f"everything before {format_moment(end)}"
        case FixedTime(start=start, end=end):
            return f"{format_moment(start or 0)} to {format_moment(end)}"
        case RecurringTime():
            days = _describe_days(time.days)
            if time.seconds == DAY and time.start_second == 0:
                return f"{days} ({time.time_zone})"
            begin, end = time.start_second, (time.start_second + time.seconds) % DAY
            return f"{days} {_clock_time(begin)} to {_clock_time(end)} ({time.time_zone})"


def exclusion_spans(exclusion: Exclusion, begin: float, end: float) -> Iterator[ExcludedSpan]:
    """Yield the spans of *exclusion* that touch the time from *begin* to *end*, whole and in order."""
    time = exclusion.time
    if isinstance(time, FixedTime):
        start = _LONG_AGO if time.start is None else time.start
        if start < end and time.end > begin:
            yield ExcludedSpan(start, time.end, exclusion)
        return
    zone = UTC if time.time_zone == UTC_ZONE else ZoneInfo(time.time_zone)
    day = datetime.fromtimestamp(begin - time.seconds - DAY, zone).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    while day.timestamp() < end:
        if _is_day(time, day):
            start = int((day + timedelta(seconds=time.start_second)).timestamp())
            stop = int((day + timedelta(seconds=time.start_second + time.seconds)).timestamp())
            if start < end and stop > begin:
                yield ExcludedSpan(start, stop, exclusion)
        day += timedelta(days=1)


def spans_of_group(slo: Slo, group: Iterable[str], begin: float, end: float) -> list[ExcludedSpan]:
    """Return the spans of all exclusions of one group of *slo*, by its values of groupBy, in order."""
    values = dict(zip(slo.group_by, group, strict=False))
    found = [
        span
        for exclusion in slo.exclusions
        if all(values.get(label) == value for label, value in exclusion.groups)
        for span in exclusion_spans(exclusion, begin, end)
    ]
    return sorted(found, key=lambda span: (span.start, span.end))


def counted_at(
    slo: Slo, spans: Sequence[ExcludedSpan], at: float, *, step: int, counts: EventCounts
) -> EventCounts | None:
    """Return what counts of the *step* seconds up to *at*, by the spans of its group.

    A step has no events where an excluded time touches it or the scrape before it, or no errors where they
    count as good; before a budget reset nothing is known: None.
    """
    begin = at - step - slo.scrape_interval
    here = [span.exclusion for span in spans if span.start < at and span.end > begin]
    if any(each.is_reset for each in here):
        return None
    if any(each.effect is ExclusionEffect.IGNORE for each in here):
        return EventCounts(0.0, 0.0)
    return EventCounts(0.0, counts.total) if here else counts


def exclude_from_series(slo: Slo, group: Labels, series: EventSeries) -> EventSeries:
    """Leave out of *series* what the exclusions of the group leave out."""
    values = [group.get(label, "") for label in slo.group_by]
    spans = spans_of_group(slo, values, series.start, series.end)
    if not spans:
        return series

    return series.change_counts(
        lambda at, counts: counted_at(slo, spans, at, step=series.step, counts=counts)
    )


def describe_exclusions(slo: Slo, group: Labels, begin: float, end: float) -> tuple[str, ...]:
    """Name the exclusions of a group between two moments: reason and time, each once."""
    values = [group.get(label, "") for label in slo.group_by]
    found = dict.fromkeys(span.exclusion for span in spans_of_group(slo, values, begin, end))
    return tuple(f"{each.reason} ({describe_time(each.time)})" for each in found)


def merge_spans(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join spans that overlap or touch; the answer is in order."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged


def zone_offsets(time_zone: str, first_year: int, last_year: int) -> list[tuple[int, int]]:
    """Return the seconds that a zone is ahead of UTC, each with the Unix second from which it holds.

    The first entry holds from the begin of *first_year*; the last year is included.
    """
    zone = ZoneInfo(time_zone)

    def offset_at(at: int) -> int:
        ahead = datetime.fromtimestamp(at, zone).utcoffset()
        return int(ahead.total_seconds()) if ahead is not None else 0

    begin = int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(last_year + 1, 1, 1, tzinfo=UTC).timestamp())
    offsets = [(begin, offset_at(begin))]
    for day in range(begin, end, DAY):
        low, high = day, day + DAY
        if offset_at(high) == offsets[-1][1]:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if offset_at(middle) != offsets[-1][1] else (middle, high)
        offsets.append((high, offset_at(high)))
    return offsets


def _is_day(time: RecurringTime, day: datetime) -> bool:
    if not time.days:
        return True
    is_last = (day + timedelta(days=7)).month != day.month
    places = {None, (day.day - 1) // 7 + 1, *((-1,) if is_last else ())}
    return any(weekday == day.weekday() and place in places for weekday, place in time.days)


def _describe_days(days: Sequence[tuple[int, int | None]]) -> str:
    """Name days, three of the week and more on end as `Monday to Friday`."""
    numbers = [number for number, place in days if place is None]
    if len(numbers) > 2 and len(numbers) == len(days) == numbers[-1] - numbers[0] + 1:
        return f"{DAY_NAMES[numbers[0]].capitalize()} to {DAY_NAMES[numbers[-1]].capitalize()}"
    return ", ".join(_describe_day(*day) for day in days) or "every day"


def _describe_day(weekday: int, place: int | None) -> str:
    name = DAY_NAMES[weekday].capitalize()
    return f"every {name}" if place is None else f"{PLACE_NAMES[place]} {name} of a month"


def _clock_time(second: int) -> str:
    return f"{second // HOUR:02}:{second % HOUR // 60:02}"


PLACE_NAMES: Final = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}
