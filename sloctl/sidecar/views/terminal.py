"""The board as text for a terminal: plain, no colour."""

from typing import Final

from sloctl.columns import format_table
from sloctl.duration import HOUR, MINUTE, format_duration
from sloctl.model import Severity
from sloctl.sidecar.board import SloState, Snapshot
from sloctl.sidecar.verdict import AlertState
from sloctl.sidecar.views import words

# What a person watches while an incident goes on.
_LOOKBACKS: Final = (5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR)
# From the left by importance: a narrow terminal loses the last ones.
_HEAD: Final = (
    "SLO",
    "state",
    "page",
    "left",
    *(format_duration(lookback) for lookback in _LOOKBACKS),
    "gone",
    "ticket",
)
_LONGEST_NAME: Final = 40
_NUMBERS: Final = range(3, 4 + len(_LOOKBACKS))


def table(board: Snapshot, width: int) -> str:
    """As many columns as fit; in the board's own order, so that lines stay where they are."""
    return format_table([_HEAD, *(_row(entry) for entry in board.states)], width=width, right=_NUMBERS)


def line(entry: SloState) -> str:
    """One SLO on one line."""
    alerts = ", ".join(
        f"{alert.severity.value} {words.alert_state(alert, entry.last)}" for alert in entry.alerts
    )
    burns = " ".join(
        f"{format_duration(lookback)} {rate}"
        for lookback, rate in zip(_LOOKBACKS, _rates(entry), strict=True)
    )
    return f"{name(entry)}: budget left {words.percent(entry.budget.left)}; burn {burns}; {alerts}"


def name(entry: SloState) -> str:
    """`shop/latency {uri=/pay}`; of a long one the end, where they differ."""
    groups = ", ".join(f"{label}={value}" for label, value in entry.group_labels.items())
    full = f"{entry.slo.id} {{{groups}}}" if groups else entry.slo.id
    return full if len(full) <= _LONGEST_NAME else f"…{full[1 - _LONGEST_NAME :]}"


def _row(entry: SloState) -> tuple[str, ...]:
    standing = words.STANDING[entry.health]
    return (
        name(entry),
        f"{standing}, stale" if entry.stale else standing,
        _firing_for(entry, Severity.PAGE),
        words.percent(entry.budget.left),
        *_rates(entry),
        words.exhaustion(entry),
        _firing_for(entry, Severity.TICKET),
    )


def _rates(entry: SloState) -> list[str]:
    rates = {burn.lookback: burn.burn_rate for burn in entry.burns}
    return [words.times(rates.get(lookback)) for lookback in _LOOKBACKS]


def _firing_for(entry: SloState, severity: Severity) -> str:
    alert = entry.alert_for(severity)
    if alert is None or alert.state is AlertState.UNKNOWN:
        return words.UNKNOWN
    if alert.since is None or entry.last is None:
        return words.UNKNOWN if entry.stale else "no"
    return f"for {words.span(entry.last - alert.since)}"
