"""Sums of counted selectors: what most indicators are, whoever wrote them.

`read_sum` reads an expression over `$window` as a sum of rate(), increase() and the like, through guards.
"""

from enum import Enum
from fractions import Fraction
from typing import Final, TypeAlias

import promql_parser
from msgspec import Struct, structs
from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, MatrixSelector, ParenExpr, VectorSelector

from sloctl.model import PromQL
from sloctl.problems import ProblemLevel
from sloctl.promql import (
    PromQLError,
    aggregate_by,
    format_number,
    format_selector,
    is_window_range,
    plain_selector,
    quote_string,
    read_selector,
)
from sloctl.spec.findings import Violation

# Added to keep a divisor from being zero.
_TINY: Final = Fraction(1, 1000)


class Counting(Enum):
    """What a function over `$window` makes of the samples of a series."""

    EVENTS = "increase"
    SAMPLES = "count_over_time"
    VALUES = "sum_over_time"


_FUNCTIONS: Final = {
    "rate": Counting.EVENTS,
    "irate": Counting.EVENTS,
    "increase": Counting.EVENTS,
    "count_over_time": Counting.SAMPLES,
    "sum_over_time": Counting.VALUES,
}

Term: TypeAlias = tuple[Counting, PromQL]


class TermSum(Struct, frozen=True):
    """A sum of counted selectors, less others; *by* is None where each series stands for itself.

    *default* is what stands in where there is no data.
    """

    plus: tuple[Term, ...]
    minus: tuple[Term, ...] = ()
    by: tuple[str, ...] | None = None
    factor: Fraction = Fraction(1)
    per_second: bool = False
    default: Fraction = Fraction(0)
    notes: tuple[Violation, ...] = ()

    def with_note(self, *notes: Violation) -> "TermSum":
        return structs.replace(self, notes=(*self.notes, *notes))


GUARD_DROPPED: Final = Violation(
    "guard-dropped",
    "the guard against missing or zero traffic is left out: where nothing happened there is no sample, and "
    "no error yet is 0",
    ProblemLevel.NOTE,
)
INSTANT_RATE: Final = Violation(
    "instant-rate",
    "irate() looks at the last two samples of the window alone: all of its increase is counted",
    ProblemLevel.WARNING,
)
GROUPS_MERGED: Final = Violation(
    "groups-merged",
    "this has a budget for every series, by labels that it does not name: all of them share one budget now; "
    "to keep them apart write sum by (...)",
    ProblemLevel.WARNING,
)


def read_sum(node: Expr) -> TermSum | None:
    """Read an expression as a sum of counted selectors; None where it is anything else."""
    match node:
        case ParenExpr():
            return read_sum(node.expr)
        case AggregateExpr():
            return _read_aggregation(node)
        case Call() if node.func.name in {"clamp_min", "clamp_max"}:
            inner = read_sum(node.args[0])
            is_guard = node.func.name == "clamp_min" and number_in(node.args[1]) is not None
            return inner.with_note(GUARD_DROPPED) if inner is not None and is_guard else None
        case Call():
            return _read_count(node)
        case BinaryExpr():
            return _read_operation(node)
        case _:
            return None


def _read_aggregation(node: AggregateExpr) -> TermSum | None:
    inner = read_sum(node.expr)
    if str(node.op) != "sum" or inner is None:
        return None
    modifier = node.modifier
    if modifier is None:
        return structs.replace(inner, by=())
    if modifier.type != promql_parser.AggModifierType.By:
        return structs.replace(inner, by=None)
    wanted = tuple(modifier.labels)
    by = wanted if inner.by is None else tuple(label for label in wanted if label in inner.by)
    return structs.replace(inner, by=by)


def _read_count(node: Call) -> TermSum | None:
    """Read rate(), increase() and the like of a selector over `$window`."""
    kind = _FUNCTIONS.get(node.func.name)
    if kind is None or not isinstance(node.args[0], MatrixSelector) or not is_window_range(node.args[0]):
        return None
    selectors = plain_selectors(node.args[0].vector_selector)
    notes = (INSTANT_RATE,) if node.func.name == "irate" else ()
    per_second = node.func.name != "increase" and kind is Counting.EVENTS
    return (
        TermSum(tuple((kind, text) for text in selectors), per_second=per_second, notes=notes)
        if selectors
        else None
    )


