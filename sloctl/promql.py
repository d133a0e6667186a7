"""PromQL: reading the expressions of users, and building those of the rules and dashboards.

User text enters a rule only as a parsed selector or as an expression that the parser printed
again, so that no value can end a string, a brace or a line of ours. No other module edits PromQL as text.
"""

import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from typing import Final

import promql_parser
from promql_parser import BinaryExpr, Expr, ParenExpr, VectorSelector

from sloctl.duration import format_duration
from sloctl.model import LabelMatcher, Labels, MatchOp, PromQL, Selector, WindowQuery

# The parser is super-linear in nesting and in chained operators, and overflows its stack far above this.
MAX_LENGTH: Final = 4096
MAX_OPERATORS: Final = 250
MAX_DEPTH: Final = 50

# A range nobody writes: it stands for $window while the parser reads, and is found again in what it prints.
_WINDOW_STAND_IN: Final = "104729ms"
_PRINTED_STAND_IN: Final = "1m44s729ms"
_STAND_IN_SECONDS: Final = 104.729
_STRING_OR_COMMENT: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`|#[^\n]*', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\.")
_WINDOW_RANGE: Final = re.compile(r"(?<=\[)\s*\$window\s*(?=[\]:])")
_OPERATOR: Final = re.compile(r"[-+*/%^=<>!@]|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_COMPARISONS: Final = frozenset({"==", "!=", ">", "<", ">=", "<="})
_RATE_FUNCTIONS: Final = frozenset({"rate", "irate"})

# What Prometheus 2 reads; other names need quoting that only Prometheus 3 knows.
METRIC_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

_WINDOW_IS_A_RANGE: Final = (
    "$window stands for a range and nothing else, as in increase(errors_total[$window])"
)
_ESCAPES: Final = str.maketrans(
    {"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
    | {chr(code): rf"\x{code:02x}" for code in (*range(0x20), 0x7F) if chr(code) not in "\n\r\t"}
)
_MATCH_OPS: Final = (
    (promql_parser.MatchOp.Equal, MatchOp.EQUAL),
    (promql_parser.MatchOp.NotEqual, MatchOp.NOT_EQUAL),
    (promql_parser.MatchOp.Re, MatchOp.MATCH),
    (promql_parser.MatchOp.NotRe, MatchOp.NOT_MATCH),
)


class PromQLError(ValueError):
    """A user's PromQL that cannot be used; the message is a sentence that says why."""


def read_selector(text: str) -> Selector:
    """Read an instant selector of one metric, such as `http_requests_total{job="api"}`.

    Raises PromQLError for any other expression, and for what Prometheus 2 would not read.
    """
    selector, is_moved = read_moved_selector(text)
    if is_moved:
        raise PromQLError("a selector has no offset and no @ here: sloctl sets the time it reads")
    return selector


def plain_selector(parsed: VectorSelector) -> Selector:
    """Convert a parsed selector; raises PromQLError for the same as `read_selector`."""
    if parsed.offset is not None or parsed.at is not None or parsed.matchers.or_matchers:
        raise PromQLError("a selector has a time of its own, or an `or`")
    return _convert_selector(parsed)


def read_moved_selector(text: str) -> tuple[Selector, bool]:
    """Read a selector without its offset and @, and tell whether it has one; raises PromQLError."""
    expression = _parse_expression(text)
    if not isinstance(expression, VectorSelector):
        raise PromQLError(
            'a plain selector like metric{label="value"} stands here, '
            f"got {_shorten_expression(expression)}: write the selector alone, without a function or a range"
        )
    if expression.matchers.or_matchers:
        raise PromQLError("`or` between braces is not Prometheus: give a list of selectors")
    return _convert_selector(expression), expression.offset is not None or expression.at is not None


def read_query(text: str) -> WindowQuery:
    """Read PromQL with `$window` as its range that gives an instant vector; raises PromQLError."""
    bare = _strip_strings(text)
    ranges = len(_WINDOW_RANGE.findall(bare))
    if ranges == 0:
        raise PromQLError("the range of a query is written $window, as in increase(errors_total[$window])")
    if ranges != bare.count("$window"):
        raise PromQLError(_WINDOW_IS_A_RANGE)
    printed = _print_vector(_WINDOW_RANGE.sub(_WINDOW_STAND_IN, text))
    if printed.count(_PRINTED_STAND_IN) != ranges or "$window" in printed:
        raise PromQLError(_WINDOW_IS_A_RANGE)
    return WindowQuery(printed.replace(_PRINTED_STAND_IN, "$window"))


def fill_window(query: WindowQuery, window: str) -> PromQL:
    """Put a range such as `5m` in the place of every `$window`."""
    return query.text.replace("$window", window)


@lru_cache(maxsize=1024)  # a query is read once to check it, and once for what it counts
def parse_window_query(text: str) -> Expr:
    """Parse PromQL that may have `$window` as a range; raises PromQLError.

    In the parsed tree the window is a range that `is_window_range` knows.
    """
    if _PRINTED_STAND_IN in text or _WINDOW_STAND_IN in text:
        raise PromQLError(f"a range of {_PRINTED_STAND_IN} cannot be read")
    replaced = _WINDOW_RANGE.sub(_WINDOW_STAND_IN, text)
    if "$window" in replaced and "$window" in _strip_strings(replaced):
        raise PromQLError(_WINDOW_IS_A_RANGE)
    return _parse_expression(replaced)


def is_window_range(node: promql_parser.MatrixSelector | promql_parser.SubqueryExpr) -> bool:
    """Return whether the range of a parsed selector or subquery is `$window`."""
    return node.range is not None and node.range.total_seconds() == _STAND_IN_SECONDS


def rewrite_expression(node: Expr, replace: Callable[[Expr], PromQL | None]) -> PromQL:
    """Print a parsed expression with some of its parts replaced: those of which *replace* returns a text."""
    replaced = replace(node)
    if replaced is not None:
        return replaced
    match node:
        case ParenExpr():
            return f"({rewrite_expression(node.expr, replace)})"
        case promql_parser.UnaryExpr():
            return f"-{rewrite_expression(node.expr, replace)}"
        case BinaryExpr(modifier=modifier):
            matching = f" {modifier}".rstrip() if modifier is not None else ""
            left, right = (rewrite_expression(side, replace) for side in (node.lhs, node.rhs))
            return f"{left} {node.op}{matching} {right}"
        case promql_parser.AggregateExpr(modifier=modifier, param=param):
            grouping = f" {modifier} " if modifier is not None else ""
            parameter = f"{param.prettify()}, " if param is not None else ""
            return f"{node.op}{grouping}({parameter}{rewrite_expression(node.expr, replace)})"
        case promql_parser.Call():
            arguments = ", ".join(rewrite_expression(argument, replace) for argument in node.args)
            return f"{node.func.name}({arguments})"
        case _:
            printed: str = node.prettify()
            return printed.replace(_PRINTED_STAND_IN, "$window")


def list_selectors(text: PromQL) -> tuple[Selector, ...]:
    """Return every selector in a query, in order; raises PromQLError for one that names no metric."""
    found: list[Selector] = []

    def collect_selector(node: Expr) -> PromQL | None:
        match node:
            case VectorSelector():
                found.append(_convert_selector(node))
            case promql_parser.MatrixSelector(vector_selector=inner):
                found.append(_convert_selector(inner))
            case promql_parser.SubqueryExpr(expr=inner):
                rewrite_expression(inner, collect_selector)
        return None

    rewrite_expression(parse_window_query(text), collect_selector)
    return tuple(found)


def print_selector(node: VectorSelector) -> PromQL:
    """Print a parsed selector with its matchers in the order in which they are written, where it is plain."""
    try:
        return format_selector(plain_selector(node))
    except PromQLError:
        return str(node.prettify())


def calls_rate(query: WindowQuery) -> bool:
    """Return whether a per-second function is called, so that the result is no count of events."""
    return any(call.func.name in _RATE_FUNCTIONS for call in _function_calls(query))


def calls_only_increase(query: WindowQuery) -> bool:
    """Return whether every `$window` is the range of an increase() of a selector, which needs few samples."""
    increases = [
        call
        for call in _function_calls(query)
        if call.func.name == "increase"
        and isinstance(call.args[0], promql_parser.MatrixSelector)
        and call.args[0].prettify().endswith(f"[{_PRINTED_STAND_IN}]")
    ]
    return len(increases) == query.text.count("$window")


def read_condition(text: str) -> PromQL:
    """Read a comparison, rewritten to give 1 where it holds and 0 where it does not; raises PromQLError.

    Where a side is NaN, at any depth, there is no answer: NaN compares as false, which would be a 0.
    """
    comparison = _parse_expression(text)
    while isinstance(comparison, ParenExpr):
        comparison = comparison.expr
    if not isinstance(comparison, BinaryExpr) or str(comparison.op) not in _COMPARISONS:
        raise PromQLError(
            "a condition is a comparison, like time() - last_success_seconds < 900 "
            f"(several: (a < bool 1) * (b < bool 2) == 1), got {_shorten_expression(comparison)}"
        )
    modifier = comparison.modifier
    if modifier is not None and modifier.return_bool:
        return _print_vector(_answer(comparison))
    if modifier is not None and modifier.matching is not None:
        raise PromQLError(
            f"write bool behind the comparison when it matches on labels: {comparison.op} bool on (...)"
        )
    return _print_vector(_compare(comparison, f"{comparison.op} bool"))


def format_number(number: Fraction | int | float) -> str:
    """Print the shortest decimal that reads back as the double nearest to *number*: `0.0072`, `14.4`."""
    return repr(float(number)).removesuffix(".0")


def quote_string(value: str, *, also_escape: str = "") -> PromQL:
    """Quote *value* as a PromQL string, whatever it holds; characters in *also_escape* are written in hex."""
    quoted = value.translate(_ESCAPES)
    for char in also_escape:
        quoted = quoted.replace(char, rf"\x{ord(char):02x}")
    return f'"{quoted}"'


def format_selector(series: Selector) -> PromQL:
    """Write a selector as Prometheus does: `metric{label="value"}`."""
    matchers = [_matcher(it.label, it.op.value, it.value, "") for it in series.matchers]
    return join_matchers(series.metric, *matchers)


def metric_selector(metric: str, labels: Labels) -> PromQL:
    """Select *metric* with exactly these label values."""
    return join_matchers(metric, format_matchers(labels))


def format_matchers(labels: Labels, operator: str = "=", *, also_escape: str = "") -> PromQL:
    """Write conditions on labels as they stand between braces; *also_escape* as of `quote_string`."""
    return ", ".join([_matcher(label, operator, value, also_escape) for label, value in labels.items()])


def join_matchers(metric: str, *matchers: PromQL) -> PromQL:
    """Select *metric* with all of *matchers*, each as `format_matchers` writes them, or empty."""
    joined = ", ".join([part for part in matchers if part])
    return f"{metric}{{{joined}}}" if joined else metric


def range_selector(expression: PromQL, seconds: int) -> PromQL:
    """Select the samples of the last *seconds*."""
    return f"{expression}[{format_duration(seconds)}]"


def last_range(expression: PromQL, seconds: int, *, resolution: int = 0) -> PromQL:
    """Select the last *seconds* of samples that were written at another phase than the reader's.

    A millisecond less, so that a sample on either edge counts once: Prometheus 2 closes ranges on both sides.
    With a *resolution* (seconds) it is a subquery.
    """
    subquery = f":{format_duration(resolution)}" if resolution else ""
    return f"{expression}[{format_duration(seconds - 1)}999ms{subquery}]"


def join_operands(parts: Iterable[str], operator: str) -> PromQL:
    """Join operands one a line, so that a person can read them."""
    return f"\n{operator} ".join(parts)


def aggregate_by(operator: str, by: Iterable[str], expression: PromQL) -> PromQL:
    """Write `sum by (a, b) (…)`, or `sum(…)` over everything where *by* is empty."""
    labels = ", ".join(by)
    return f"{operator} by ({labels}) ({expression})" if labels else f"{operator}({expression})"


def wrap_lines(expression: PromQL, width: int) -> PromQL:
    """Break lines wider than *width* between words; a string stays whole.

    A word that is wider by itself ends the breaking of its line.
    """
    lines: list[str] = []
    for line in expression.split("\n"):
        if len(line) <= width:
            lines.append(line)
        else:
            lines += _wrap_line(line, width)
    return "\n".join(lines)


@lru_cache(maxsize=1024)  # the same few of an SLO in each of its hundred queries
def _matcher(label: str, operator: str, value: str, also_escape: str) -> PromQL:
    return f"{label}{operator}{quote_string(value, also_escape=also_escape)}"


def _wrap_line(line: str, width: int) -> list[str]:
    """Break one line outside of its strings; what follows the first part is indented by two more."""
    # As long as the line, and every quote in it begins or ends a string.
    quotes = _ESCAPED.sub("__", line) if "\\" in line else line
    parts = []
    start, indent = 0, ""
    while len(indent) + len(line) - start > width:
        place = start + width - len(indent)
        while (place := line.rfind(" ", start, place)) > start and quotes.count('"', start, place) % 2:
            pass
        if place <= start or not line[start:place].strip(" "):
            break
        parts.append(f"{indent}{line[start:place]}")
        start, indent = place + 1, " " * (len(line) - len(line.lstrip(" ")) + 2)
    parts.append(f"{indent}{line[start:]}")
    return parts


def _parse_expression(text: str) -> Expr:
    """Parse *text*, unless it is larger than the parser takes; raises PromQLError."""
    if len(text) > MAX_LENGTH:
        raise PromQLError(f"an expression has at most {MAX_LENGTH} characters, got {len(text)}")
    bare = _strip_strings(text)
    if len(_OPERATOR.findall(bare)) > MAX_OPERATORS:
        raise PromQLError(f"an expression has at most {MAX_OPERATORS} operators")
    deepest = max(accumulate((char in "([{") - (char in ")]}") for char in f" {bare}"))
    if deepest > MAX_DEPTH:
        raise PromQLError(f"an expression nests at most {MAX_DEPTH} deep, got {deepest}")
    try:
        return promql_parser.parse(text)
    except ValueError as error:
        hint = "; write strings in double quotes and double their backslashes" if "`" in text else ""
        raise PromQLError(f"not PromQL: {error}{hint}") from error


