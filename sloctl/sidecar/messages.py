"""Numbers as people read them. What is not known is a dash or says so; it never looks like a number."""

from typing import Final

from sloctl import duration
from sloctl.duration import DAY, format_duration
from sloctl.formatting import UNKNOWN, format_burn_rate, format_percent, format_time_to_exhaustion
from sloctl.model import Severity, Slo
from sloctl.promql import format_number
from sloctl.sidecar.engine.contributors import Contributor
from sloctl.sidecar.engine.evaluation import AlertEvaluation, AlertRow
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.slo.health import AlertState, Health
from sloctl.slo.policy import error_floor
from sloctl.timestamps import format_near_time

# Told beside the words, and for those who cannot tell red from green.
HEALTH_SHAPES: Final = {
    Health.PAGING: "■",
    Health.TICKETED: "▲",
    Health.EXHAUSTED: "◆",
    Health.EXHAUSTING: "◇",
    Health.UNKNOWN: "?",
    Health.FINE: "○",
}


def describe_contributor(burning: Contributor) -> str:
    """`98.0 % of errors have uri=/pay`."""
    share = format_percent(burning.share_of_errors)
    return f"{share} of errors have {burning.label}={burning.value or '(none)'}"


def describe_objective(slo: Slo) -> str:
    return f"{format_number(100 * slo.objective)} % over {format_duration(slo.window.seconds)}"


def describe_exhaustion(entry: SloState) -> str:
    """When the budget is gone at the present burn."""
    return format_time_to_exhaustion(entry.budget.time_to_exhaustion)


def format_outage_left(entry: SloState) -> str:
    """`15m 20s`: how long everything may fail, or has failed too long, at the window's mean traffic."""
    left = entry.budget.left
    return (
        UNKNOWN
        if left is None
        else duration.humanize_duration(abs(left) * float(entry.slo.budget) * entry.slo.window.seconds)
    )


def format_exhaustion_time(entry: SloState) -> str:
    """The moment at which the budget is gone at the present burn; empty where there is none within a year."""
    seconds = entry.budget.time_to_exhaustion
    if seconds is None or seconds == 0 or seconds > 365 * DAY or entry.last is None:
        return ""
    return format_near_time(entry.last + seconds, beside=entry.last)


def describe_worst_row(alert: AlertEvaluation) -> str:
    """`23× over 1h and 31× over 5m, pages above 14.4×`: the row that says most."""
    row = alert.worst_row
    return "" if row is None else describe_row(row)


def describe_row(row: AlertRow) -> str:
    """As `arithmetic`, of one row."""
    verb = "pages" if row.policy_row.severity is Severity.PAGE else "tickets"
    return f"{_rates(row)}, {verb} above {format_factor(row)}×"


def format_factor(row: AlertRow) -> str:
    return format_number(round(row.factor, 2))


def explain_suppression(row: AlertRow, slo: Slo) -> str:
    """Why a row does not fire although both of its lookbacks burn faster than its factor; mostly empty."""
    above = all((burn.burn_rate or 0) > float(row.factor) for burn in (row.long, row.short))
    if row.state is not AlertState.INACTIVE or not above or row.long.counts is None:
        return ""
    if row.long.counts.error < error_floor(slo.alerting.min_errors):
        long = format_duration(row.policy_row.long)
        return f"held back: fewer than {slo.alerting.min_errors} bad events in {long}"
    return "held back: too few events to be sure"


def describe_alert(alert: AlertEvaluation, at: float | None) -> str:
    """`firing for 4m 10s`, `inactive`, `unknown`."""
    if alert.state is not AlertState.FIRING or alert.since is None or at is None:
        return alert.state.value
    return f"firing for {duration.humanize_duration(at - alert.since)}"


def _rates(row: AlertRow) -> str:
    long, short = format_duration(row.policy_row.long), format_duration(row.policy_row.short)
    long_rate, short_rate = format_burn_rate(row.long.burn_rate), format_burn_rate(row.short.burn_rate)
    return f"{long_rate} over {long} and {short_rate} over {short}"
