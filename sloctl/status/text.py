"""A status as text for a terminal: plain, no colour."""

from collections import Counter
from collections.abc import Mapping
from math import isinf
from typing import Final

from sloctl.columns import format_table
from sloctl.duration import format_duration, humanize_duration
from sloctl.problems import escape_unprintable
from sloctl.sidecar.views.words import UNKNOWN, clock, percent, times
from sloctl.status.line import LOOKBACKS, Alarm, Line, Standing, State, Status

_WORDS: Final = {
    Standing.PAGING: "paging",
    Standing.TICKETED: "ticket",
    Standing.EXHAUSTED: "budget gone",
    Standing.EXHAUSTING: "budget going",
    Standing.UNKNOWN: "unknown",
    Standing.FINE: "fine",
}
# From the left by importance: a narrow terminal loses the last ones.
_HEAD: Final = ("SLO", "state", "page", "left", *map(format_duration, LOOKBACKS), "gone", "ticket")
_NUMBERS: Final = range(3, 4 + len(LOOKBACKS))
# To which a long name is cut on a narrow terminal; a wide one gives it half of itself.
_SHORTEST_NAME: Final = 40


def table(status: Status, width: int) -> str:
    """As many columns as fit, the worst SLO first."""
    longest = max(_SHORTEST_NAME, width // 2)
    rows = [_row(line, status.at, longest) for line in status.lines]
    return format_table([_HEAD, *rows], width=width, right=_NUMBERS)


def summary(status: Status) -> str:
    """`12:30:05 UTC: 1 paging, 3 fine`."""
    standings = Counter(line.standing for line in status.lines)
    counted = ", ".join(f"{standings[it]} {_WORDS[it]}" for it in Standing if standings[it])
    return f"{clock(status.at)} UTC: {counted or 'no SLOs'}"


def _row(line: Line, at: float | None, longest: int) -> tuple[str, ...]:
    standing = _WORDS[line.standing]
    return (
        _name(line.id, line.group, longest),
        f"{standing}, stale" if line.stale else standing,
        _alarm(line.page, at),
        percent(line.left),
        *(times(line.burn[lookback]) for lookback in LOOKBACKS),
        _gone(line.gone_in),
        _alarm(line.ticket, at),
    )


def _name(slo: str, group: Mapping[str, str], longest: int) -> str:
    """`shop/latency {uri=/pay}`; of a long one the end, where they differ."""
    groups = ", ".join(f"{label}={value}" for label, value in group.items())
    full = escape_unprintable(f"{slo} {{{groups}}}" if groups else slo)
    return full if len(full) <= longest else f"…{full[1 - longest :]}"


def _alarm(alarm: Alarm | None, at: float | None) -> str:
    if alarm is None or alarm.state is State.UNKNOWN:
        return UNKNOWN
    if alarm.state is State.INACTIVE:
        return "no"
    return "firing" if alarm.since is None or at is None else f"for {humanize_duration(at - alarm.since)}"


def _gone(seconds: float | None) -> str:
    if seconds is None:
        return UNKNOWN
    if seconds == 0:
        return "gone"
    return "not burning" if isinf(seconds) else f"in {humanize_duration(seconds)}"
