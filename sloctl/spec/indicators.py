"""The fields of an indicator → an Indicator: one function a kind."""

from msgspec import UnsetType

from sloctl.model import (
    Condition,
    Counted,
    ErrorRatio,
    Indicator,
    Latency,
    NativeLatency,
    Probe,
    Query,
    Ratio,
    Selector,
)
from sloctl.spec import indicator_fields as fields
from sloctl.spec import presets, values
from sloctl.spec.document import Node
from sloctl.spec.findings import Findings, Refusal
from sloctl.spec.words import listed, shown, suggestion


def indicator(spec: fields.Indicator, node: Node, findings: Findings) -> Indicator | None:
    """The indicator, or None after noting what is wrong with it."""
    match spec:
        case fields.Indicator(ratio=fields.Ratio() as ratio):
            return _ratio(ratio, node.at("ratio"), findings)
        case fields.Indicator(latency=fields.Latency() as latency):
            return _latency(latency, node.at("latency"), findings)
        case fields.Indicator(condition=fields.Condition() as condition):
            good = findings.accept(values.condition(condition.good), node.at("condition", "good"))
            return None if good is None else Condition(good, condition.when_absent)
        case fields.Indicator(probe=fields.Probe(metric=metric)):
            gauge = findings.accept(values.selector(metric), node.at("probe", "metric"))
            return None if gauge is None else Probe(gauge)
        case fields.Indicator(query=fields.Query() as query):
            return _query(query, node.at("query"), findings)
        case fields.Indicator(preset=fields.Preset() as preset):
            return _preset(preset, node.at("preset"), findings)
        case _:
            ratio_query = findings.accept(values.query(_given(spec.error_ratio)), node.at("errorRatio"))
            return None if ratio_query is None else ErrorRatio(ratio_query)


def _ratio(spec: fields.Ratio, node: Node, findings: Findings) -> Ratio | None:
    counted = _counted(spec.error)
    part = _selectors(node.at(counted.value), findings)
    total = _selectors(node.at("total"), findings)
    return None if part is None or total is None else Ratio(counted, part, total, spec.newborn)


def _latency(spec: fields.Latency, node: Node, findings: Findings) -> Latency | NativeLatency | None:
    histogram = findings.accept(values.histogram(spec.histogram), node.at("histogram"))
    threshold = findings.accept(values.threshold(spec.threshold), node.at("threshold"))
    if spec.native and not isinstance(spec.newborn, UnsetType):
        why = "a native histogram is read without a newborn term: remove newborn"
        findings.note(Refusal("newborn-native", why), node.at("newborn"))
    if histogram is None or threshold is None:
        return None
    if spec.native:
        return NativeLatency(histogram, threshold)
    return Latency(histogram, threshold, newborn=spec.newborn is not False)


def _query(spec: fields.Query, node: Node, findings: Findings) -> Query | None:
    counted = _counted(spec.error)
    part = findings.accept(values.counting_query(_given(spec.error, spec.good)), node.at(counted.value))
    total = findings.accept(values.counting_query(spec.total), node.at("total"))
    return None if part is None or total is None else Query(counted, part, total)


def _preset(spec: fields.Preset, node: Node, findings: Findings) -> Indicator | None:
    preset = presets.PRESETS.get(spec.name)
    if preset is None:
        hint = suggestion(spec.name, presets.PRESETS)
        findings.accept(
            Refusal("unknown-preset", f"unknown preset {shown(spec.name)}{hint}"), node.at("name")
        )
        return None
    needed = presets.parameters(preset)
    unknown = [name for name in spec.parameters if name not in needed]
    missing = [name for name in needed if name not in spec.parameters]
    takes = f"{spec.name} takes {listed(needed, last='and')}"
    for name in unknown:
        refusal = Refusal("preset-parameter", f"unknown parameter {shown(name)}: {takes}")
        findings.note(refusal, node.at("with").keys[name])
    for name in missing:
        findings.accept(
            Refusal("preset-parameter", f"the parameter {name} is missing: {takes}"), node.at("with")
        )
    if unknown or missing:
        return None
    built = presets.built(preset, spec.parameters)
    if isinstance(built, Refusal):
        findings.note(built, node.at("with", presets.THRESHOLD))
        return None
    return built


def _selectors(node: Node, findings: Findings) -> tuple[Selector, ...] | None:
    """Of a selector or a list of them."""
    read = [findings.accept(values.selector(item.text), item) for item in node.items or (node,)]
    selectors = tuple(selector for selector in read if selector is not None)
    return selectors if len(selectors) == len(read) else None


def _counted(error: object) -> Counted:
    return Counted.GOOD if isinstance(error, UnsetType) else Counted.ERROR


def _given(*choice: str | UnsetType) -> str:
    """The one that is given: the fields have made sure that one is."""
    return next(text for text in choice if isinstance(text, str))