def _print_vector(text: str) -> PromQL:
    """Print an instant vector as the parser does, fit for every place of a larger expression."""
    printed: str = _parse_expression(text).prettify()
    try:
        promql_parser.parse(f"sum({printed})")
    except ValueError as error:
        raise PromQLError(f"this must give an instant vector: {error}") from error
    if _CONTROL.search(printed):
        raise PromQLError("a string holds a control character")
    return printed


def _strip_strings(text: str) -> str:
    """Return *text* with its strings emptied and its comments gone."""
    return _STRING_OR_COMMENT.sub(lambda token: "" if token[0].startswith("#") else '""', text)


def _function_calls(query: WindowQuery) -> list[promql_parser.Call]:
    calls: list[promql_parser.Call] = []

    def collect_call(node: Expr) -> None:
        if isinstance(node, promql_parser.Call):
            calls.append(node)

    promql_parser.walk(promql_parser.parse(fill_window(query, _WINDOW_STAND_IN)), pre_visit=collect_call)
    return calls


def _answer(node: Expr) -> str:
    """Print an expression whose comparisons with `bool` have no answer where a side is NaN."""
    match node:
        case ParenExpr():
            return f"({_answer(node.expr)})"
        case promql_parser.UnaryExpr():
            return f"-{_answer(node.expr)}"
        case BinaryExpr(modifier=modifier):
            if modifier is not None and modifier.return_bool:
                return _compare(node, f"{node.op} {modifier}")
            matching = f" {modifier}" if modifier is not None else ""
            return f"{_answer(node.lhs)} {node.op}{matching} {_answer(node.rhs)}"
        case promql_parser.AggregateExpr(modifier=modifier, param=param):
            grouping = f" {modifier} " if modifier is not None else ""
            parameter = f"{param.prettify()}, " if param is not None else ""
            return f"{node.op}{grouping}({parameter}{_answer(node.expr)})"
        case promql_parser.Call():
            return f"{node.func.name}({', '.join(map(_answer, node.args))})"
        case _:
            # Not str(), which leaves the quotes inside of strings as they are.
            return str(node.prettify())


