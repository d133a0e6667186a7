"""The selectors of an SLO, whatever its indicator, with the side that they count for and their nodes."""

from collections.abc import Iterator

import promql_parser
from msgspec import Struct

from sloctl.checks.journey_parts import own_parts
from sloctl.model import (
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    LatencyIndicator,
    NativeLatencyIndicator,
    ProbeIndicator,
    QueryIndicator,
    RatioIndicator,
    Selector,
)
from sloctl.promql import PromQLError, parse_window_query, read_selector
from sloctl.spec.reader import LocatedSlo
from sloctl.spec.yaml_nodes import Node


class SelectedSeries(Struct, frozen=True):
    """A selector; *may_be_absent* where none of its series is a good sign, as of errors."""

    selector: Selector
    node: Node
    may_be_absent: bool


def selected_series(located: LocatedSlo) -> list[SelectedSeries]:
    """Return every selector of an SLO, or of the own parts of a journey, each once."""
    # What total selects too is no error alone.
    counted = (located, *own_parts(located))
    found = sorted(
        (each for one in counted for each in _all_selected(one)), key=lambda each: each.may_be_absent
    )
    first: dict[Selector, SelectedSeries] = {}
    for each in found:
        first.setdefault(each.selector, each)
    return list(first.values())


def _all_selected(located: LocatedSlo) -> Iterator[SelectedSeries]:
    indicator = located.node.at("indicator")
    match located.slo.indicator:
        case RatioIndicator(counted, numerator, total, minus=minus):
            part, whole = indicator.at("ratio", counted.value), indicator.at("ratio", "total")
            yield from _with_nodes(numerator, part, may_be_absent=counted is CountedSide.ERROR)
            yield from _with_nodes(minus, indicator.at("ratio", "minus"), may_be_absent=True)
            yield from _with_nodes(total, whole, may_be_absent=False)
        case LatencyIndicator(histogram):
            count = Selector(f"{histogram.metric}_count", histogram.matchers)
            yield SelectedSeries(count, indicator.at("latency", "histogram"), may_be_absent=False)
        case NativeLatencyIndicator(histogram):
            yield SelectedSeries(histogram, indicator.at("latency", "histogram"), may_be_absent=False)
        case ProbeIndicator(gauge):
            yield SelectedSeries(gauge, indicator.at("probe", "metric"), may_be_absent=False)
        case QueryIndicator(counted, part_query, total_query):
            part, whole = indicator.at("query", counted.value), indicator.at("query", "total")
            yield from _selectors_in(part_query.text, part, may_be_absent=counted is CountedSide.ERROR)
            yield from _selectors_in(total_query.text, whole, may_be_absent=False)
        case ConditionIndicator(good):
            yield from _selectors_in(good, indicator.at("condition", "good"), may_be_absent=False)
        case ErrorRatioIndicator(ratio):
            # Which of its parts are errors is not known.
            yield from _selectors_in(ratio.text, indicator.at("errorRatio"), may_be_absent=True)


def _with_nodes(
    selectors: tuple[Selector, ...], node: Node, *, may_be_absent: bool
) -> Iterator[SelectedSeries]:
    nodes = node.items if len(node.items) == len(selectors) else (node,) * len(selectors)
    for selector, item in zip(selectors, nodes, strict=True):
        yield SelectedSeries(selector, item, may_be_absent)


def _selectors_in(text: str, node: Node, *, may_be_absent: bool) -> Iterator[SelectedSeries]:
    """Find the selectors in PromQL; one that names no metric is left out."""
    found: list[promql_parser.VectorSelector] = []

    def collect_selector(part: promql_parser.Expr) -> None:
        if isinstance(part, promql_parser.MatrixSelector):
            found.append(part.vector_selector)
        elif isinstance(part, promql_parser.VectorSelector):
            found.append(part)

    promql_parser.walk(parse_window_query(text), pre_visit=collect_selector)
    for part in found:
        try:
            # Without an offset or an @, which ask for another time.
            bare = part.prettify().split(" offset ")[0].split(" @ ")[0]
            yield SelectedSeries(read_selector(bare), node, may_be_absent)
        except PromQLError:
            continue
