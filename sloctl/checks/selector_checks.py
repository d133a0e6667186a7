"""Checks of selectors: what they count, whether one lies in the other, and how they are written."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from sloctl.checks.findings import CheckFinding, ReviewOptions, matcher_pattern
from sloctl.model import (
    CountedSide,
    LabelMatcher,
    LatencyIndicator,
    MatchOp,
    NativeLatencyIndicator,
    ProbeIndicator,
    QueryIndicator,
    RatioIndicator,
    Selector,
)
from sloctl.problems import ProblemLevel
from sloctl.promql import format_selector, quote_string
from sloctl.slo.window_queries import counted_metrics
from sloctl.spec.messages import quote_value
from sloctl.spec.reader import LocatedSlo
from sloctl.spec.yaml_nodes import Node

# By the naming rules of Prometheus, or by what everybody's exporters call them.
_GAUGE_NAME: Final = re.compile(
    r"up|probe_success|.*_(?:ratio|percent|percentage|utilization|usage|celsius|in_flight|in_progress|inprogress"
    r"|current|active|info|timestamp|timestamp_seconds|depth|length|size|ready|status|state|available|limit"
    r"|(?:i?rate|per_(?:second|sec|minute|min|hour)|[qrt]ps|quantile|p[0-9]{2})(?:_?[0-9]+[smhdwy])*)"
)
_COUNTER_NAME: Final = re.compile(r".*_(?:total|count|sum|bucket|created)")
# What hardly any label has for a value.
_PATTERN: Final = re.compile(r"\.[*+.]|\[[^\]]+-[^\]]+\]|\\d|^\w+(?:\|\w+)+$")
_PATTERN_OPERATORS: Final = {MatchOp.EQUAL: MatchOp.MATCH.value, MatchOp.NOT_EQUAL: MatchOp.NOT_MATCH.value}
_SPECIAL: Final = re.compile(r"[\\.+*?()\[\]{}|^$]")
_ALL: Final = re.compile(r"\^?(?:\.\*|\(\.\*\)|\(\?:\.\*\))+\$?")
_WORDS: Final = re.compile(r"\(?([A-Za-z0-9_/:-]+(?:\|[A-Za-z0-9_/:-]+)*)\)?")


def check_counters_by_name(located: LocatedSlo, _: ReviewOptions) -> Iterator[CheckFinding]:
    """Find what is a gauge by its name where a counter is counted, and a counter where a gauge is read."""
    is_probe = isinstance(located.slo.indicator, ProbeIndicator)
    named = [(selector.metric, node) for selector, node in _written_selectors(located)]
    for metric, node in named + _increasing_metrics(located):
        if is_probe and _COUNTER_NAME.fullmatch(metric):
            message = f"{metric} is by its name a counter, and a probe reads 0 and 1: count it in a ratio"
            yield CheckFinding(node, "counter-as-gauge", message, part=rf"\b{metric}\b")
        elif not is_probe and _GAUGE_NAME.fullmatch(metric):
            message = (
                f"{metric} is by its name a gauge, whose increase is nothing that happened: count a counter, "
                "or write a probe or a condition"
            )
            yield CheckFinding(node, "gauge-as-counter", message, part=rf"\b{metric}\b")


def check_sums(located: LocatedSlo, _: ReviewOptions) -> Iterator[CheckFinding]:
    """Find a histogram's or a summary's sum where events are counted."""
    if isinstance(located.slo.indicator, RatioIndicator):
        for selector, node in _written_selectors(located):
            if selector.metric.endswith("_sum"):
                count = f"{selector.metric.removesuffix('_sum')}_count"
                message = f"{selector.metric} adds up what was observed, not how often: count {count}"
                yield CheckFinding(node, "sum-as-counter", message, part=rf"\b{selector.metric}\b")


def check_sides_differ(located: LocatedSlo, _: ReviewOptions) -> Iterator[CheckFinding]:
    """Find errors, or good events, that are the total itself."""
    ratio = located.slo.indicator
    if isinstance(ratio, RatioIndicator) and not ratio.minus and set(ratio.numerator) == set(ratio.total):
        side = ratio.counted.value
        outcome = "every event is bad" if ratio.counted is CountedSide.ERROR else "no event is ever bad"
        message = f"{side} is the total itself, so {outcome}: give {side} a matcher that tells them apart"
        yield CheckFinding(located.node.at("indicator", "ratio", side), "side-is-total", message)


def check_equal_patterns(located: LocatedSlo, _: ReviewOptions) -> Iterator[CheckFinding]:
    """Find a plain comparison with what looks like a regular expression."""
    for selector, node in _written_selectors(located):
        for matcher in selector.matchers:
            if matcher.op in _PATTERN_OPERATORS and _PATTERN.search(matcher.value):
                written = f"{matcher.label}{matcher.op.value}{quote_string(matcher.value)}"
                fixed = f"{matcher.label}{_PATTERN_OPERATORS[matcher.op]}{quote_string(matcher.value)}"
                message = f"{written} compares with that very text: as a pattern it is {fixed}"
                yield CheckFinding(node, "pattern-compared", message, part=matcher_pattern(matcher))


def check_errors_in_total(located: LocatedSlo, _: ReviewOptions) -> Iterator[CheckFinding]:
    """Find errors, or good events, of the total's own metric that the total does not count."""
    ratio = located.slo.indicator
    if not isinstance(ratio, RatioIndicator):
        return
    for side, selector, item in [
        (key, *each)
        for key, selectors in ratio.counted_sides
        for each in _pair_each(selectors, located.node.at("indicator", "ratio", key))
    ]:
        totals = [total for total in ratio.total if total.metric == selector.metric]
        lacking = [_first_unmet(selector, total) for total in totals]
        if totals and all(lacking):
            matcher = next(each for each in lacking if each is not None)
            has = format_selector(Selector("", (matcher,)))
            message = (
                f"total has {has} and {side} has not, so it counts what is no event of this SLO: "
                f"add it to {side}"
            )
            yield CheckFinding(item, "errors-outside-total", message)


