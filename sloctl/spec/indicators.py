"""The fields of an indicator → an Indicator: one function a kind."""

from typing import Final

from msgspec import UnsetType

from sloctl.model import (
    IDENTITY_LABELS,
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    Indicator,
    LatencyIndicator,
    NativeLatencyIndicator,
    ProbeIndicator,
    QueryIndicator,
    RatioIndicator,
    Selector,
)
from sloctl.spec import indicator_fields as fields
from sloctl.spec import values
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import quote_value, suggest_name
from sloctl.spec.presets import PresetCatalog, expand_preset
from sloctl.spec.structure import convert_node
from sloctl.spec.yaml_nodes import Node

_SHIPPED_ONLY: Final = PresetCatalog()


def read_indicator_node(node: Node, findings: Findings) -> Indicator | None:
    """Read an indicator that is no preset, or return None after noting what is wrong with it."""
    conforming, rest = convert_node(node, fields.Indicator, findings)
    if conforming is not None and not isinstance(conforming.time_slice, UnsetType):
        why = "slices stand around what is counted in an SLO, not in a preset: write timeSlice there"
        findings.add_violation(Violation("slice-of-time", why), rest.keys["timeSlice"])
        return None
    if conforming is not None and not isinstance(conforming.composite, UnsetType):
        why = "a preset is what one part of a journey counts: write composite in an SLO"
        findings.add_violation(Violation("journey-part-kind", why), rest.keys["composite"])
        return None
    return None if conforming is None else read_indicator(conforming, rest, findings)


def read_indicator(
    spec: fields.Indicator, node: Node, findings: Findings, *, catalog: PresetCatalog = _SHIPPED_ONLY
) -> Indicator | None:
    """Read an indicator, or return None after noting what is wrong with it."""
    match spec:
        case fields.Indicator(ratio=fields.Ratio() as ratio):
            return _read_ratio(ratio, node.at("ratio"), findings)
        case fields.Indicator(latency=fields.Latency() as latency):
            return _read_latency(latency, node.at("latency"), findings)
        case fields.Indicator(condition=fields.Condition() as condition):
            good = findings.accept_value(values.parse_condition(condition.good), node.at("condition", "good"))
            return None if good is None else ConditionIndicator(good, condition.when_absent)
        case fields.Indicator(probe=fields.Probe(metric=metric)):
            gauge = findings.accept_value(values.parse_selector(metric), node.at("probe", "metric"))
            return None if gauge is None else ProbeIndicator(gauge)
        case fields.Indicator(query=fields.Query() as query):
            return _read_query(query, node.at("query"), findings)
        case fields.Indicator(preset=fields.Preset() as preset):
            return _read_preset(preset, node.at("preset"), catalog, findings)
        case _:
            ratio_query = findings.accept_value(
                values.parse_query(_given_text(spec.error_ratio)), node.at("errorRatio")
            )
            return None if ratio_query is None else ErrorRatioIndicator(ratio_query)


def _read_ratio(spec: fields.Ratio, node: Node, findings: Findings) -> RatioIndicator | None:
    counted = _counted_side(spec.error)
    part = _read_selectors(node.at(counted.value), findings)
    total = _read_selectors(node.at("total"), findings)
    minus: tuple[Selector, ...] | None = ()
    if not isinstance(spec.minus, UnsetType):
        minus = _read_selectors(node.at("minus"), findings)
        if counted is CountedSide.GOOD:
            why = "what is not good is bad, and minus is taken from error alone: name what is good, or error"
            findings.add_violation(Violation("minus-of-good", why), node.keys["minus"])
            return None
    identity = _read_identity(spec.identity_labels, node.at("identityLabels"), findings)
    if part is None or total is None or minus is None:
        return None
    return RatioIndicator(counted, part, total, spec.count_new_series, identity, minus)


def _read_latency(
    spec: fields.Latency, node: Node, findings: Findings
) -> LatencyIndicator | NativeLatencyIndicator | None:
    histogram = findings.accept_value(values.parse_histogram(spec.histogram), node.at("histogram"))
    threshold = findings.accept_value(values.parse_threshold(spec.threshold), node.at("threshold"))
    given = {"countNewSeries": spec.count_new_series, "identityLabels": spec.identity_labels}
    for key in [key for key, value in given.items() if spec.native and not isinstance(value, UnsetType)]:
        why = f"a native histogram is read without counting new series: remove {key}"
        findings.add_violation(Violation("new-series-native", why), node.at(key))
    identity = _read_identity(spec.identity_labels, node.at("identityLabels"), findings)
    if histogram is None or threshold is None:
        return None
    unit = findings.accept_value(values.choose_latency_unit(spec.unit, histogram.metric), node.at("unit"))
    if unit is None:
        return None
    if spec.native:
        return NativeLatencyIndicator(histogram, threshold, unit)
    return LatencyIndicator(histogram, threshold, spec.count_new_series is not False, identity, unit)


def _read_query(spec: fields.Query, node: Node, findings: Findings) -> QueryIndicator | None:
    counted = _counted_side(spec.error)
    part = findings.accept_value(
        values.parse_counting_query(_given_text(spec.error, spec.good)), node.at(counted.value)
    )
    total = findings.accept_value(values.parse_counting_query(spec.total), node.at("total"))
    return None if part is None or total is None else QueryIndicator(counted, part, total)


def _read_preset(
    spec: fields.Preset, node: Node, catalog: PresetCatalog, findings: Findings
) -> Indicator | None:
    preset = catalog.find_preset(spec.name)
    if preset is None:
        hint = suggest_name(spec.name, catalog.list_names())
        violation = Violation("unknown-preset", f"unknown preset {quote_value(spec.name)}{hint}")
        findings.add_violation(violation, node.at("name"))
        return None
    expanded = expand_preset(preset, spec.parameters, node, findings)
    return None if expanded is None else read_indicator_node(expanded, findings)


def _read_selectors(node: Node, findings: Findings) -> tuple[Selector, ...] | None:
    """Read a selector or a list of them."""
    read = [findings.accept_value(values.parse_selector(item.text), item) for item in node.items or (node,)]
    selectors = tuple(selector for selector in read if selector is not None)
    return selectors if len(selectors) == len(read) else None


def _read_identity(names: list[str] | UnsetType, node: Node, findings: Findings) -> tuple[str, ...]:
    """Read the labels that tell processes apart; the default list where there are none."""
    if isinstance(names, UnsetType):
        return IDENTITY_LABELS
    for index, name in enumerate(names):
        findings.accept_value(values.parse_label_name(name), node.at(index))
    return tuple(dict.fromkeys(names))


def _counted_side(error: object) -> CountedSide:
    return CountedSide.GOOD if isinstance(error, UnsetType) else CountedSide.ERROR


def _given_text(*choice: str | UnsetType) -> str:
    """Return the text that is given; the types of the fields have made sure that one is."""
    return next(text for text in choice if isinstance(text, str))
