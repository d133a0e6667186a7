"""Presets held against the metrics that they carry as an example.

Selectors are matched as the sidecar matches them, against samples that it parsed.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct, UnsetType

from sloctl.model import (
    CompositeIndicator,
    ConditionIndicator,
    ErrorRatioIndicator,
    Indicator,
    NativeLatencyIndicator,
    ProbeIndicator,
    QueryIndicator,
    Selector,
)
from sloctl.promql import format_selector, list_selectors
from sloctl.sidecar.sources.counting.selector_index import matches_labels
from sloctl.sidecar.sources.scrape.exposition import ExpositionParser
from sloctl.slo.lowering import CounterPair, lower_indicator
from sloctl.spec.findings import Findings
from sloctl.spec.indicators import read_indicator_node
from sloctl.spec.presets import PresetDefinition, expand_preset
from sloctl.spec.yaml_nodes import Node

# Labels that a scrape adds, so that no exporter shows them.
_TARGET_LABELS: Final[Sequence[str]] = ("job", "instance")


class ExampleResult(Struct, frozen=True):
    """What came of one preset: its name, and what is wrong, nothing where all is well."""

    name: str
    failures: tuple[str, ...]


def check_example(preset: PresetDefinition) -> ExampleResult:
    """Fill the preset with its example's parameters, and look each of its selectors up in the metrics."""
    example = preset.example
    if isinstance(example, UnsetType):
        return ExampleResult(preset.name, ("it has no example: add spec.example with its metrics",))
    findings = Findings()
    usage = Node(preset.indicator.path, preset.indicator.line, preset.indicator.column, {})
    expanded = expand_preset(preset, example.parameters, usage, findings)
    indicator = None if expanded is None else read_indicator_node(expanded, findings)
    if indicator is None:
        return ExampleResult(preset.name, tuple(problem.message for problem in findings.problems))
    selectors = dict.fromkeys(select_series(indicator))
    labels = {name: example.parameters[name] for name in _TARGET_LABELS if name in example.parameters}
    parser = ExpositionParser({selector.metric for selector in selectors}, labels)
    try:
        samples = parser.parse_samples(f"{example.metrics.rstrip()}\n")
    except ValueError as wrong:
        return ExampleResult(preset.name, (f"the example's metrics cannot be read: {wrong}",))
    shown = [(sample.series.metric, dict(sample.series.labels)) for sample in samples]
    unmatched = [
        selector
        for selector in selectors
        if not any(metric == selector.metric and matches_labels(selector, them) for metric, them in shown)
    ]
    return ExampleResult(
        preset.name,
        tuple(f"nothing in the example's metrics is {format_selector(it)}" for it in unmatched),
    )


def select_series(indicator: Indicator) -> Iterable[Selector]:
    """Return the selectors that an indicator reads."""
    match lower_indicator(indicator):
        case CounterPair(error=error, minus=minus, total=total):
            return (*error, *minus, *total)
        case NativeLatencyIndicator(histogram):
            return (histogram,)
        case ConditionIndicator(good):
            return list_selectors(good)
        case ProbeIndicator(gauge):
            return (gauge,)
        case QueryIndicator(numerator=part, total=total):
            return (*list_selectors(part.text), *list_selectors(total.text))
        case ErrorRatioIndicator(ratio):
            return list_selectors(ratio.text)
        case CompositeIndicator(parts=parts):
            return [selector for part in parts for selector in select_series(part.indicator)]
