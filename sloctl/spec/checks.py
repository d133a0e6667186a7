"""What only a whole SLO can show: each check is one function and one problem code."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final, TypeAlias

from msgspec import Struct

from sloctl import burn
from sloctl.decimals import decimal
from sloctl.duration import format_duration
from sloctl.lower import counts_are_events, lower
from sloctl.model import BurnAlert, Condition, Severity, Slo, WhenAbsent
from sloctl.problems import Level
from sloctl.spec import labels
from sloctl.spec.alerting import label_mappings
from sloctl.spec.document import Node, mapping_in
from sloctl.spec.findings import Findings, Refusal


class Nodes(Struct, frozen=True):
    """Where an SLO stands; *labels* and *alerting* are the merged ones."""

    slo: Node
    labels: Node
    alerting: Node


Check: TypeAlias = Callable[[Slo, Nodes], Iterator[tuple[Refusal, Node]]]


def check(slo: Slo, nodes: Nodes, findings: Findings) -> None:
    """Run every check."""
    for node in (nodes.labels, *label_mappings(nodes.alerting)):
        labels.not_grouped(node, slo.group_by, findings)
    for one in CHECKS:
        for refusal, node in one(slo, nodes):
            findings.note(refusal, node)


def absent_groups(slo: Slo, nodes: Nodes) -> Iterator[tuple[Refusal, Node]]:
    """Nobody can tell which groups should be there and are not."""
    match slo.indicator:
        case Condition(when_absent=WhenAbsent.BAD | WhenAbsent.GOOD as when) if slo.group_by:
            why = "with groupBy, nobody knows which groups are missing"
            message = f"whenAbsent cannot be {when.value}: {why}; write ignore, or remove groupBy"
            yield Refusal("absent-groups", message), nodes.slo.at("indicator", "condition", "whenAbsent")


def events_counted(slo: Slo, nodes: Nodes) -> Iterator[tuple[Refusal, Node]]:
    """What an SLO itself asks for must mean something; defaults pass over those they mean nothing to."""
    if counts_are_events(lower(slo.indicator)):
        return
    own = mapping_in(nodes.slo, "alerting")
    for key in ("minErrors", "confidence"):
        if key in own.keys:
            message = f"{key} is about numbers of events, and this indicator counts minutes: remove it"
            yield Refusal("events-not-counted", message), own.keys[key]


def lookbacks_in_order(slo: Slo, nodes: Nodes) -> Iterator[tuple[Refusal, Node]]:
    """The short lookback lies in the long one, and that in the window."""
    for row, node in zip(slo.alerting.policy, nodes.alerting.at("policy").items, strict=False):
        if row.short >= row.long:
            message = (
                f"short must be below long, {format_duration(row.long)}, got {format_duration(row.short)}"
            )
            yield Refusal("lookback-order", message), node.at("short")
        if row.long > slo.window.seconds:
            window = f"the window of {slo.id}, {format_duration(slo.window.seconds)}"
            message = f"long must be at most {window}, got {format_duration(row.long)}"
            yield Refusal("lookback-order", message), node.at("long")


def alerts_can_fire(slo: Slo, nodes: Nodes) -> Iterator[tuple[Refusal, Node]]:
    """An error ratio is at most 1; an error where nothing of a severity is left, else a warning."""
    for severity, text in ((Severity.PAGE, slo.alerting.page), (Severity.TICKET, slo.alerting.ticket)):
        rows = [row for row in slo.alerting.policy if row.severity is severity]
        dead = [row for row in rows if _threshold(slo, row) >= 1]
        level = Level.ERROR if len(dead) == len(rows) else Level.WARNING
        for row in dead if text else ():
            yield Refusal("alert-never-fires", _never_fires(slo, row), level), _node_of(slo, row, nodes)


CHECKS: Final[tuple[Check, ...]] = (absent_groups, events_counted, lookbacks_in_order, alerts_can_fire)


def _threshold(slo: Slo, row: BurnAlert) -> Fraction:
    return burn.alert_threshold(row, slo.window.seconds, slo.budget)


def _node_of(slo: Slo, row: BurnAlert, nodes: Nodes) -> Node:
    """The row where a spec writes it, else the objective that the workbook's row does not suit."""
    if "policy" not in nodes.alerting.entries:
        return nodes.slo.at("objective")
    return nodes.alerting.at("policy", slo.alerting.policy.index(row), "budgetShare")


def _never_fires(slo: Slo, row: BurnAlert) -> str:
    alert = f"the {row.severity.value} alert on {format_duration(row.long)} and {format_duration(row.short)}"
    threshold = f"{decimal(round(_threshold(slo, row), 4))}"
    objective = f"objective {decimal(slo.objective * 100)} %"
    highest = _rounded_below(Fraction(row.long) / (slo.window.seconds * slo.budget))
    return (
        f"{alert} can never fire at {objective}: it waits for an error ratio above {threshold}; "
        f"give it a budgetShare of at most {highest} in alerting.policy"
    )


def _rounded_below(share: Fraction) -> str:
    """The highest percentage of two or three digits that is less than *share*."""
    scale = 1
    while share * 100 * scale < 100:
        scale *= 10
    return f"{decimal(Fraction(-(-share * 100 * scale // 1) - 1, scale))}%"
