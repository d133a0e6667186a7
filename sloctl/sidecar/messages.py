"""Numbers as people read them. What is not known is a dash or says so; it never looks like a number."""

from datetime import UTC, datetime
from fractions import Fraction
from math import isinf
from typing import Final

from sloctl import duration
from sloctl.decimals import format_number
from sloctl.duration import DAY, format_duration
from sloctl.model import Severity, Slo
from sloctl.sidecar.engine.contributors import Contributor
from sloctl.sidecar.engine.evaluation import AlertEvaluation, AlertRow
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.slo.health import AlertState, Health

UNKNOWN: Final = "–"


# Told beside the words, and for those who cannot tell red from green.
HEALTH_SHAPES: Final = {
    Health.PAGING: "■",
    Health.TICKETED: "▲",
    Health.EXHAUSTED: "◆",
    Health.EXHAUSTING: "◇",
    Health.UNKNOWN: "?",
    Health.FINE: "○",
}


def format_percent(share: float | None) -> str:
    """`71.3 %`; beyond a thousand without the decimal."""
    if share is None:
        return UNKNOWN
    return f"{100 * share:,.{0 if abs(share) >= 10 else 1}f} %"


def format_error_ratio(share: float | None) -> str:
    """A share of events, as exact as it is small: `0.0123 %`."""
    return UNKNOWN if share is None else f"{100 * share:.3g} %"


def describe_contributor(burning: Contributor) -> str:
    """`98.0 % of errors have uri=/pay`."""
    share = format_percent(burning.share_of_errors)
    return f"{share} of errors have {burning.label}={burning.value or '(none)'}"


def format_burn_rate(rate: float | None) -> str:
    """A burn rate, to about three digits: `14.9×`, `0.02×`, `640×`; only nothing at all is `0×`."""
    if rate is None:
        return UNKNOWN
    if 0 < rate < 0.01:
        return "<0.01×"
    digits = 0 if rate >= 100 else 1 if rate >= 10 or rate == 0 else 2
    text = f"{rate:,.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}×"


def format_count(events: float | None) -> str:
    return UNKNOWN if events is None else f"{events:,.0f}"


def format_seconds(exactly: Fraction) -> str:
    """`300 ms`, `1.5 s`."""
    return f"{format_number(1000 * exactly)} ms" if exactly < 1 else f"{format_number(exactly)} s"


def format_clock_time(at: float | None) -> str:
    """Time of day, UTC."""
    return UNKNOWN if at is None else f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"


def format_hour_minute(at: float) -> str:
    """`14:02`, UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%H:%M}"


def format_day_time(at: float) -> str:
    """`21 Nov 14:02`, UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%-d %b %H:%M}"


def format_date_time(at: float | None) -> str:
    """Date and time, UTC."""
    return UNKNOWN if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def describe_objective(slo: Slo) -> str:
    return f"{format_number(100 * slo.objective)} % over {format_duration(slo.window.seconds)}"


def describe_exhaustion(entry: SloState) -> str:
    """When the budget is gone at the present burn."""
    seconds = entry.budget.time_to_exhaustion
    if seconds is None:
        return UNKNOWN
    if seconds == 0:
        return "gone"
    return "not burning" if isinf(seconds) else f"in {duration.humanize_duration(seconds)}"


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


def format_near_time(at: float, *, beside: float) -> str:
    """`14:02 UTC` on the day of *beside*, else `Sat 21 Nov 14:02 UTC`."""
    then, now = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(beside, UTC)
    return f"{then:%H:%M} UTC" if then.date() == now.date() else f"{then:%a %-d %b %H:%M} UTC"


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
    if row.long.counts.error < slo.alerting.min_errors - 0.5:
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
