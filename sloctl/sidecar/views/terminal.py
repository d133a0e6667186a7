"""The board as text for a terminal: plain, no colour, as wide as it needs."""

from collections.abc import Sequence
from typing import Final

from sloctl.duration import HOUR, MINUTE, format_duration
from sloctl.model import Severity
from sloctl.sidecar.board import Board, Entry
from sloctl.sidecar.views import words

# What a person watches while an incident goes on.
_LOOKBACKS: Final = (5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR)
_HEAD: Final = (
    "SLO",
    "state",
    "budget left",
    "gone",
    *(f"burn {format_duration(lookback)}" for lookback in _LOOKBACKS),
    "page",
    "ticket",
)


def table(board: Board) -> str:
    """In the board's own order, so that lines stay where they are while they change."""
    rows = [_HEAD, *(_row(entry) for entry in board.entries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_aligned(row, widths) for row in rows)


def line(entry: Entry) -> str:
    """One SLO on one line."""
    alerts = ", ".join(
        f"{alert.severity.value} {words.alert_state(alert, entry.last)}" for alert in entry.alerts
    )
    burns = " ".join(
        f"{format_duration(lookback)} {rate}"
        for lookback, rate in zip(_LOOKBACKS, _rates(entry), strict=True)
    )
    return f"{name(entry)}: budget left {words.percent(entry.budget.left)}; burn {burns}; {alerts}"


def name(entry: Entry) -> str:
    """`shop/latency {uri=/pay}`."""
    groups = ", ".join(f"{label}={value}" for label, value in entry.group_labels.items())
    return f"{entry.slo.id} {{{groups}}}" if groups else entry.slo.id


def _row(entry: Entry) -> tuple[str, ...]:
    standing = words.STANDING[entry.standing]
    return (
        name(entry),
        f"{standing}, stale" if entry.stale else standing,
        words.percent(entry.budget.left),
        words.exhaustion(entry),
        *_rates(entry),
        _alert(entry, Severity.PAGE),
        _alert(entry, Severity.TICKET),
    )


def _rates(entry: Entry) -> list[str]:
    rates = {burn.lookback: burn.burn_rate for burn in entry.burns}
    return [words.times(rates.get(lookback)) for lookback in _LOOKBACKS]


def _alert(entry: Entry, severity: Severity) -> str:
    alert = entry.alert(severity)
    return words.UNKNOWN if alert is None else words.alert_state(alert, entry.last)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    """Text to the left, numbers to the right."""
    numbers = range(2, 4 + len(_LOOKBACKS))
    cells = [
        cell.rjust(width) if column in numbers else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