def _read_operation(node: BinaryExpr) -> TermSum | None:
    operator = str(node.op)
    match operator:
        case "+" | "-":
            return _read_addition(node, operator)
        case "*" | "/":
            return _read_multiple(node, operator)
        case "or":
            inner = read_sum(node.lhs)
            default = default_value(node.rhs)
            if inner is None or default is None:
                return None
            return structs.replace(inner.with_note(GUARD_DROPPED), default=max(default, inner.default))
        case ">" | "!=" | ">=":
            inner = read_sum(node.lhs)
            filters = node.modifier is None or not node.modifier.return_bool
            return (
                inner.with_note(GUARD_DROPPED)
                if inner is not None and filters and number_in(node.rhs) == 0
                else None
            )
        case "and":
            inner = read_sum(node.lhs)
            other = read_sum(node.rhs)
            return inner.with_note(GUARD_DROPPED) if inner is not None and other is not None else None
        case _:
            return None


def _read_addition(node: BinaryExpr, operator: str) -> TermSum | None:
    left, right = read_sum(node.lhs), read_sum(node.rhs)
    added = number_in(node.rhs)
    if left is not None and added is not None and abs(added) <= _TINY:
        return left.with_note(GUARD_DROPPED) if added else left
    if left is None or right is None:
        return None
    if (left.by, left.factor, left.per_second) != (right.by, right.factor, right.per_second):
        return None
    added_to, taken_from = (right.plus, right.minus) if operator == "+" else (right.minus, right.plus)
    return structs.replace(
        left,
        plus=(*left.plus, *added_to),
        minus=(*left.minus, *taken_from),
        notes=(*left.notes, *right.notes),
    )


def _read_multiple(node: BinaryExpr, operator: str) -> TermSum | None:
    left, factor = read_sum(node.lhs), number_in(node.rhs)
    if left is None and operator == "*":
        left, factor = read_sum(node.rhs), number_in(node.lhs)
    if left is None or factor is None or factor <= 0:
        return None
    return structs.replace(left, factor=left.factor * factor if operator == "*" else left.factor / factor)


def default_value(node: Expr) -> Fraction | None:
    """Return the number that an expression puts where there is no data; None where it is no such constant."""
    zero = Fraction(0)
    match node:
        case ParenExpr() | AggregateExpr():
            return default_value(node.expr)
        case Call() if node.func.name == "vector":
            return number_in(node.args[0])
        case BinaryExpr() if str(node.op) == "*":
            return zero if zero in {number_in(node.lhs), number_in(node.rhs)} else None
        case BinaryExpr() if str(node.op) == "-":
            return zero if node.lhs.prettify() == node.rhs.prettify() else None
        case _:
            return None


def plain_selectors(node: VectorSelector) -> tuple[PromQL, ...]:
    """Return the selectors of one metric each that a selector stands for; none where it is not plain."""
    named = [it for it in node.matchers.matchers if it.name == "__name__"]
    texts: list[str] = []
    if not node.name and len(named) == 1 and named[0].op == promql_parser.MatchOp.Re:
        metrics = named[0].value.removeprefix("^").removesuffix("$").strip("()").split("|")
        rest = [it for it in node.matchers.matchers if it.name != "__name__"]
        texts = [f"{metric}{{{', '.join(map(matcher_text, rest))}}}" for metric in metrics]
    try:
        selectors = [read_selector(text) for text in texts] or [plain_selector(node)]
        return tuple(map(format_selector, selectors))
    except PromQLError:
        return ()


def matcher_text(matcher: promql_parser.Matcher) -> str:
    operators = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
    return f"{matcher.name}{operators[str(matcher.op).rpartition('.')[2]]}{quote_string(matcher.value)}"


def print_sum(side: TermSum) -> PromQL:
    signed = [(term, "+") for term in side.plus] + [(term, "-") for term in side.minus]
    texts = [
        aggregate_by("sum", side.by or (), f"{kind.value}({text}[$window])") for (kind, text), _ in signed
    ]
    joined = texts[0] + "".join(
        f" {sign} {text}" for text, (_, sign) in zip(texts[1:], signed[1:], strict=True)
    )
    return joined if side.factor == 1 else f"({joined}) * {format_number(side.factor)}"


def parse_fraction(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None


def number_in(node: Expr) -> Fraction | None:
    while isinstance(node, ParenExpr):
        node = node.expr
    return parse_fraction(node.prettify()) if isinstance(node, promql_parser.NumberLiteral) else None
