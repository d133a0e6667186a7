"""The board as text for a terminal: plain, no colour."""

from typing import Final

from sloctl import formatting
from sloctl.duration import HOUR, MINUTE, format_duration, humanize_duration
from sloctl.model import Severity
from sloctl.sidecar import messages
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.slo.health import AlertState
from sloctl.table import format_table

# What a person watches while an incident goes on.
_LOOKBACKS: Final = (5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR)
# From the left by importance: a narrow terminal loses the last ones.
_HEADER: Final = (
    "SLO",
    "state",
    "page",
    "left",
    *(format_duration(lookback) for lookback in _LOOKBACKS),
    "gone",
    "ticket",
)
_MAX_LABEL_LENGTH: Final = 40
_RIGHT_ALIGNED: Final = range(3, 4 + len(_LOOKBACKS))


def snapshot_table(board: Snapshot, width: int) -> str:
    """As many columns as fit; in the board's own order, so that lines stay where they are."""
    return format_table(
        [_HEADER, *(_table_row(entry) for entry in board.states)], width=width, right=_RIGHT_ALIGNED
    )


def slo_line(entry: SloState) -> str:
    """One SLO on one line."""
    alerts = ", ".join(
        f"{alert.severity.value} {messages.describe_alert(alert, entry.last)}" for alert in entry.alerts
    )
    burns = " ".join(
        f"{format_duration(lookback)} {rate}"
        for lookback, rate in zip(_LOOKBACKS, _burn_rates(entry), strict=True)
    )
    left = formatting.format_percent(entry.budget.left)
    return f"{slo_label(entry)}: budget left {left}; burn {burns}; {alerts}"


def slo_label(entry: SloState) -> str:
    """`shop/latency {uri=/pay}`; of a long one the end, where they differ."""
    groups = ", ".join(f"{label}={value}" for label, value in entry.group_labels.items())
    full = f"{entry.slo.id} {{{groups}}}" if groups else entry.slo.id
    return full if len(full) <= _MAX_LABEL_LENGTH else f"…{full[1 - _MAX_LABEL_LENGTH :]}"


def _table_row(entry: SloState) -> tuple[str, ...]:
    standing = entry.health.label
    return (
        slo_label(entry),
        f"{standing}, stale" if entry.stale else standing,
        _firing_duration(entry, Severity.PAGE),
        formatting.format_percent(entry.budget.left),
        *_burn_rates(entry),
        formatting.format_time_to_exhaustion(entry.budget.time_to_exhaustion),
        _firing_duration(entry, Severity.TICKET),
    )


def _burn_rates(entry: SloState) -> list[str]:
    rates = {burn.lookback: burn.burn_rate for burn in entry.burns}
    return [formatting.format_burn_rate(rates.get(lookback)) for lookback in _LOOKBACKS]


def _firing_duration(entry: SloState, severity: Severity) -> str:
    alert = entry.alert_for(severity)
    if alert is None or alert.state is AlertState.UNKNOWN:
        return formatting.UNKNOWN
    if alert.since is None or entry.last is None:
        return formatting.UNKNOWN if entry.stale else "no"
    return f"for {humanize_duration(entry.last - alert.since)}"
