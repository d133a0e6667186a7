"""A status as text for a terminal."""

from collections import Counter
from typing import Final

from sloctl.duration import format_duration, humanize_duration
from sloctl.formatting import UNKNOWN, format_burn_rate, format_percent, format_time_to_exhaustion
from sloctl.problems import escape_unprintable
from sloctl.slo.health import AlertState, Health
from sloctl.slo.service_hours import describe_outside
from sloctl.status.slo_status import STATUS_LOOKBACKS, AlertStatus, SloStatus, StatusReport
from sloctl.table import format_table
from sloctl.timestamps import format_clock_time, format_hour_minute

# By importance: a narrow terminal loses the last ones. The time to exhaustion stands beside its burn.
_NEWEST, *_LONGER = map(format_duration, STATUS_LOOKBACKS)
_HEADINGS: Final = ("SLO", "state", "page", "left", _NEWEST, "gone", *_LONGER, "ticket")
_NUMBER_COLUMNS: Final = frozenset(
    column for column, heading in enumerate(_HEADINGS) if heading in {"left", _NEWEST, *_LONGER}
)
# To which a long name is cut: on a line of its own, and in the table of a narrow terminal; a wide one gives
# it a third of itself.
_NAME_WIDTH: Final = 40
_MIN_NAME_WIDTH: Final = 28
_RESET: Final = "\x1b[0m"
_COLORS: Final = {
    Health.PAGING: "\x1b[1;31m",
    Health.TICKETED: "\x1b[33m",
    Health.EXHAUSTED: "\x1b[31m",
    Health.EXHAUSTING: "\x1b[33m",
    Health.BURNING: "\x1b[33m",
    Health.UNKNOWN: "\x1b[36m",
    Health.FINE: "\x1b[32m",
}


def render_table(status: StatusReport, width: int) -> str:
    """Render as many columns as fit into *width*, an SLO a line."""
    name_width = max(_MIN_NAME_WIDTH, width // 3)
    rows = [_HEADINGS]
    for slo in status.slos:
        newest, *longer = (format_burn_rate(slo.burn_rates[lookback]) for lookback in STATUS_LOOKBACKS)
        rows.append(
            (
                _slo_label(slo, name_width),
                _state_cell(slo),
                _alert_cell(slo.page, status.at),
                _budget_cell(slo),
                newest,
                format_time_to_exhaustion(slo.time_to_exhaustion, slo.period),
                *longer,
                _alert_cell(slo.ticket, status.at),
            )
        )
    return format_table(rows, width=width, right=_NUMBER_COLUMNS)


def render_exclusions(status: StatusReport) -> str:
    """Render a line for each exclusion that the numbers are without; nothing where there is none."""
    return "".join(
        f"\nexcluded from {_slo_label(slo, _MIN_NAME_WIDTH)}: {escape_unprintable(each)}"
        for slo in status.slos
        for each in slo.excluded
    )


def render_service_hours(status: StatusReport) -> str:
    """Render a line for each SLO that is outside its service hours; nothing where there is none."""
    return "".join(
        f"\n{_slo_label(slo, _MIN_NAME_WIDTH)} is {describe_outside(slo.outside_until)}"
        for slo in status.slos
        if slo.outside_until is not None
    )


def render_table_in_color(status: StatusReport, width: int) -> str:
    """Render the same with the escapes of a terminal: a colour for each state; the words say it too."""
    heading, *lines = render_table(status, width).split("\n")
    begin = heading.find("state")
    if begin < 0:
        return "\n".join([heading, *lines])
    colored = [
        f"{line[:begin]}{_COLORS[slo.health]}{line[begin:end]}{_RESET}{line[end:]}"
        for slo, line in zip(status.slos, lines, strict=True)
        if (end := begin + len(_state_cell(slo)))
    ]
    return "\n".join([heading, *colored])


def render_summary(status: StatusReport) -> str:
    """Render the time and how many SLOs are in which state: `12:30:05 UTC: 1 paging, 3 fine`."""
    numbers = Counter(slo.health for slo in status.slos)
    counted = ", ".join(f"{numbers[health]} {health.label}" for health in Health if numbers[health])
    return f"{format_clock_time(status.at)} UTC: {counted or 'no SLOs'}"


def render_line(slo: SloStatus, at: float | None) -> str:
    """Render one SLO on one line."""
    burns = " ".join(
        f"{format_duration(lookback)} {format_burn_rate(rate)}" for lookback, rate in slo.burn_rates.items()
    )
    alerts = []
    for severity, alert in (("page", slo.page), ("ticket", slo.ticket)):
        if alert is not None:
            firing = alert.since is not None and at is not None
            duration = f" {_alert_cell(alert, at)}" if firing else ""
            alerts.append(f"{severity} {alert.state.value}{duration}")
    left = _budget_cell(slo)
    hours = "" if slo.outside_until is None else f"; {describe_outside(slo.outside_until)}"
    return f"{_slo_label(slo, _NAME_WIDTH)}: budget left {left}; burn {burns}; {', '.join(alerts)}{hours}"


def _slo_label(slo: SloStatus, width: int) -> str:
    """Name an SLO, as `shop/latency {uri=/pay}`; of a long name the end, where names differ."""
    groups = ", ".join(f"{label}={value}" for label, value in slo.group.items())
    full = escape_unprintable(f"{slo.id} {{{groups}}}" if groups else slo.id)
    return full if len(full) <= width else f"…{full[1 - width :]}"


def _state_cell(slo: SloStatus) -> str:
    return f"{slo.health.label}, stale" if slo.stale else slo.health.label


def _budget_cell(slo: SloStatus) -> str:
    """Write `99.9 %`, or `99.9 % (of 1m 22s)` where that is all of the window that is known."""
    left = format_percent(slo.budget_left)
    if slo.covered_seconds is not None:
        left = f"{left} (of {humanize_duration(slo.covered_seconds)})"
    if not slo.excluded:
        return left
    return f"{left} ({format_percent(slo.budget_left_with_excluded)} with what is excluded)"


def _alert_cell(alert: AlertStatus | None, at: float | None) -> str:
    if alert is None or alert.state is AlertState.UNKNOWN:
        return UNKNOWN
    if alert.state is AlertState.INACTIVE:
        return "no"
    if alert.clears_at is not None:
        return f"clears {format_hour_minute(alert.clears_at)}"
    return "firing" if alert.since is None or at is None else f"for {humanize_duration(at - alert.since)}"
