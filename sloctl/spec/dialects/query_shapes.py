"""PromQL as other tools take it → what it counts: selectors where it adds up counters, else the query itself.

Other tools have queries in which a spec of ours has selectors. `shape_events` reads an error (or good) query
and a total one, `shape_ratio` one query for the ratio. What they see through:

- sums, with `by (...)`, of rate() or increase() of selectors, with `+`, and `-` for "all but these";
- guards against missing and zero traffic, which the rules have built in: `or vector(0)`, `> 0`, `clamp_min`;
- averages of a gauge, and subqueries that look at an expression again and again.

Nothing is guessed. What is dropped or means something else is noted, and an expression of no known shape
stays a query as it is. In all texts `$window` stands for the range.
"""

import re
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import Final, TypeAlias

import promql_parser
from msgspec import Struct, structs
from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, MatrixSelector, ParenExpr, VectorSelector

from sloctl.model import CountedSide, LabelMatcher, MatchOp, PromQL, Selector, WhenAbsent, WindowQuery
from sloctl.problems import ProblemLevel
from sloctl.promql import (
    PromQLError,
    aggregate_by,
    format_selector,
    is_window_range,
    parse_window_query,
    read_selector,
    rewrite_expression,
)
from sloctl.slo.window_queries import is_additive, kept_labels
from sloctl.spec.dialects.counted_sums import (
    GROUPS_MERGED,
    GUARD_DROPPED,
    Counting,
    TermSum,
    default_value,
    number_in,
    parse_fraction,
    plain_selectors,
    print_sum,
    read_sum,
)
from sloctl.spec.dialects.translation import list_at, mapping_at, text_at
from sloctl.spec.findings import Violation
from sloctl.spec.values import unit_by_name
from sloctl.spec.yaml_nodes import Node


class RatioShape(Struct, frozen=True):
    """Increments of counters; selectors as text."""

    counted: CountedSide
    part: tuple[PromQL, ...]
    total: tuple[PromQL, ...]


class LatencyShape(Struct, frozen=True):
    """Observations of a classic histogram in seconds, good up to *threshold*, a duration as text."""

    histogram: PromQL
    threshold: str


class ProbeShape(Struct, frozen=True):
    """Samples of a gauge that is 1 or 0."""

    metric: PromQL


class QueryShape(Struct, frozen=True):
    """Events that a query counts over `$window`."""

    counted: CountedSide
    part: PromQL
    total: PromQL


class ErrorRatioShape(Struct, frozen=True):
    """A ratio of which each minute is an event."""

    ratio: PromQL


class ConditionShape(Struct, frozen=True):
    """One event a minute, good where a comparison holds; an absent minute as *when_absent* says."""

    good: PromQL
    when_absent: WhenAbsent


IndicatorShape: TypeAlias = (
    RatioShape | LatencyShape | ProbeShape | QueryShape | ErrorRatioShape | ConditionShape
)


class ShapedQuery(Struct, frozen=True):
    """An indicator of ours, the labels that it is grouped by, and what was understood differently."""

    indicator: IndicatorShape
    group_by: tuple[str, ...] = ()
    notes: tuple[Violation, ...] = ()


def shape_events(
    part: str, total: str, *, counted: CountedSide = CountedSide.ERROR
) -> ShapedQuery | Violation:
    """Shape a query that counts errors (or good events) and one that counts all; the first may be a rate."""
    try:
        return _shape_sides(parse_window_query(part), parse_window_query(total), counted)
    except PromQLError as error:
        return Violation("promql", str(error))


def shape_ratio(ratio: str, *, measured: CountedSide = CountedSide.ERROR) -> ShapedQuery | Violation:
    """Shape a query for the share of errors (or of good events) among all."""
    try:
        return _shape_whole(parse_window_query(ratio), measured)
    except PromQLError as error:
        return Violation("promql", str(error))


def indicator_node(shape: IndicatorShape, place: Node) -> Node:
    """Write an indicator of ours at the place of a foreign query."""
    match shape:
        case RatioShape():
            entries = {
                shape.counted.value: _selectors_at(place, shape.part),
                "total": _selectors_at(place, shape.total),
            }
            return mapping_at(place, {"ratio": mapping_at(place, entries)})
        case LatencyShape():
            entries = {
                "histogram": text_at(place, shape.histogram),
                "threshold": text_at(place, shape.threshold),
            }
            return mapping_at(place, {"latency": mapping_at(place, entries)})
        case ProbeShape():
            gauge = mapping_at(place, {"metric": text_at(place, shape.metric)})
            return mapping_at(place, {"probe": gauge})
        case QueryShape():
            entries = {
                shape.counted.value: text_at(place, shape.part),
                "total": text_at(place, shape.total),
            }
            return mapping_at(place, {"query": mapping_at(place, entries)})
        case ConditionShape():
            entries = {
                "good": text_at(place, shape.good),
                "whenAbsent": text_at(place, shape.when_absent.value),
            }
            return mapping_at(place, {"condition": mapping_at(place, entries)})
        case ErrorRatioShape():
            return mapping_at(place, {"errorRatio": text_at(place, shape.ratio)})


