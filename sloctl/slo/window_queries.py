"""Queries of the user, read for what their counts are: additive over time, perhaps NaN, by which labels.

Each answer is what the text alone proves; where it proves nothing, it is the one that does no harm.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

import promql_parser
from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, MatrixSelector, NumberLiteral, ParenExpr

from sloctl.model import WindowQuery
from sloctl.promql import fill_window

# A range nobody writes stands for $window; so the parser prints it.
_STAND_IN: Final = "104729ms"
_PRINTED_STAND_IN: Final = "[1m44s729ms]"
_SET_OPERATORS: Final = frozenset({"and", "or", "unless"})
_NAN_OPERATORS: Final = frozenset({"/", "%", "^", "atan2"})
_COUNTING_FUNCTIONS: Final = frozenset({"increase", "count_over_time", "sum_over_time"})
_NAN_FUNCTIONS: Final = frozenset(
    {
        "histogram_avg",
        "histogram_fraction",
        "histogram_quantile",
        "histogram_stddev",
        "ln",
        "log10",
        "log2",
        "quantile_over_time",
        "sqrt",
        "stddev_over_time",
        "stdvar_over_time",
    }
)
_LABELLING_FUNCTIONS: Final = frozenset({"label_join", "label_replace"})
# Aggregations that keep whole series.
_CHOOSING_AGGREGATIONS: Final = frozenset({"bottomk", "limit_ratio", "limitk", "topk"})
_RECORDED_RATE: Final = re.compile(
    r":(?:i?rate|ratio|deriv|i?delta|avg)_|:ratio_rate"
    r"|:(?:[a-z0-9]+_)*(?:i?rate|burnrate|per_(?:second|sec|minute|min|hour)|[qrt]ps|ratio|deriv|i?delta|avg|increase"
    r"|quantile|p[0-9]{2})(?:_?[0-9]+[smhdwy])*(?:$|:)"
)


def is_additive(query: WindowQuery) -> bool:
    """Tell whether the count over a long range is by construction the sum of those of its minutes."""
    return _is_additive(_parse(query))


def may_be_nan(query: WindowQuery) -> bool:
    """Tell whether the result can be NaN though no counter is."""

    def divides(node: Expr) -> bool:
        match node:
            case BinaryExpr():
                return str(node.op) in _NAN_OPERATORS and not _is_number(node.rhs)
            case Call():
                return node.func.name in _NAN_FUNCTIONS
            case _:
                return False

    return any(divides(node) for node in _all_nodes(_parse(query)))


def lacks_label(query: WindowQuery, label: str) -> bool:
    """Tell whether the result certainly has no *label*: an aggregation or a match has removed it."""
    return _lacks(_parse(query), label)


def kept_labels(query: WindowQuery) -> tuple[str, ...]:
    """Return the labels that the outermost aggregation keeps by name; none where that is not the form."""
    node = _unwrap(_parse(query))
    while isinstance(node, BinaryExpr):
        node = _unwrap(node.rhs if _is_number(node.lhs) else node.lhs)
    if not isinstance(node, AggregateExpr) or node.modifier is None or not _is_by(node):
        return ()
    return tuple(node.modifier.labels)


def is_recorded_rate(metric: str) -> bool:
    """Tell whether the name of a recorded series says that it is a rate, a ratio or the like, no counter."""
    return ":" in metric and _RECORDED_RATE.search(metric) is not None


def counted_metrics(query: WindowQuery) -> tuple[str, ...]:
    """Return the names of the metrics whose increase the query takes."""
    return tuple(
        node.args[0].vector_selector.name
        for node in _all_nodes(_parse(query))
        if isinstance(node, Call)
        and node.func.name == "increase"
        and isinstance(node.args[0], MatrixSelector)
        and node.args[0].vector_selector.name
    )


def _parse(query: WindowQuery) -> Expr:
    return promql_parser.parse(fill_window(query, _STAND_IN))


def _all_nodes(expression: Expr) -> Iterator[Expr]:
    found: list[Expr] = []
    promql_parser.walk(expression, pre_visit=found.append)
    return iter(found)


def _is_additive(node: Expr) -> bool:
    match node:
        case ParenExpr():
            return _is_additive(node.expr)
        case AggregateExpr():
            return str(node.op) == "sum" and _is_additive(node.expr)
        case Call():
            if node.func.name in _LABELLING_FUNCTIONS:
                return _is_additive(node.args[0])
            return node.func.name in _COUNTING_FUNCTIONS and _reads_window(node.args[0])
        case BinaryExpr():
            return _ADDITIVE_OPERATIONS.get(str(node.op), _never)(node)
        case _:
            return False


def _is_sum(node: BinaryExpr) -> bool:
    return _is_additive(node.lhs) and _is_additive(node.rhs)


def _is_multiple(node: BinaryExpr) -> bool:
    return _is_share(node) or (_is_number(node.lhs) and _is_additive(node.rhs))


def _is_share(node: BinaryExpr) -> bool:
    return _is_additive(node.lhs) and _is_number(node.rhs)


def _defaults_to_zero(node: BinaryExpr) -> bool:
    zero = _unwrap(node.rhs)
    return (
        _is_additive(node.lhs)
        and isinstance(zero, Call)
        and zero.func.name == "vector"
        and _is_number(zero.args[0])
        and float(_unwrap(zero.args[0]).prettify()) == 0
    )


def _never(_: BinaryExpr) -> bool:
    return False


_ADDITIVE_OPERATIONS: Final[dict[str, Callable[[BinaryExpr], bool]]] = {
    "+": _is_sum,
    "-": _is_sum,
    "*": _is_multiple,
    "/": _is_share,
    "or": _defaults_to_zero,
}


def _reads_window(argument: Expr) -> bool:
    # A fixed time (`@`) would count the same stretch in each minute.
    text = argument.prettify()
    return isinstance(argument, MatrixSelector) and _PRINTED_STAND_IN in text and " @ " not in text


def _unwrap(node: Expr) -> Expr:
    while isinstance(node, ParenExpr):
        node = node.expr
    return node


def _is_number(node: Expr) -> bool:
    return isinstance(_unwrap(node), NumberLiteral)


def _is_by(node: AggregateExpr) -> bool:
    return node.modifier is not None and bool(node.modifier.type == promql_parser.AggModifierType.By)


def _lacks(node: Expr, label: str) -> bool:
    match _unwrap(node):
        case promql_parser.UnaryExpr() as negated:
            return _lacks(negated.expr, label)
        case BinaryExpr() as operation:
            return _operation_lacks(operation, label)
        case AggregateExpr() as aggregation:
            return _aggregation_lacks(aggregation, label)
        case Call() as call:
            return _call_lacks(call, label)
        case _:
            return False


def _aggregation_lacks(node: AggregateExpr, label: str) -> bool:
    if str(node.op) == "count_values":
        return False
    if str(node.op) not in _CHOOSING_AGGREGATIONS:
        named = node.modifier is not None and label in node.modifier.labels
        if named != (node.modifier is None or _is_by(node)):
            return True
    return _lacks(node.expr, label)


def _call_lacks(node: Call, label: str) -> bool:
    if node.func.name == "vector":
        return True
    if node.func.name == "absent" or (node.func.name in _LABELLING_FUNCTIONS and label in _texts(node)):
        return False
    vectors = [arg for arg in node.args if not _is_constant(arg)]
    return len(vectors) == 1 and _lacks(vectors[0], label)


def _operation_lacks(node: BinaryExpr, label: str) -> bool:
    operator, modifier = str(node.op), node.modifier
    if operator == "or":
        return _lacks(node.lhs, label) and _lacks(node.rhs, label)
    if operator in _SET_OPERATORS or _is_number(node.rhs):
        return _lacks(node.lhs, label)
    if _is_number(node.lhs):
        return _lacks(node.rhs, label)
    if modifier is None or modifier.matching is None:
        return _lacks(node.lhs, label) or _lacks(node.rhs, label)
    cardinality = promql_parser.VectorMatchCardinality
    if modifier.card != cardinality.OneToOne:
        many = node.lhs if modifier.card == cardinality.ManyToOne else node.rhs
        return label not in (modifier.group_labels or ()) and _lacks(many, label)
    included = modifier.matching.type == promql_parser.LabelModifierType.Include
    return (label in modifier.matching.labels) != included or _lacks(node.lhs, label)


def _is_constant(node: Expr) -> bool:
    return isinstance(_unwrap(node), NumberLiteral | promql_parser.StringLiteral)


def _texts(node: Call) -> list[str]:
    return [arg.val for arg in node.args if isinstance(arg, promql_parser.StringLiteral)]
