"""The checks that need a whole SLO: each is one function and one problem code."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final, TypeAlias

from msgspec import Struct, structs

from sloctl.duration import format_duration
from sloctl.model import CalendarWindow, CompositeIndicator, ConditionIndicator, PolicyRow, Slo, WhenAbsent
from sloctl.problems import ProblemLevel
from sloctl.promql import format_number
from sloctl.slo.lowering import counts_are_events, event_seconds, lower_indicator
from sloctl.slo.policy import alert_threshold, enabled_severities, rows_of_severity
from sloctl.spec import counter_checks
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.yaml_nodes import Node, mapping_in


class SloNodes(Struct, frozen=True):
    """The nodes of an SLO: its own, and the one of its alerting, merged with the service's."""

    slo: Node
    alerting: Node


Check: TypeAlias = Callable[[Slo, SloNodes], Iterator[tuple[Violation, Node]]]


def run_checks(slo: Slo, nodes: SloNodes, findings: Findings) -> None:
    for check in CHECKS:
        for violation, node in check(slo, nodes):
            findings.add_violation(violation, node)


def check_absent_groups(slo: Slo, nodes: SloNodes) -> Iterator[tuple[Violation, Node]]:
    """Refuse to judge missing groups: nothing tells which ones should be there."""
    match slo.indicator:
        case ConditionIndicator(when_absent=WhenAbsent.BAD | WhenAbsent.GOOD as when) if slo.group_by:
            why = "with groupBy, nobody knows which groups are missing"
            message = f"whenAbsent cannot be {when.value}: {why}; write ignore, or remove groupBy"
            yield Violation("absent-groups", message), nodes.slo.at("indicator", "condition", "whenAbsent")


def check_events_counted(slo: Slo, nodes: SloNodes) -> Iterator[tuple[Violation, Node]]:
    """Refuse an objective's own conditions on numbers of events where it counts minutes."""
    if event_seconds(slo) is None:
        return
    own = mapping_in(nodes.slo, "alerting")
    for key in ("minErrors", "confidence"):
        if key in own.keys:
            message = f"{key} is about numbers of events, and this indicator counts minutes: remove it"
            yield Violation("events-not-counted", message), own.keys[key]


def check_slices_of_events(slo: Slo, nodes: SloNodes) -> Iterator[tuple[Violation, Node]]:
    """Refuse slices of what counts time itself, as a preset may."""
    if slo.time_slice is not None and not counts_are_events(lower_indicator(slo.indicator)):
        message = "a slice is judged by the events in it, and this counts time: write it without timeSlice"
        yield Violation("slice-of-time", message), nodes.slo.at("indicator")


def check_lookback_order(slo: Slo, nodes: SloNodes) -> Iterator[tuple[Violation, Node]]:
    """Check that the short lookback lies in the long one, and that in the window."""
    for row, node in zip(slo.alerting.policy, nodes.alerting.at("policy").items, strict=False):
        if row.short >= row.long:
            message = (
                f"short must be below long, {format_duration(row.long)}, got {format_duration(row.short)}"
            )
            yield Violation("lookback-order", message), node.at("short")
        is_calendar = isinstance(slo.window, CalendarWindow)
        if row.long > slo.window.seconds or (is_calendar and row.long == slo.window.seconds):
            most = "less than" if is_calendar else "at most"
            window = f"the window of {slo.id}, {format_duration(slo.window.seconds)}"
            message = f"long must be {most} {window}, got {format_duration(row.long)}"
            yield Violation("lookback-order", message), node.at("long")


def check_alerts_can_fire(slo: Slo, nodes: SloNodes) -> Iterator[tuple[Violation, Node]]:
    """Find rows that no error ratio can make fire: an error if a severity has no others, else a warning."""
    window, budget = slo.window.seconds, slo.budget
    for severity in enabled_severities(slo.alerting):
        rows = rows_of_severity(slo.alerting.policy, severity)
        dead = [row for row in rows if alert_threshold(row, window, budget) >= 1]
        level = ProblemLevel.ERROR if len(dead) == len(rows) else ProblemLevel.WARNING
        for row in dead:
            lookbacks = f"{format_duration(row.long)} and {format_duration(row.short)}"
            node, threshold = _policy_row_node(slo, row, nodes), alert_threshold(row, window, budget)
            highest = _round_below(Fraction(row.long) / (window * budget))
            instead = f"a budgetShare of at most {highest} in alerting.policy"
            if "factor" in node.entries:
                node, instead = node.at("factor"), f"a factor below {format_number(round(1 / budget, 4))}"
            elif "budgetShare" in node.entries:
                node = node.at("budgetShare")
            message = (
                f"the {severity.value} alert on {lookbacks} can never fire "
                f"at objective {format_number(slo.objective * 100)} %: "
                f"it waits for an error ratio above {format_number(round(threshold, 4))}; "
                f"give it {instead}"
            )
            yield Violation("alert-never-fires", message, level), node


def check_counters(slo: Slo, nodes: SloNodes) -> Iterator[tuple[Violation, Node]]:
    """Check what is counted: counter_checks.py has one function for each code."""
    counted = [(slo, nodes.slo.at("indicator"))]
    if isinstance(slo.indicator, CompositeIndicator):
        parts = nodes.slo.at("indicator", "composite", slo.indicator.rule.value)
        counted = [
            (structs.replace(slo, indicator=part.indicator), parts.at(part.name, "indicator"))
            for part in slo.indicator.parts
            if part.slo is None
        ]
    for of_one, indicator in counted:
        for check in (
            counter_checks.check_recorded_counters,
            counter_checks.check_group_labels,
            counter_checks.check_same_process,
        ):
            yield from check(of_one, indicator)


def check_journey_groups(slo: Slo, nodes: SloNodes) -> Iterator[tuple[Violation, Node]]:
    """Refuse a journey with groups: nothing tells which group of one part belongs to which of another."""
    if isinstance(slo.indicator, CompositeIndicator) and slo.group_by:
        message = "a journey cannot have groups yet: remove groupBy, or write a journey for each value"
        yield Violation("journey-groups", message), nodes.slo.at("groupBy")


CHECKS: Final[tuple[Check, ...]] = (
    check_counters,
    check_absent_groups,
    check_events_counted,
    check_slices_of_events,
    check_journey_groups,
    check_lookback_order,
    check_alerts_can_fire,
)


def _policy_row_node(slo: Slo, row: PolicyRow, nodes: SloNodes) -> Node:
    """Return the row where the spec has it, else the objective that the workbook's row does not suit."""
    if "policy" not in nodes.alerting.entries:
        return nodes.slo.at("objective")
    return nodes.alerting.at("policy", slo.alerting.policy.index(row))


def _round_below(share: Fraction) -> str:
    """Return the highest percentage of two or three digits that is less than *share*."""
    scale = 1
    while share * 100 * scale < 100:
        scale *= 10
    return f"{format_number(Fraction(-(-share * 100 * scale // 1) - 1, scale))}%"
