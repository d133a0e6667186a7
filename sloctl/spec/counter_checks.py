"""Checks of what an SLO counts: whether it is a counter, has its groups, and belongs to one process."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from sloctl.model import (
    ErrorRatioIndicator,
    LatencyIndicator,
    MatchOp,
    QueryIndicator,
    RatioIndicator,
    Selector,
    Slo,
    WindowQuery,
)
from sloctl.problems import ProblemLevel
from sloctl.slo.window_queries import counted_metrics, is_recorded_rate, kept_labels, lacks_label
from sloctl.spec.findings import Violation
from sloctl.spec.messages import join_words
from sloctl.spec.yaml_nodes import Node

# A pattern that is but a choice of words.
_WORDS: Final = re.compile(r"[\w/:-]+(?:\|[\w/:-]+)*")


def check_recorded_counters(slo: Slo, indicator: Node) -> Iterator[tuple[Violation, Node]]:
    """Refuse recorded rates in place of counters; warn of recorded sums, which fall when a pod leaves."""
    for metric, node in _counted_metrics(slo, indicator):
        if is_recorded_rate(metric):
            message = (
                f"{metric} is by its name a rate, a ratio or the like, and events are counted: "
                "select the counters"
            )
            yield Violation("recorded-rate", message), node
        elif ":" in metric:
            message = (
                f"{metric} is recorded: a sum of counters is no counter, and falls when one of them goes; "
                "select the counters themselves"
            )
            yield Violation("recorded-sum", message, ProblemLevel.WARNING), node


def check_group_labels(slo: Slo, indicator: Node) -> Iterator[tuple[Violation, Node]]:
    """Refuse a query that has lost a label of groupBy; warn of labels whose values share a budget."""
    queries = list(_queries(slo, indicator))
    for query, node in queries:
        for label in slo.group_by:
            if lacks_label(query, label):
                message = (
                    f"groupBy names {label}, and this query has no such label: write sum by ({label}) (...)"
                )
                yield Violation("group-label-lost", message), node
    kept = [label for label in kept_labels(queries[-1][0]) if label not in slo.group_by] if queries else []
    if kept:
        labels = join_words(kept, last="and")
        message = (
            f"the query keeps {labels}, and all values share one budget: write groupBy, or remove by (...)"
        )
        yield Violation("group-by-missing", message, ProblemLevel.WARNING), queries[-1][1]


def check_same_process(slo: Slo, indicator: Node) -> Iterator[tuple[Violation, Node]]:
    """Warn where errors and events are selected from different processes, so that none can be new."""
    ratio = slo.indicator
    if not isinstance(ratio, RatioIndicator) or not ratio.count_new_series:
        return
    for side, selectors in ratio.counted_sides:
        for label in ratio.identity_labels:
            counted, all_events = (_fixed_values(each, label) for each in (selectors, ratio.total))
            if counted and all_events and not counted & all_events:
                message = (
                    f"{side} is of another {label} than total, so the first value of a new series never "
                    "counts: give identityLabels, labels that both sides have alike"
                )
                yield (
                    Violation("new-series-elsewhere", message, ProblemLevel.WARNING),
                    indicator.at("ratio", side),
                )


def _counted_metrics(slo: Slo, indicator: Node) -> Iterator[tuple[str, Node]]:
    match slo.indicator:
        case RatioIndicator(total=total) as ratio if "ratio" in indicator.entries:
            for key, selectors in (*ratio.counted_sides, ("total", total)):
                node = indicator.at("ratio", key)
                for selector, item in zip(selectors, node.items or (node,), strict=True):
                    yield selector.metric, item
        case LatencyIndicator(histogram) if "latency" in indicator.entries:
            yield histogram.metric, indicator.at("latency", "histogram")
        case QueryIndicator():
            for query, node in _queries(slo, indicator):
                for metric in dict.fromkeys(counted_metrics(query)):
                    yield metric, node


def _queries(slo: Slo, indicator: Node) -> Iterator[tuple[WindowQuery, Node]]:
    match slo.indicator:
        case QueryIndicator(counted, numerator, total):
            yield numerator, indicator.at("query", counted.value)
            yield total, indicator.at("query", "total")
        case ErrorRatioIndicator(ratio):
            yield ratio, indicator.at("errorRatio")


def _fixed_values(selectors: Iterable[Selector], label: str) -> frozenset[str]:
    """Return the values that *label* can have; empty where it can have any."""
    values = [
        {
            value
            for it in selector.matchers
            if it.label == label
            and (it.op is MatchOp.EQUAL or (it.op is MatchOp.MATCH and _WORDS.fullmatch(it.value)))
            for value in ([it.value] if it.op is MatchOp.EQUAL else it.value.split("|"))
        }
        for selector in selectors
    ]
    return frozenset().union(*values) if all(values) else frozenset()