def _selectors_at(place: Node, selectors: tuple[PromQL, ...]) -> Node:
    if len(selectors) == 1:
        return text_at(place, selectors[0])
    return list_at(place, [text_at(place, selector) for selector in selectors])


_MINUTES: Final = Violation(
    "ratio-of-minutes",
    "this stays a ratio: each minute weighs alike, however many events it had, and its raw series are "
    "read in full every minute",
    ProblemLevel.WARNING,
)
_ABSENT_IS_BAD: Final = Violation(
    "absent-counted-bad",
    "without data this was counted as errors, and is no data now: have the alert noData page, or write a "
    "condition with whenAbsent: bad",
    ProblemLevel.WARNING,
)
_THRESHOLD: Final = Violation(
    "threshold-kept",
    "a threshold or a quantile inside of a query stays there as it is",
    ProblemLevel.NOTE,
)
_LOOKS: Final = Violation(
    "looks-each-minute",
    "the subquery becomes one look a minute",
    ProblemLevel.NOTE,
)
_BUCKET: Final = Violation(
    "bucket-kept",
    "the name of this histogram does not say its unit, so its bucket is counted as a selector: where "
    "the bucket is missing, every event is an error",
    ProblemLevel.WARNING,
)
# Gauges that are 1 or 0 by their documentation.
_UP_OR_DOWN: Final = re.compile(r"up|probe_success|.+_up|.+_healthy|.+_ready|.+_available")
_OPPOSITES: Final = {">": "<=", "<": ">=", ">=": "<", "<=": ">", "==": "!=", "!=": "=="}
_MILLISECONDS: Final = Fraction(1, 1000)


def _shape_whole(ratio: Expr, measured: CountedSide) -> ShapedQuery:
    """Shape a ratio, seen through guards, `1 - …` and averages."""
    node, notes = strip_ratio_guards(ratio, measured)
    if isinstance(node, BinaryExpr) and str(node.op) == "-" and number_in(node.lhs) == 1:
        measured = other_side(measured)
        node, more = strip_ratio_guards(node.rhs, measured)
        notes += more
    if isinstance(node, BinaryExpr) and str(node.op) == "/" and number_in(node.rhs) is None:
        shaped = _sides_as_counts(node.lhs, node.rhs, measured)
        if shaped is not None:
            return structs.replace(shaped, notes=_unique((*notes, *shaped.notes)))
    minutes = shape_looks_of_condition(node, measured, WhenAbsent.IGNORE)
    if minutes is not None:
        return structs.replace(minutes, notes=_unique((*notes, *minutes.notes)))
    averaged = shape_average(node, measured)
    if averaged is not None:
        return structs.replace(averaged, notes=_unique((*notes, *averaged.notes)))
    looks = rewrite_looks(node)
    text = _print(node) if looks is None else looks
    error = text if measured is CountedSide.ERROR else f"1 - ({text})"
    return _as_ratio(error, (node,), (*notes, *([] if looks is None else [_LOOKS])))


def _shape_sides(part: Expr, total: Expr, counted: CountedSide) -> ShapedQuery:
    shaped = _sides_as_counts(part, total, counted)
    if shaped is not None:
        return shaped
    ratio = f"({_print(part)}) / ({_print(total)})"
    error = ratio if counted is CountedSide.ERROR else f"1 - {ratio}"
    return _as_ratio(error, (part, total), ())


def _sides_as_counts(part: Expr, total: Expr, counted: CountedSide) -> ShapedQuery | None:
    """Shape a part and its total as counts; None where one of them is no count."""
    sums = (read_sum(part), read_sum(total))
    if sums[0] is not None and sums[1] is not None:
        shaped = combine_sums(sums[0], sums[1], counted)
        if shaped is not None:
            return shaped
    minutes = shape_minutes(part, total, counted)
    return _as_counting_queries(part, total, counted) if minutes is None else minutes


