"""Checks of the user's own PromQL."""

from collections.abc import Iterator
from typing import Final

import promql_parser

from sloctl.checks.findings import CheckFinding, ReviewOptions
from sloctl.duration import format_duration
from sloctl.model import ConditionIndicator, ErrorRatioIndicator, QueryIndicator, WindowQuery
from sloctl.promql import is_window_range, parse_window_query
from sloctl.slo.window_queries import counted_metrics, lacks_label
from sloctl.spec.reader import LocatedSlo
from sloctl.spec.yaml_nodes import Node

_COUNTING: Final = frozenset({"increase", "rate", "irate", "delta", "idelta"})


def check_ranges(located: LocatedSlo, _: ReviewOptions) -> Iterator[CheckFinding]:
    """Find counters over a fixed range where the rules ask for every range in turn."""
    for query, node in written_queries(located):
        for call in _calls(query.text):
            argument = call.args[0] if call.args else None
            if (
                call.func.name in _COUNTING
                and isinstance(argument, promql_parser.MatrixSelector)
                and not is_window_range(argument)
            ):
                written = format_duration(int(argument.range.total_seconds()))
                message = (
                    f"{call.func.name}() over a fixed {written}, while the rules ask for every range "
                    "in turn: write $window"
                )
                yield CheckFinding(node, "fixed-range", message, part=rf"\[\s*{written}\s*\]")


def check_query_sums(located: LocatedSlo, _: ReviewOptions) -> Iterator[CheckFinding]:
    """Find a histogram's or a summary's sum among the events of a query."""
    if isinstance(located.slo.indicator, QueryIndicator):
        for query, node in written_queries(located):
            for metric in dict.fromkeys(counted_metrics(query)):
                if metric.endswith("_sum"):
                    count = f"{metric.removesuffix('_sum')}_count"
                    message = f"{metric} adds up what was observed, not how often: count {count}"
                    yield CheckFinding(node, "sum-as-counter", message, part=rf"\b{metric}\b")


def check_condition_groups(located: LocatedSlo, _: ReviewOptions) -> Iterator[CheckFinding]:
    """Find a condition that has lost a label of groupBy, so that its groups are one without a name."""
    condition = located.slo.indicator
    if isinstance(condition, ConditionIndicator):
        for label in located.slo.group_by:
            if lacks_label(WindowQuery(condition.good), label):
                message = (
                    f"groupBy names {label}, and this has no such label, so there is one group without it: "
                    f"write max by ({label}) (...) or the like"
                )
                node = located.node.at("indicator", "condition", "good")
                yield CheckFinding(node, "condition-group-lost", message)


def written_queries(located: LocatedSlo) -> list[tuple[WindowQuery, Node]]:
    """Return the queries over `$window` that the spec itself has, with their nodes."""
    indicator = located.node.at("indicator")
    match located.slo.indicator:
        case QueryIndicator(counted, numerator, total) if "query" in indicator.entries:
            query = indicator.at("query")
            return [(numerator, query.at(counted.value)), (total, query.at("total"))]
        case ErrorRatioIndicator(ratio) if "errorRatio" in indicator.entries:
            return [(ratio, indicator.at("errorRatio"))]
        case _:
            return []


def _calls(text: str) -> list[promql_parser.Call]:
    calls: list[promql_parser.Call] = []

    def collect_call(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.Call):
            calls.append(node)

    promql_parser.walk(parse_window_query(text), pre_visit=collect_call)
    return calls
