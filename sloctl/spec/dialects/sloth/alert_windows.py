"""Sloth's windows: the period that all SLOs share, and the lookbacks of its alerts."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from msgspec import Struct

from sloctl.duration import DAY, format_duration, parse_duration
from sloctl.model import PolicyRow, Severity
from sloctl.promql import format_number
from sloctl.slo.policy import WORKBOOK_POLICY
from sloctl.spec.dialects.translation import list_at, mapping_at, text_at
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import quote_value
from sloctl.spec.yaml_nodes import Node

_SPEEDS: Final = ("quick", "slow")


class SlothWindows(Struct, frozen=True):
    """The period of the SLOs in seconds and its alert rows; without a *catalogue* both are Sloth's own."""

    period: int
    rows: tuple[PolicyRow, ...]
    catalogue: Node | None = None


def choose_windows(catalogues: Sequence[Node], default_period: int, findings: Findings) -> SlothWindows:
    """Choose the period and its windows as Sloth does: a catalogue takes the place of its own."""
    by_period: dict[int, Node] = {}
    for catalogue in catalogues:
        period_node = catalogue.at("spec", "sloPeriod")
        period = _read_seconds(period_node, findings)
        if period is None:
            continue
        known = by_period.setdefault(period, catalogue)
        if known is not catalogue and known.at("spec").value != catalogue.at("spec").value:
            message = (
                f"the windows of {quote_value(period_node.text)} stand at {known.place} too, and differ: "
                "keep one of them"
            )
            findings.add_violation(Violation("windows-twice", message), period_node)
    if default_period in by_period or len(by_period) == 1:
        period = default_period if default_period in by_period else next(iter(by_period))
        return _read_windows(period, by_period[period], findings)
    if by_period:
        first = next(iter(by_period.values()))
        message = (
            f"there are windows of {len(by_period)} periods and none of {format_duration(default_period)}: "
            "say which with --sloth-period"
        )
        findings.add_violation(Violation("period-unknown", message), first)
    return SlothWindows(default_period, WORKBOOK_POLICY)


def _read_windows(period: int, catalogue: Node, findings: Findings) -> SlothWindows:
    """Read the two speeds of each severity."""
    rows: list[PolicyRow] = []
    for severity in Severity:
        for speed in _SPEEDS:
            window = catalogue.at("spec", severity.value, speed)
            long, short = (_read_seconds(window.at(key), findings) for key in ("longWindow", "shortWindow"))
            percent = window.at("errorBudgetPercent")
            share = Fraction(percent.text) / 100 if _is_plain_number(percent.text) else None
            if long is None or short is None:
                continue
            if share is None or share <= 0:
                message = f"errorBudgetPercent is a percentage above 0, got {quote_value(percent.text)}"
                findings.add_violation(Violation("budget-share-range", message), percent)
                continue
            rows.append(PolicyRow(severity, share, long, short))
    if tuple(rows) == WORKBOOK_POLICY and 28 * DAY <= period <= 30 * DAY:
        return SlothWindows(period, WORKBOOK_POLICY)
    return SlothWindows(period, tuple(rows), catalogue)


def policy_node(windows: SlothWindows, place: Node, pending: Mapping[Severity, Node]) -> Node | None:
    """Write the rows as a policy of ours; None where it is the workbook's, and no alert waits.

    *pending* has the waiting time of each severity that waits. Without a catalogue the rows stand at *place*.
    """
    if windows.catalogue is None and not pending:
        return None
    rows = []
    for number, row in enumerate(windows.rows):
        speed = _SPEEDS[number % len(_SPEEDS)]
        where = windows.catalogue.at("spec", row.severity.value, speed) if windows.catalogue else place
        entries = {
            "severity": text_at(where, row.severity.value),
            "budgetShare": text_at(where, f"{format_number(row.budget_share * 100)}%"),
            "long": text_at(where, format_duration(row.long)),
            "short": text_at(where, format_duration(row.short)),
            "for": pending.get(row.severity),
        }
        rows.append(mapping_at(where, entries))
    return list_at(place, rows)


def _read_seconds(node: Node, findings: Findings) -> int | None:
    try:
        seconds = parse_duration(node.text)
    except ValueError as wrong:
        findings.add_violation(Violation("duration", str(wrong)), node)
        return None
    if seconds > 0 and seconds.denominator == 1:
        return int(seconds)
    message = f"this is a whole number of seconds above 0, got {quote_value(node.text)}"
    findings.add_violation(Violation("duration", message), node)
    return None


def _is_plain_number(text: str) -> bool:
    try:
        return format_number(Fraction(text)) != "" and "e" not in text.lower()
    except (ValueError, ZeroDivisionError, OverflowError):
        return False