def combine_sums(part: TermSum, total: TermSum, counted: CountedSide) -> ShapedQuery | None:
    """Make an indicator of two sums of the same unit and the same groups."""
    if counted is CountedSide.ERROR and part.default:
        # Where no error is known this counts some.
        return None
    if part.by != total.by or part.factor != total.factor or part.per_second != total.per_second:
        return None
    notes = (*part.notes, *total.notes, *(() if part.by is not None else (GROUPS_MERGED,)))
    group_by = part.by or ()
    if part.minus and not total.minus and Counter(part.plus) == Counter(total.plus):
        part = TermSum(part.minus, by=part.by)
        counted = other_side(counted)
    shape: IndicatorShape | None = None
    kinds = {kind for kind, _ in (*part.plus, *part.minus, *total.plus, *total.minus)}
    if kinds == {Counting.EVENTS} and not part.minus and not total.minus:
        shape, more = _counter_shape(part, total, counted)
        notes += more
    elif kinds == {Counting.SAMPLES, Counting.VALUES}:
        shape = _gauge_shape(part, total, counted)
    if shape is None:
        shape = QueryShape(counted, print_sum(part), print_sum(total))
    return ShapedQuery(shape, group_by, _unique(notes))


def _counter_shape(
    part: TermSum, total: TermSum, counted: CountedSide
) -> tuple[IndicatorShape, tuple[Violation, ...]]:
    parts, totals = (tuple(text for _, text in side.plus) for side in (part, total))
    ratio = RatioShape(counted, parts, totals)
    if counted is not CountedSide.GOOD or len(parts) != 1 or len(totals) != 1:
        return ratio, ()
    bucket, events = read_selector(parts[0]), read_selector(totals[0])
    bound = bucket_bound(bucket)
    if bound is None or histogram_of(events) != histogram_of(bucket):
        return ratio, ()
    histogram = Selector(
        bucket.metric.removesuffix("_bucket"), tuple(it for it in bucket.matchers if it.label != "le")
    )
    unit = unit_by_name(histogram.metric)
    threshold = None if unit is None else duration_text(bound * unit)
    if threshold is None:
        return ratio, (_BUCKET,)
    return LatencyShape(format_selector(histogram), threshold), ()


def _gauge_shape(part: TermSum, total: TermSum, counted: CountedSide) -> IndicatorShape | None:
    """Shape the samples of a gauge: its sum is what is good, and their number is all."""
    if part.minus or total.minus or len(part.plus) != 1 or len(total.plus) != 1:
        return None
    (summed, gauge), (_, every) = part.plus[0], total.plus[0]
    is_probe = counted is CountedSide.GOOD and summed is Counting.VALUES and gauge == every
    return ProbeShape(gauge) if is_probe and _UP_OR_DOWN.fullmatch(read_selector(gauge).metric) else None


def shape_minutes(part: Expr, total: Expr, counted: CountedSide) -> ShapedQuery | None:
    """Shape the minutes in which a comparison holds, among all minutes that there are."""
    minutes, guards = strip_ratio_guards(part, counted)
    looked = looked_at(total, "count_over_time")
    if looked is None or default_value(looked) is None:
        return None
    shaped = shape_looks_of_condition(minutes, counted, WhenAbsent.GOOD)
    return None if shaped is None else structs.replace(shaped, notes=_unique((*guards, *shaped.notes)))


def shape_looks_of_condition(node: Expr, counted: CountedSide, when_absent: WhenAbsent) -> ShapedQuery | None:
    """Shape looks at a comparison with a number: those at which it holds, or their share."""
    is_share = when_absent is WhenAbsent.IGNORE
    looked = looked_at(node, "avg_over_time" if is_share else "count_over_time")
    if (
        not isinstance(looked, BinaryExpr)
        or str(looked.op) not in _OPPOSITES
        or number_in(looked.rhs) is None
    ):
        return None
    answers = looked.modifier is not None and looked.modifier.return_bool
    if answers is not is_share or (looked.modifier is not None and looked.modifier.matching is not None):
        return None
    operator = str(looked.op) if counted is CountedSide.GOOD else _OPPOSITES[str(looked.op)]
    good = f"{_print(looked.lhs)} {operator} {_print(looked.rhs)}"
    if "$window" in good or (counted is CountedSide.GOOD and not is_share):
        return None
    return ShapedQuery(ConditionShape(good, when_absent), (), (_LOOKS, _THRESHOLD))


