"""Moments (Unix time in seconds) as text, always UTC: for machines in RFC 3339, for people shorter."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.formatting import UNKNOWN

# Seconds between two ticks of an axis of time.
_TICK_STEPS: Final = (
    *(minutes * MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * HOUR for hours in (1, 2, 3, 6, 12)),
    *(days * DAY for days in (1, 2, 4, 7, 14, 30, 60)),
)


@lru_cache(maxsize=4096)  # the same few ticks, thousands of times a snapshot
def format_rfc3339(at: float) -> str:
    """Format a moment to the millisecond: `2026-11-21T14:30:00.000Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> float:
    """Parse a moment with its offset, such as `2026-11-21T14:30:00Z`; raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time has an offset, such as Z; got {text}")
    return moment.timestamp()


def format_optional_rfc3339(at: float | None) -> str | None:
    return None if at is None else format_rfc3339(at)


def format_clock_time(at: float | None) -> str:
    """Format the time of day: `14:02:05`."""
    return UNKNOWN if at is None else f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"


def format_hour_minute(at: float) -> str:
    """Format the time of day to the minute: `14:02`."""
    return f"{datetime.fromtimestamp(at, UTC):%H:%M}"


def format_day(at: float) -> str:
    """Format the date: `2026-11-21`."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def format_day_time(at: float) -> str:
    """Format day and time without the year: `21 Nov 14:02`."""
    return f"{datetime.fromtimestamp(at, UTC):%-d %b %H:%M}"


def format_minute(at: float) -> str:
    """Format date and time to the minute, as a field for them has it: `2026-11-21T14:02`."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M}"


def format_date_time(at: float | None) -> str:
    """Format date and time: `2026-11-21 14:02:05 UTC`."""
    return UNKNOWN if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def format_near_time(at: float, *, beside: float) -> str:
    """Format `14:02 UTC` on the day of *beside*, else `Sat 21 Nov 14:02 UTC`."""
    then, now = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(beside, UTC)
    return f"{then:%H:%M} UTC" if then.date() == now.date() else f"{then:%a %-d %b %H:%M} UTC"


def time_ticks(start: float, end: float, *, most: int = 9) -> Iterator[tuple[float, str]]:
    """Yield the ticks of an axis of time: about *most* whole minutes, hours or days (UTC), with their texts.

    Midnight is told by its day, every other moment by its time.
    """
    step = next((each for each in _TICK_STEPS if (end - start) / each <= most), _TICK_STEPS[-1])
    for at in range(int(-(-start // step)) * step, int(end) + 1, step):
        yield at, format_hour_minute(at) if at % DAY else format_day_time(at).rpartition(" ")[0]
