"""A status as text for a terminal: plain, no colour."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from sloctl.duration import format_duration, humanize_duration
from sloctl.formatting import UNKNOWN, format_burn_rate, format_percent, format_time_to_exhaustion
from sloctl.problems import escape_unprintable
from sloctl.slo.health import AlertState, Health
from sloctl.status.slo_status import STATUS_LOOKBACKS, AlertStatus, SloStatus, StatusReport
from sloctl.table import format_table
from sloctl.timestamps import format_clock_time

# From the left by importance: a narrow terminal loses the last ones.
_HEADINGS: Final = ("SLO", "state", "page", "left", *map(format_duration, STATUS_LOOKBACKS), "gone", "ticket")
_NUMBER_COLUMNS: Final = range(3, 4 + len(STATUS_LOOKBACKS))
# To which a long name is cut on a narrow terminal; a wide one gives it half of itself.
_SHORTEST_NAME: Final = 40


def render_table(status: StatusReport, width: int) -> str:
    """As many columns as fit, the worst SLO first."""
    longest = max(_SHORTEST_NAME, width // 2)
    rows = [_table_row(line, status.at, longest) for line in status.slos]
    return format_table([_HEADINGS, *rows], width=width, right=_NUMBER_COLUMNS)


def render_summary(status: StatusReport) -> str:
    """`12:30:05 UTC: 1 paging, 3 fine`."""
    standings = Counter(line.health for line in status.slos)
    counted = ", ".join(f"{standings[it]} {it.label}" for it in Health if standings[it])
    return f"{format_clock_time(status.at)} UTC: {counted or 'no SLOs'}"


def _table_row(line: SloStatus, at: float | None, longest: int) -> tuple[str, ...]:
    standing = line.health.label
    return (
        _name(line.id, line.group, longest),
        f"{standing}, stale" if line.stale else standing,
        _alert_text(line.page, at),
        format_percent(line.budget_left),
        *(format_burn_rate(line.burn_rates[lookback]) for lookback in STATUS_LOOKBACKS),
        format_time_to_exhaustion(line.time_to_exhaustion),
        _alert_text(line.ticket, at),
    )


def _name(slo: str, group: Mapping[str, str], longest: int) -> str:
    """`shop/latency {uri=/pay}`; of a long one the end, where they differ."""
    groups = ", ".join(f"{label}={value}" for label, value in group.items())
    full = escape_unprintable(f"{slo} {{{groups}}}" if groups else slo)
    return full if len(full) <= longest else f"…{full[1 - longest :]}"


def _alert_text(alarm: AlertStatus | None, at: float | None) -> str:
    if alarm is None or alarm.state is AlertState.UNKNOWN:
        return UNKNOWN
    if alarm.state is AlertState.INACTIVE:
        return "no"
    return "firing" if alarm.since is None or at is None else f"for {humanize_duration(at - alarm.since)}"