def looked_at(node: Expr, function: str) -> Expr | None:
    """Return what a subquery over `$window` looks at, below one function; None where it is another form."""
    while isinstance(node, ParenExpr):
        node = node.expr
    if not isinstance(node, Call) or node.func.name != function:
        return None
    subquery = node.args[0]
    if not isinstance(subquery, promql_parser.SubqueryExpr) or not is_window_range(subquery):
        return None
    looked = subquery.expr
    while isinstance(looked, ParenExpr):
        looked = looked.expr
    return looked


def _as_counting_queries(part: Expr, total: Expr, counted: CountedSide) -> ShapedQuery | None:
    """Keep both sides as queries that count, where that is what they do."""
    texts = []
    notes: tuple[Violation, ...] = ()
    looks = [rewrite_looks(side) for side in (part, total)]
    if all(text is not None for text in looks):
        texts = [str(text) for text in looks]
        notes = (_LOOKS,)
    else:
        texts = [rewrite_expression(side, _count_of_rate) for side in (part, total)]
        if not all("$window" in text and is_additive(WindowQuery(text)) for text in texts):
            return None
    if any(map(has_threshold, (part, total))):
        notes = (*notes, _THRESHOLD)
    groups = tuple(label for label in kept_labels(WindowQuery(texts[1])) if label != "le")
    return ShapedQuery(QueryShape(counted, texts[0], texts[1]), groups, notes)


def _as_ratio(error: PromQL, parts: Iterable[Expr], notes: Iterable[Violation]) -> ShapedQuery:
    threshold = (_THRESHOLD,) if any(map(has_threshold, parts)) else ()
    groups: tuple[str, ...] = ()
    for part in parts:
        groups = groups or tuple(label for label in _grouping(part) if label != "le")
    return ShapedQuery(ErrorRatioShape(error), groups, _unique((*notes, _MINUTES, *threshold)))


def shape_average(node: Expr, measured: CountedSide) -> ShapedQuery | None:
    """Shape avg_over_time() of a gauge, or of an expression that is looked at again and again."""
    by: tuple[str, ...] | None = None
    while isinstance(node, ParenExpr) or (isinstance(node, AggregateExpr) and str(node.op) == "avg"):
        if isinstance(node, AggregateExpr):
            modifier = node.modifier
            if modifier is not None and modifier.type != promql_parser.AggModifierType.By:
                return None
            by = () if modifier is None else tuple(modifier.labels)
        node = node.expr
    if not isinstance(node, Call) or node.func.name != "avg_over_time":
        return None
    samples = node.args[0]
    if not isinstance(samples, MatrixSelector) or not is_window_range(samples):
        return None
    selectors = plain_selectors(samples.vector_selector)
    if len(selectors) != 1:
        return None
    notes = () if by is not None else (GROUPS_MERGED,)
    gauge = selectors[0]
    if measured is CountedSide.GOOD and _UP_OR_DOWN.fullmatch(read_selector(gauge).metric):
        return ShapedQuery(ProbeShape(gauge), by or (), notes)
    values, samples_of = (
        aggregate_by("sum", by or (), f"{function}({gauge}[$window])")
        for function in ("sum_over_time", "count_over_time")
    )
    return ShapedQuery(QueryShape(measured, values, samples_of), by or (), notes)


def rewrite_looks(node: Expr) -> PromQL | None:
    """Turn subqueries over `$window` into one look; None where there are none, or the look has no range."""
    found = False

    def replace(part: Expr) -> PromQL | None:
        nonlocal found
        if not isinstance(part, Call) or part.func.name not in _LOOKING_FUNCTIONS:
            return None
        looked = part.args[0]
        if not isinstance(looked, promql_parser.SubqueryExpr) or not is_window_range(looked):
            return None
        found = True
        bare = looked.expr
        while isinstance(bare, ParenExpr):
            bare = bare.expr
        inner = rewrite_expression(bare, _last_sample)
        return f"(({inner}) ^ 0)" if part.func.name == "count_over_time" else f"({inner})"

    text = rewrite_expression(node, replace)
    return text if found and "$window" in text and "[$window:" not in text else None


_LOOKING_FUNCTIONS: Final = frozenset({"sum_over_time", "count_over_time", "avg_over_time"})


def _last_sample(node: Expr) -> PromQL | None:
    """Replace a selector by its last sample within `$window`."""
    if not isinstance(node, VectorSelector) or node.offset is not None or node.at is not None:
        return None
    return f"last_over_time({node.prettify()}[$window])"


def _count_of_rate(node: Expr) -> PromQL | None:
    if not isinstance(node, Call) or node.func.name != "rate" or not isinstance(node.args[0], MatrixSelector):
        return None
    if not is_window_range(node.args[0]):
        return None
    return f"increase({rewrite_expression(node.args[0], _nothing)})"


