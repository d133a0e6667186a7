"""Pyrra's four indicators → an indicator of ours."""

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from msgspec import UNSET, Struct

from sloctl.duration import format_duration
from sloctl.model import LabelMatcher, MatchOp, PromQL, Selector
from sloctl.promql import (
    PromQLError,
    aggregate_by,
    format_number,
    format_selector,
    read_moved_selector,
)
from sloctl.slo.bucket_bounds import equal_bound
from sloctl.spec import values
from sloctl.spec.dialects.pyrra import fields
from sloctl.spec.dialects.translation import list_at, mapping_at, number_at, text_at
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.yaml_nodes import Node

_BOUND: Final = "le"
# By which a name says the unit of its histogram.
_UNITS: Final = ("_seconds", "_milliseconds")
_LAST_BUCKET: Final = LabelMatcher(_BOUND, MatchOp.EQUAL, "+Inf")
_DECIMAL: Final = re.compile(r"[0-9]{1,12}(?:[.][0-9]{0,12})?(?:[eE][-+]?[0-9]{1,2})?")


class PyrraSelector(Struct, frozen=True):
    """A selector of a spec, and whether it has an offset or an @, which Pyrra drops."""

    selector: Selector
    is_moved: bool
    node: Node

    def text_node(self) -> Node:
        """Return the selector as it is written, else printed without what Pyrra drops."""
        return text_at(self.node, format_selector(self.selector)) if self.is_moved else self.node


class TranslatedIndicator(Struct, frozen=True):
    """An indicator of ours, and its error ratio over `$window` as Pyrra evaluates it.

    *total* names the labels that Pyrra puts on everything it writes.
    """

    node: Node
    group_by: Node
    total: Selector
    original: PromQL
    moved: tuple[Node, ...]


def translate_indicator(
    spec: fields.PyrraIndicator, node: Node, findings: Findings
) -> TranslatedIndicator | None:
    """Translate an indicator, or return None after noting what is wrong with it."""
    match spec:
        case fields.PyrraIndicator(ratio=fields.PyrraRatio()):
            return _translate_ratio(node.at("ratio"), findings)
        case fields.PyrraIndicator(latency=fields.PyrraLatency()):
            return _translate_latency(node.at("latency"), findings)
        case fields.PyrraIndicator(latency_native=fields.PyrraNativeLatency()):
            return _translate_native_latency(node.at("latencyNative"), findings)
        case _:
            return _translate_gauge(node.at("bool_gauge"), findings)


def _translate_ratio(node: Node, findings: Findings) -> TranslatedIndicator | None:
    errors, total = (_read_selector(node.at(key, "metric"), findings) for key in ("errors", "total"))
    if errors is None or total is None:
        return None
    ratio = mapping_at(node, {"error": errors.text_node(), "total": total.text_node()}, keys=node.keys)
    grown = (counted_sum(it, node, "rate") for it in (errors, total))
    return _translated(mapping_at(node, {"ratio": ratio}), node, " / ".join(grown), (total, errors))


def _translate_latency(node: Node, findings: Findings) -> TranslatedIndicator | None:
    success, total = (_read_selector(node.at(key, "metric"), findings) for key in ("success", "total"))
    if success is None or total is None:
        return None
    bounds = [it for it in success.selector.matchers if it.label == _BOUND]
    if not bounds:
        message = 'the bucket of good requests is chosen by le, as in metric_bucket{le="0.5"}: add it'
        findings.add_violation(Violation("pyrra-latency", message), success.node)
        return None
    spelled = Selector(success.selector.metric, tuple(map(accept_both_spellings, success.selector.matchers)))
    every = counted_sum(total, node, "rate")
    quick = counted_sum(PyrraSelector(spelled, is_moved=False, node=success.node), node, "rate")
    original = f"({every} - {quick}) / {every}"
    if latency := histogram_latency(success.selector, total.selector):
        entries = {key: text_at(success.node, text) for key, text in latency.items()}
        own = mapping_at(node, {"latency": mapping_at(success.node, entries)})
        return _translated(own, node, original, (total, success))
    good_node = success.text_node()
    if spelled != success.selector:
        good_node = text_at(success.node, format_selector(spelled))
    ratio = mapping_at(node, {"good": good_node, "total": total.text_node()}, keys=node.keys)
    return _translated(mapping_at(node, {"ratio": ratio}), node, original, (total, success))


def _translate_native_latency(node: Node, findings: Findings) -> TranslatedIndicator | None:
    total = _read_selector(node.at("total", "metric"), findings)
    if total is None:
        return None
    latency = {
        "histogram": total.text_node(),
        "threshold": node.at("latency"),
        "native": number_at(node, value=True),
    }
    threshold = values.parse_threshold(node.at("latency").text)
    if isinstance(threshold, Violation):
        findings.add_violation(threshold, node.at("latency"))
        return None
    original = f"1 - histogram_fraction(0, {format_number(threshold)}, {counted_sum(total, node, 'rate')})"
    return _translated(mapping_at(node, {"latency": mapping_at(node, latency)}), node, original, (total,))


