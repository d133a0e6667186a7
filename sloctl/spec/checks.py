"""What only a whole SLO can show: each check is one function and one problem code."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final, TypeAlias

from msgspec import Struct

from sloctl.duration import format_duration
from sloctl.model import ConditionIndicator, PolicyRow, Slo, WhenAbsent
from sloctl.problems import ProblemLevel
from sloctl.promql import format_number
from sloctl.slo.lowering import counts_are_events, lower_indicator
from sloctl.slo.policy import alert_threshold, enabled_severities, rows_of_severity
from sloctl.spec import labels
from sloctl.spec.alerting import alert_label_nodes
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.yaml_nodes import Node, mapping_in


class SloNodes(Struct, frozen=True):
    """Where an SLO stands; *labels* and *alerting* are the merged ones."""

    slo: Node
    labels: Node
    alerting: Node


Check: TypeAlias = Callable[[Slo, SloNodes], Iterator[tuple[Violation, Node]]]


def run_checks(slo: Slo, nodes: SloNodes, findings: Findings) -> None:
    """Run every check."""
    for node in (nodes.labels, *alert_label_nodes(nodes.alerting)):
        labels.check_not_grouped(node, slo.group_by, findings)
    for one in CHECKS:
        for refusal, node in one(slo, nodes):
            findings.add_violation(refusal, node)


def check_absent_groups(slo: Slo, nodes: SloNodes) -> Iterator[tuple[Violation, Node]]:
    """Nobody can tell which groups should be there and are not."""
    match slo.indicator:
        case ConditionIndicator(when_absent=WhenAbsent.BAD | WhenAbsent.GOOD as when) if slo.group_by:
            why = "with groupBy, nobody knows which groups are missing"
            message = f"whenAbsent cannot be {when.value}: {why}; write ignore, or remove groupBy"
            yield Violation("absent-groups", message), nodes.slo.at("indicator", "condition", "whenAbsent")


def check_events_counted(slo: Slo, nodes: SloNodes) -> Iterator[tuple[Violation, Node]]:
    """What an SLO itself asks for must mean something; defaults pass over those they mean nothing to."""
    if counts_are_events(lower_indicator(slo.indicator)):
        return
    own = mapping_in(nodes.slo, "alerting")
    for key in ("minErrors", "confidence"):
        if key in own.keys:
            message = f"{key} is about numbers of events, and this indicator counts minutes: remove it"
            yield Violation("events-not-counted", message), own.keys[key]


def check_lookback_order(slo: Slo, nodes: SloNodes) -> Iterator[tuple[Violation, Node]]:
    """The short lookback lies in the long one, and that in the window."""
    for row, node in zip(slo.alerting.policy, nodes.alerting.at("policy").items, strict=False):
        if row.short >= row.long:
            message = (
                f"short must be below long, {format_duration(row.long)}, got {format_duration(row.short)}"
            )
            yield Violation("lookback-order", message), node.at("short")
        if row.long > slo.window.seconds:
            window = f"the window of {slo.id}, {format_duration(slo.window.seconds)}"
            message = f"long must be at most {window}, got {format_duration(row.long)}"
            yield Violation("lookback-order", message), node.at("long")


def check_alerts_can_fire(slo: Slo, nodes: SloNodes) -> Iterator[tuple[Violation, Node]]:
    """An error ratio is at most 1; an error where nothing of a severity is left, else a warning."""
    for severity in enabled_severities(slo.alerting):
        rows = rows_of_severity(slo.alerting.policy, severity)
        dead = [row for row in rows if _threshold(slo, row) >= 1]
        level = ProblemLevel.ERROR if len(dead) == len(rows) else ProblemLevel.WARNING
        for row in dead:
            yield (
                Violation("alert-never-fires", _never_fires(slo, row), level),
                _policy_row_node(slo, row, nodes),
            )


CHECKS: Final[tuple[Check, ...]] = (
    check_absent_groups,
    check_events_counted,
    check_lookback_order,
    check_alerts_can_fire,
)


def _threshold(slo: Slo, row: PolicyRow) -> Fraction:
    return alert_threshold(row, slo.window.seconds, slo.budget)


def _policy_row_node(slo: Slo, row: PolicyRow, nodes: SloNodes) -> Node:
    """The row where a spec writes it, else the objective that the workbook's row does not suit."""
    if "policy" not in nodes.alerting.entries:
        return nodes.slo.at("objective")
    return nodes.alerting.at("policy", slo.alerting.policy.index(row), "budgetShare")


def _never_fires(slo: Slo, row: PolicyRow) -> str:
    alert = f"the {row.severity.value} alert on {format_duration(row.long)} and {format_duration(row.short)}"
    threshold = f"{format_number(round(_threshold(slo, row), 4))}"
    objective = f"objective {format_number(slo.objective * 100)} %"
    highest = _round_below(Fraction(row.long) / (slo.window.seconds * slo.budget))
    return (
        f"{alert} can never fire at {objective}: it waits for an error ratio above {threshold}; "
        f"give it a budgetShare of at most {highest} in alerting.policy"
    )


def _round_below(share: Fraction) -> str:
    """The highest percentage of two or three digits that is less than *share*."""
    scale = 1
    while share * 100 * scale < 100:
        scale *= 10
    return f"{format_number(Fraction(-(-share * 100 * scale // 1) - 1, scale))}%"