def _nothing(_: Expr) -> None:
    return None


def _print(node: Expr) -> PromQL:
    return rewrite_expression(node, _nothing)


def strip_ratio_guards(node: Expr, measured: CountedSide) -> tuple[Expr, tuple[Violation, ...]]:
    """Take guards off a ratio: defaults where there is no traffic, and bounds of 0 and 1."""
    notes: tuple[Violation, ...] = ()
    while True:
        match node:
            case ParenExpr():
                node = node.expr
            case Call() if node.func.name in {"clamp_min", "clamp_max", "clamp"} and _bounds_a_share(node):
                node, notes = node.args[0], (*notes, GUARD_DROPPED)
            case BinaryExpr() if str(node.op) == "or" and (default := default_value(node.rhs)) is not None:
                is_good = default == (0 if measured is CountedSide.ERROR else 1)
                node, notes = node.lhs, (*notes, GUARD_DROPPED if is_good else _ABSENT_IS_BAD)
            case BinaryExpr() if str(node.op) in {">", ">=", "!="} and _filters_zero(node):
                node, notes = node.lhs, (*notes, GUARD_DROPPED)
            case _:
                return node, notes


def _filters_zero(node: BinaryExpr) -> bool:
    return number_in(node.rhs) == 0 and (node.modifier is None or not node.modifier.return_bool)


def _bounds_a_share(node: Call) -> bool:
    return all(number_in(bound) in {0, 1} for bound in node.args[1:])


def has_threshold(node: Expr) -> bool:
    """Tell whether an expression compares with a number other than 0, or takes a quantile."""
    parts: list[Expr] = []
    promql_parser.walk(node, pre_visit=parts.append)
    quantiles = {"histogram_quantile", "quantile_over_time"}
    return any(
        (isinstance(part, Call) and part.func.name in quantiles)
        or (
            isinstance(part, BinaryExpr)
            and str(part.op) in {">", "<", ">=", "<="}
            and any(number_in(side) for side in (part.lhs, part.rhs))
        )
        for part in parts
    )


def _grouping(node: Expr) -> tuple[str, ...]:
    """Return the labels of the outermost `by (...)` on the way through operations."""
    while isinstance(node, ParenExpr | BinaryExpr):
        if isinstance(node, ParenExpr):
            node = node.expr
        else:
            node = node.rhs if number_in(node.lhs) is not None else node.lhs
    if not isinstance(node, AggregateExpr) or node.modifier is None:
        return ()
    is_by = node.modifier.type == promql_parser.AggModifierType.By
    return tuple(node.modifier.labels) if is_by else ()


def bucket_bound(selector: Selector) -> Fraction | None:
    """Return the bound of the one bucket that is selected, below infinity."""
    bounds = [it for it in selector.matchers if it.label == "le"]
    if not selector.metric.endswith("_bucket") or len(bounds) != 1:
        return None
    if bounds[0].op is MatchOp.EQUAL:
        spellings = [bounds[0].value]
    elif bounds[0].op is MatchOp.MATCH:
        spellings = bounds[0].value.replace("(\\.0)?", "").replace("(.0)?", "").strip("()").split("|")
    else:
        return None
    values = {parse_fraction(text.replace("\\.", ".").replace("[.]", ".")) for text in spellings}
    return values.pop() if len(values) == 1 else None


def histogram_of(selector: Selector) -> tuple[str, frozenset[LabelMatcher]] | None:
    """Return the histogram whose events a series counts, by its name and matchers."""
    rest = frozenset(it for it in selector.matchers if it.label != "le")
    if selector.metric.endswith("_count") and len(rest) == len(selector.matchers):
        return selector.metric.removesuffix("_count"), rest
    return (selector.metric.removesuffix("_bucket"), rest) if selector.metric.endswith("_bucket") else None


def duration_text(seconds: Fraction) -> str | None:
    """Write a bound as a duration; None below a millisecond or between two."""
    milliseconds = seconds / _MILLISECONDS
    if seconds <= 0 or milliseconds.denominator != 1:
        return None
    whole, rest = divmod(int(milliseconds), 1000)
    return "".join(([f"{whole}s"] if whole else []) + ([f"{rest}ms"] if rest else []))


def other_side(side: CountedSide) -> CountedSide:
    return CountedSide.GOOD if side is CountedSide.ERROR else CountedSide.ERROR


def _unique(notes: Iterable[Violation]) -> tuple[Violation, ...]:
    return tuple(dict.fromkeys(notes))
