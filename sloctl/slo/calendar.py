"""The periods of a calendar window: when the one that holds a moment began, and when it ends.

Pure: the moment is an argument. Days are those of the window's time zone, so that one in which the clocks go
forward has 23 hours. The rules know UTC by arithmetic and other zones by a table of boundaries, which the
release carries up to TABLE_END_YEAR.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from msgspec import Struct

from sloctl.model import UTC_ZONE, CalendarPeriod, CalendarWindow

# The years of the tables in rules: those of this release, and three more.
TABLE_START_YEAR: Final = 2026
TABLE_END_YEAR: Final = 2030


class PeriodSpan(Struct, frozen=True):
    """One period, from *start* to *end* (Unix seconds); at its end the next one begins."""

    start: int
    end: int

    @property
    def seconds(self) -> int:
        return self.end - self.start


def is_time_zone(name: str) -> bool:
    """Tell whether *name* is a zone of the time zone database, such as `Europe/Berlin`."""
    # Here as in _zone: 3 ms that only a calendar of another zone costs.
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@lru_cache(maxsize=4096)  # each tick asks for the same few
def period_on(window: CalendarWindow, year: int, month: int, day: int) -> PeriodSpan:
    """Return the period that holds a day of the window's time zone."""
    zone = _zone(window.time_zone)
    first = _first_day(window.period, datetime(year, month, day, tzinfo=zone))
    # Far enough into the next period, whichever day of it that is.
    following = _first_day(window.period, first + timedelta(days=_DAYS_INTO_NEXT[window.period]))
    return PeriodSpan(int(first.timestamp()), int(following.timestamp()))


def period_at(window: CalendarWindow, at: float) -> PeriodSpan:
    """Return the period that holds *at*, Unix seconds; one that begins at *at* holds it."""
    local = datetime.fromtimestamp(at, _zone(window.time_zone))
    return period_on(window, local.year, local.month, local.day)


def table_spans(window: CalendarWindow) -> Iterator[PeriodSpan]:
    """Give the periods of the table years, those included that reach into them."""
    span = period_on(window, TABLE_START_YEAR, 1, 1)
    zone = _zone(window.time_zone)
    end = datetime(TABLE_END_YEAR + 1, 1, 1, tzinfo=zone).timestamp()
    while span.start < end:
        yield span
        span = period_at(window, span.end)


def _first_day(period: CalendarPeriod, day: datetime) -> datetime:
    """Return the midnight at which the period of *day* begins."""
    match period:
        case CalendarPeriod.WEEK:
            return day - timedelta(days=day.weekday())
        case CalendarPeriod.MONTH:
            return day.replace(day=1)
        case CalendarPeriod.QUARTER:
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)
        case CalendarPeriod.YEAR:
            return day.replace(month=1, day=1)


_DAYS_INTO_NEXT: Final = {
    CalendarPeriod.WEEK: 7,
    CalendarPeriod.MONTH: 31,
    CalendarPeriod.QUARTER: 92,
    CalendarPeriod.YEAR: 366,
}


@lru_cache(maxsize=256)
def _zone(name: str) -> tzinfo:
    if name == UTC_ZONE:
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - as in is_time_zone

    return ZoneInfo(name)
