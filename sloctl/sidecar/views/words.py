"""Numbers as people read them. What is not known is a dash or says so; it never looks like a number."""

from datetime import UTC, datetime
from math import isinf
from typing import Final

from sloctl import duration
from sloctl.decimals import decimal
from sloctl.duration import format_duration
from sloctl.model import Severity, Slo
from sloctl.sidecar.board import Entry, Standing
from sloctl.sidecar.verdict import Alert, RowVerdict, State

UNKNOWN: Final = "–"

span: Final = duration.span

STANDING: Final = {
    Standing.PAGING: "paging",
    Standing.TICKETED: "ticket",
    Standing.EXHAUSTED: "budget gone",
    Standing.EXHAUSTING: "budget going",
    Standing.UNKNOWN: "unknown",
    Standing.FINE: "fine",
}


def percent(share: float | None) -> str:
    """`71.3 %`; beyond a thousand without the decimal."""
    if share is None:
        return UNKNOWN
    return f"{100 * share:,.{0 if abs(share) >= 10 else 1}f} %"


def times(rate: float | None) -> str:
    """A burn rate, to about three digits: `14.9×`, `0.02×`, `640×`; only nothing at all is `0×`."""
    if rate is None:
        return UNKNOWN
    if 0 < rate < 0.01:
        return "<0.01×"
    digits = 0 if rate >= 100 else 1 if rate >= 10 or rate == 0 else 2
    text = f"{rate:,.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}×"


def count(events: float | None) -> str:
    return UNKNOWN if events is None else f"{events:,.0f}"


def clock(at: float | None) -> str:
    """Time of day, UTC."""
    return UNKNOWN if at is None else f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"


def moment(at: float | None) -> str:
    """Date and time, UTC."""
    return UNKNOWN if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def objective(slo: Slo) -> str:
    return f"{decimal(100 * slo.objective)} % over {format_duration(slo.window.seconds)}"


def exhaustion(entry: Entry) -> str:
    """When the budget is gone at the present burn."""
    seconds = entry.budget.time_to_exhaustion
    if seconds is None:
        return UNKNOWN
    if seconds == 0:
        return "gone"
    return "not burning" if isinf(seconds) else f"in {span(seconds)}"


def arithmetic(alert: Alert) -> str:
    """`23× over 1h and 31× over 5m, pages above 14.4×`: the row that says most."""
    row = alert.loudest
    if row is None:
        return ""
    verb = "pages" if alert.severity is Severity.PAGE else "tickets"
    return f"{_rates(row)}, {verb} above {decimal(round(row.factor, 2))}×"


def alert_state(alert: Alert, at: float | None) -> str:
    """`firing for 4m 10s`, `inactive`, `unknown`."""
    if alert.state is not State.FIRING or alert.since is None or at is None:
        return alert.state.value
    return f"firing for {span(at - alert.since)}"


def _rates(row: RowVerdict) -> str:
    long, short = format_duration(row.row.long), format_duration(row.row.short)
    return f"{times(row.long.burn_rate)} over {long} and {times(row.short.burn_rate)} over {short}"
