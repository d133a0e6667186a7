"""Queries of an SLI → PromQL over `$window`.

OpenSLO says neither under which key a query stands nor over which time it is asked. Whoever wrote it left a
placeholder (`{{.window}}`, `$__rate_interval`), a fixed range (`[5m]`), or nothing around a counter.
"""

import re
from typing import Final

import promql_parser
from msgspec import Struct
from promql_parser import Expr, MatrixSelector, VectorSelector

from sloctl.model import PromQL
from sloctl.problems import ProblemLevel
from sloctl.promql import (
    PromQLError,
    format_selector,
    is_window_range,
    parse_window_query,
    print_selector,
    read_selector,
    rewrite_expression,
)
from sloctl.spec.dialects.openslo.catalogue import OpensloCatalogue
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import join_words, quote_value
from sloctl.spec.yaml_nodes import Node

# How people call what understands PromQL; compared without case, spaces and dashes.
PROMQL_SOURCES: Final = frozenset(
    {
        "prometheus",
        "promql",
        "thanos",
        "cortex",
        "mimir",
        "grafanamimir",
        "victoriametrics",
        "amazonprometheus",
        "amp",
        "googlemanagedprometheus",
        "gmp",
        "grafanacloud",
        "sloth",
    }
)
QUERY_KEYS: Final = ("query", "promql", "expr", "expression", "promQL", "queryString", "metric")
_PLACEHOLDER: Final = re.compile(
    r"\[\s*(?:\{\{-?\s*\.?[wW]indow\s*-?\}\}|\$\{?(?:window|WINDOW|__[a-z_]+)\}?|window)\s*\]"
)
_UNRENDERED: Final = re.compile(r"\{\{|\{%|<%")
# Names by which a series is a counter, whatever else is said of it.
_COUNTER_NAME: Final = re.compile(r".+_(?:total|count|bucket|sum)")

FIXED_RANGE: Final = Violation(
    "openslo-fixed-range",
    "a fixed range stands in this query: the rules ask it over each of their windows instead",
    ProblemLevel.NOTE,
)
RANGE_ADDED: Final = Violation(
    "openslo-range-added",
    "this query has no range: the increase of its counters is counted",
    ProblemLevel.NOTE,
)
UNKNOWN_SOURCE: Final = Violation(
    "openslo-source-unknown",
    "nothing says that this is asked of a Prometheus: give the type of the metricSource, or its DataSource",
    ProblemLevel.NOTE,
)


class RangedQuery(Struct, frozen=True):
    """PromQL over `$window` at its node, and what was understood differently."""

    text: PromQL
    node: Node
    notes: tuple[Violation, ...] = ()


class SourceQuery(Struct, frozen=True):
    """A query as it is written."""

    node: Node
    notes: tuple[Violation, ...] = ()


def find_query(metric: Node, catalogue: OpensloCatalogue, findings: Findings) -> SourceQuery | None:
    """Return the query of a metric, or None after noting that Prometheus cannot be asked it."""
    source = metric.at("metricSource")
    notes: tuple[Violation, ...] = ()
    named = source.entries.get("type")
    if named is None or not named.text:
        reference = source.entries.get("metricSourceRef")
        data_source = catalogue.find("DataSource", reference.text) if reference is not None else None
        named = data_source.at("spec").entries.get("type") if data_source is not None else None
        if named is None:
            notes = (UNKNOWN_SOURCE,)
    if named is not None and re.sub("[ _-]", "", named.text.lower()) not in PROMQL_SOURCES:
        place = source.entries.get("type", source.at("metricSourceRef"))
        message = f"a query of {quote_value(named.text)} cannot be asked of a Prometheus: write it in PromQL"
        findings.add_violation(Violation("openslo-source", message), place)
        return None
    spec = source.at("spec")
    if isinstance(spec.value, str):
        return SourceQuery(spec, notes)
    known = [key for key in QUERY_KEYS if key in spec.entries]
    texts = [key for key in spec.entries if isinstance(spec.entries[key].value, str)]
    key = known[0] if known else texts[0] if len(texts) == 1 else None
    if key is None or not isinstance(spec.entries[key].value, str):
        message = f"the query stands under none of {join_words(QUERY_KEYS)}: name it so"
        findings.add_violation(Violation("openslo-query", message), spec)
        return None
    return SourceQuery(spec.entries[key], notes)


def add_windows(query: SourceQuery, findings: Findings, *, is_counter: bool | None) -> RangedQuery | None:
    """Put `$window` where a query has a placeholder, a fixed range or a bare counter.

    *is_counter* is what the spec says, None where it says nothing. None after noting what is wrong.
    """
    parsed = parse_source_query(query.node, findings)
    if parsed is None:
        return None
    ranges = _RangeReader(is_counter)
    text = rewrite_expression(parsed, ranges.replace_range)
    if isinstance(parsed, VectorSelector):
        # A selector alone is all of its series: OpenSLO knows one number of an SLO.
        text = f"sum({text})"
    if ranges.refused is not None:
        findings.add_violation(ranges.refused, query.node)
        return None
    if "$window" not in text:
        why = "this query has no range and no series in it: write what is counted"
        findings.add_violation(Violation("openslo-no-range", why), query.node)
        return None
    return RangedQuery(text, query.node, (*query.notes, *dict.fromkeys(ranges.notes)))


def parse_source_query(node: Node, findings: Findings) -> Expr | None:
    """Parse a query whose placeholders are ranges; None after noting what is wrong with it."""
    text = _PLACEHOLDER.sub("[$window]", node.text)
    if _UNRENDERED.search(text):
        message = "this is a template that nobody has rendered: render it first and read the result"
        findings.add_violation(Violation("unrendered-template", message), node)
        return None
    try:
        return parse_window_query(text)
    except PromQLError as error:
        findings.add_violation(Violation("promql", str(error)), node)
        return None


class _RangeReader:
    """Replaces the ranges of one query, and remembers why it could not, or what it changed."""

    def __init__(self, is_counter: bool | None) -> None:  # noqa: FBT001 - as the spec has it
        self.notes: list[Violation] = []
        self.refused: Violation | None = None
        self._is_counter = is_counter

    def replace_range(self, node: Expr) -> PromQL | None:
        match node:
            case MatrixSelector() if is_window_range(node):
                return f"{print_selector(node.vector_selector)}[$window]"
            case MatrixSelector():
                self.notes.append(FIXED_RANGE)
                return f"{print_selector(node.vector_selector)}[$window]"
            case promql_parser.SubqueryExpr():
                message = "a subquery looks at its own times: write the range of a selector instead"
                self.refused = Violation("openslo-subquery", message)
            case VectorSelector():
                return self._count_selector(node)
        return None

    def _count_selector(self, node: VectorSelector) -> PromQL | None:
        selector = print_selector(node)
        if not self._is_counter and not _COUNTER_NAME.fullmatch(node.name or ""):
            message = (
                f"{quote_value(selector)} has no range, and nothing says that it is a counter: write "
                "counter: true, or a range, as in increase(events_total[5m])"
            )
            self.refused = Violation("openslo-no-range", message)
            return None
        if not self._is_counter:
            self.notes.append(RANGE_ADDED)
        return f"increase({selector}[$window])"


def selector_text(text: str) -> PromQL | None:
    """Return a query that is a plain selector; None of any other, and of one with a placeholder."""
    try:
        return format_selector(read_selector(text))
    except PromQLError:
        return None


def threshold_query(text: str) -> PromQL | None:
    """Return a query whose ranges are its own, as it is asked once a minute; None with a placeholder."""
    return None if _PLACEHOLDER.search(text) or _UNRENDERED.search(text) else text.strip()