def _compare(comparison: BinaryExpr, operator: str) -> str:
    sides = (comparison.lhs, comparison.rhs)
    printed = [f"({_answer(side)})" for side in sides]
    are_scalars = [_is_scalar(text) for text in printed]
    if all(are_scalars):
        return f"{printed[0]} {operator} {printed[1]}"
    left, right = (
        text if is_scalar else f"({text} >= -Inf)"
        for text, is_scalar in zip(printed, are_scalars, strict=True)
    )
    answered = f"{left} {operator} {right}"
    for side, text, is_scalar in zip(sides, printed, are_scalars, strict=True):
        # A scalar cannot be filtered itself.
        if is_scalar and _may_be_nan(side):
            answered = f"({answered}) and on () (vector{text} >= -Inf)"
    return answered


def _is_scalar(text: str) -> bool:
    try:
        promql_parser.parse(f"vector({text})")
    except ValueError:
        return False
    return True


def _may_be_nan(scalar: Expr) -> bool:
    """Return False of numbers and time alone."""
    return any(name in str(scalar) for name in ("scalar(", "/", "%", "^"))


def _shorten_expression(expression: Expr) -> str:
    printed = " ".join(expression.prettify().split())
    return printed if len(printed) <= 60 else f"{printed[:57]}..."


def _convert_selector(parsed: VectorSelector) -> Selector:
    """Convert a selector, whose metric may stand in the braces; raises PromQLError for names in UTF-8."""
    metric, matchers = parsed.name or "", []
    for matcher in parsed.matchers.matchers:
        # The parser's own operators can be compared but not hashed.
        op = next(ours for theirs, ours in _MATCH_OPS if theirs == matcher.op)
        if matcher.name != "__name__":
            matchers.append(LabelMatcher(matcher.name, op, matcher.value))
        elif op is MatchOp.EQUAL:
            metric = metric or matcher.value
    if not metric:
        raise PromQLError("a selector names its metric; for several metrics give a list of selectors")
    if not METRIC_NAME.fullmatch(metric):
        raise PromQLError(f"Prometheus 2 cannot read the metric name {metric!r}")
    for each in matchers:
        if not LABEL_NAME.fullmatch(each.label):
            raise PromQLError(f"Prometheus 2 cannot read the label name {each.label!r}")
    return Selector(metric, tuple(matchers))