def check_regular_expressions(located: LocatedSlo, _: ReviewOptions) -> Iterator[CheckFinding]:
    """Find regular expressions that match all, none, or one plain text."""
    for selector, node in _written_selectors(located):
        for matcher in selector.matchers:
            if matcher.op not in {MatchOp.MATCH, MatchOp.NOT_MATCH}:
                continue
            written, part = f"{matcher.label}{matcher.op.value}", matcher_pattern(matcher)
            if _ALL.fullmatch(matcher.value):
                if matcher.op is MatchOp.MATCH:
                    message = f'{written}"{matcher.value}" matches every series: remove it'
                else:
                    message = f'{written}"{matcher.value}" matches no series, so nothing is counted'
                yield CheckFinding(node, "regexp-of-all", message, part=part)
            elif not _SPECIAL.search(matcher.value):
                plain = "=" if matcher.op is MatchOp.MATCH else "!="
                fixed = f'{matcher.label}{plain}"{matcher.value}"'
                message = f"{quote_value(matcher.value)} is no pattern: write {fixed}, which is read faster"
                yield CheckFinding(node, "regexp-needless", message, ProblemLevel.NOTE, part)
            elif matcher.value.startswith("^") or matcher.value.endswith("$"):
                message = "a regular expression matches the whole value anyway: remove ^ and $"
                yield CheckFinding(node, "regexp-needless", message, ProblemLevel.NOTE, part)


def check_groups_differ(located: LocatedSlo, _: ReviewOptions) -> Iterator[CheckFinding]:
    """Find a label of groupBy of which the selectors leave one value."""
    selectors = [selector for selector, _ in _written_selectors(located)]
    for index, label in enumerate(located.slo.group_by):
        fixed = [
            matcher.value
            for selector in selectors
            for matcher in selector.matchers
            if matcher.label == label and matcher.op is MatchOp.EQUAL
        ]
        if fixed and len(fixed) == len(selectors) and len(set(fixed)) == 1:
            message = (
                f"every selector has {label}={quote_value(fixed[0])}, so there is one group: "
                f"remove {label} from groupBy"
            )
            yield CheckFinding(located.node.at("groupBy", index), "group-of-one", message, ProblemLevel.NOTE)


def _written_selectors(located: LocatedSlo) -> list[tuple[Selector, Node]]:
    """Return the selectors that the spec itself has; none of a preset."""
    indicator = located.node.at("indicator")
    match located.slo.indicator:
        case RatioIndicator(total=total) as ratio if "ratio" in indicator.entries:
            sides = (*ratio.counted_sides, ("total", total))
            return [pair for key, side in sides for pair in _pair(side, indicator.at("ratio", key))]
        case LatencyIndicator(histogram) | NativeLatencyIndicator(histogram) if (
            "latency" in indicator.entries
        ):
            return [(histogram, indicator.at("latency", "histogram"))]
        case ProbeIndicator(gauge) if "probe" in indicator.entries:
            return [(gauge, indicator.at("probe", "metric"))]
        case _:
            return []


def _increasing_metrics(located: LocatedSlo) -> list[tuple[str, Node]]:
    """Return the metrics whose increase() a query of the spec takes."""
    query = located.slo.indicator
    if not isinstance(query, QueryIndicator):
        return []
    sides = ((query.counted.value, query.numerator), ("total", query.total))
    indicator = located.node.at("indicator")
    return [
        (metric, indicator.at("query", key))
        for key, text in sides
        for metric in dict.fromkeys(counted_metrics(text))
    ]


def _pair_each(selectors: Sequence[Selector], node: Node) -> list[tuple[Selector, Node]]:
    """Pair selectors with their nodes, those of a preset all with the same."""
    return list(zip(selectors, node.items or (node,) * len(selectors), strict=False))


def _pair(selectors: Sequence[Selector], node: Node) -> list[tuple[Selector, Node]]:
    return list(zip(selectors, node.items or (node,), strict=True))


def _first_unmet(selector: Selector, total: Selector) -> LabelMatcher | None:
    """Return the first matcher of *total* that *selector* certainly does not keep to."""
    return next((each for each in total.matchers if _is_unmet(each, selector)), None)


def _is_unmet(wanted: LabelMatcher, selector: Selector) -> bool:
    own = [matcher for matcher in selector.matchers if matcher.label == wanted.label]
    if wanted in own or _ALL.fullmatch(wanted.value) or (wanted.op is MatchOp.NOT_EQUAL and not wanted.value):
        return False
    if not own:
        return True
    values = [value for matcher in own for value in _possible_values(matcher)]
    return bool(values) and not all(_accepts(wanted, value) for value in values)


def _possible_values(matcher: LabelMatcher) -> list[str]:
    """Return all values that a matcher lets through, where it lists them; else none."""
    if matcher.op is MatchOp.EQUAL:
        return [matcher.value]
    if matcher.op is MatchOp.MATCH and (words := _WORDS.fullmatch(matcher.value)):
        return words[1].split("|")
    return []


def _accepts(matcher: LabelMatcher, value: str) -> bool:
    """Return whether a matcher lets *value* through; yes where Python cannot read its pattern."""
    if matcher.op in {MatchOp.EQUAL, MatchOp.NOT_EQUAL}:
        return (matcher.value == value) == (matcher.op is MatchOp.EQUAL)
    try:
        found = re.fullmatch(matcher.value, value) is not None
    except re.error:
        return True
    return found == (matcher.op is MatchOp.MATCH)