def _translate_gauge(node: Node, findings: Findings) -> TranslatedIndicator | None:
    gauge = _read_selector(node.at("metric"), findings)
    if gauge is None:
        return None
    probe = mapping_at(node, {"metric": gauge.text_node()})
    samples, ones = (counted_sum(gauge, node, it) for it in ("count_over_time", "sum_over_time"))
    original = f"({samples} - {ones}) / {samples}"
    return _translated(mapping_at(node, {"probe": probe}), node, original, (gauge,))


def _translated(
    indicator: Node, node: Node, original: PromQL, selectors: Sequence[PyrraSelector]
) -> TranslatedIndicator:
    """Put an indicator together; the first of *selectors* is the total."""
    moved = tuple(it.node for it in selectors if it.is_moved)
    groups = list_at(node.entries.get("grouping", node), grouping_of(node).values())
    return TranslatedIndicator(indicator, groups, selectors[0].selector, original, moved)


def grouping_of(node: Node) -> dict[str, Node]:
    """Return the labels that an indicator is grouped by; Pyrra takes one that is named twice once."""
    return {item.text: item for item in node.entries["grouping"].items} if "grouping" in node.entries else {}


def counted_sum(counted: PyrraSelector, node: Node, function: str) -> PromQL:
    """Write a sum over `$window` as Pyrra's rules have it."""
    selected = format_selector(counted.selector)
    return aggregate_by("sum", sorted(grouping_of(node)), f"{function}({selected}[$window])")


def _read_selector(node: Node, findings: Findings) -> PyrraSelector | None:
    try:
        return PyrraSelector(*read_moved_selector(node.text), node)
    except PromQLError as error:
        findings.add_violation(Violation("promql", str(error)), node)
        return None


def histogram_latency(success: Selector, total: Selector) -> dict[str, str] | None:
    """Return the fields of a latency of ours; None where its unit is unknown, or the requests differ."""
    base = success.metric.removesuffix("_bucket")
    (bounds, of_success), (total_bounds, of_total) = map(split_bound, (success, total))
    is_count = (total.metric, total_bounds) == (f"{base}_count", ())
    is_last_bucket = (total.metric, total_bounds) == (success.metric, (_LAST_BUCKET,))
    if (
        not base.endswith(_UNITS)
        or base == success.metric
        or frozenset(of_success) != frozenset(of_total)
        or not (is_count or is_last_bucket)
        or len(bounds) != 1
        or bounds[0].op is not MatchOp.EQUAL
    ):
        return None
    threshold = bound_duration(bounds[0].value, base)
    if threshold is None:
        return None
    return {"histogram": format_selector(Selector(base, of_success)), "threshold": threshold}


def split_bound(selector: Selector) -> tuple[tuple[LabelMatcher, ...], tuple[LabelMatcher, ...]]:
    """Split the matchers of a selector into those of le and all others."""
    bounds = tuple(it for it in selector.matchers if it.label == _BOUND)
    return bounds, tuple(it for it in selector.matchers if it.label != _BOUND)


def bound_duration(bound: str, histogram: str) -> str | None:
    """Write a bound as a duration; None where it is none in whole milliseconds, as infinity."""
    unit = values.choose_latency_unit(UNSET, histogram)
    if not _DECIMAL.fullmatch(bound) or isinstance(unit, Violation):
        return None
    milliseconds = Fraction(bound) * unit * 1000
    if milliseconds <= 0 or milliseconds.denominator != 1:
        return None
    seconds, rest = divmod(int(milliseconds), 1000)
    return "".join(([format_duration(seconds)] if seconds else []) + ([f"{rest}ms"] if rest else []))


def accept_both_spellings(matcher: LabelMatcher) -> LabelMatcher:
    """Match a whole bound as `1` and as `1.0`, as Pyrra does; Prometheus 3 has only the second."""
    if matcher.label != _BOUND or matcher.op is not MatchOp.EQUAL:
        return matcher
    return equal_bound(Fraction(matcher.value)) if _DECIMAL.fullmatch(matcher.value) else matcher


def static_labels(selector: Selector, grouping: frozenset[str]) -> dict[str, str]:
    """Return the labels that Pyrra takes from a selector: those that can have one value only."""
    return {
        it.label: it.value
        for it in selector.matchers
        if it.op is MatchOp.EQUAL and it.value and it.label not in {*grouping, _BOUND}
    }
