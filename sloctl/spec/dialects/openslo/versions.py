"""Objects of other versions than v1, in the words of v1; every value keeps its place."""

from typing import Final

from sloctl.spec.dialects.translation import list_at, mapping_at, text_at
from sloctl.spec.yaml_nodes import Node, mapping_in

VERSIONS: Final = (
    "openslo/v1",
    "openslo/v1alpha",
    "openslo.com/v1",
    "openslo.com/v2alpha",
    "openslo.com/v2alpha1",
)
# As the operator of OpenSLO calls it.
_OPERATORS_KIND: Final = "Datasource"
# v1alpha counts windows of a unit.
_UNITS: Final = {
    "minute": "m",
    "hour": "h",
    "day": "d",
    "week": "w",
    "month": "M",
    "quarter": "Q",
    "year": "Y",
}


def normalize_object(document: Node) -> Node:
    """Return the object as v1 has it; what is not known stays as it is, to be told as a mistake."""
    kind = document.entries.get("kind")
    if kind is not None and kind.text == _OPERATORS_KIND:
        document = replace_entry(document, "kind", text_at(kind, "DataSource"))
    match document.at("apiVersion").text:
        case "openslo/v1alpha":
            return _from_first_alpha(document) if document.at("kind").text == "SLO" else document
        case "openslo.com/v2alpha" | "openslo.com/v2alpha1":
            return _from_second_alpha(document)
        case _:
            return document


def _from_first_alpha(document: Node) -> Node:
    """Rename `timeWindows`, and make an SLI of `indicator` and of each objective's `ratioMetrics`."""
    spec = document.at("spec")
    if spec is document or not spec.entries:
        return document
    entries = dict(spec.entries)
    keys = dict(spec.keys)
    if "timeWindows" in entries:
        windows = entries.pop("timeWindows")
        keys["timeWindow"] = keys.pop("timeWindows")
        entries["timeWindow"] = list_at(windows, [_window_of_unit(item) for item in windows.items])
    if "indicator" in entries:
        indicator = entries["indicator"]
        metrics = {
            key: _metric(it) if key == "thresholdMetric" else it for key, it in indicator.entries.items()
        }
        entries["indicator"] = _sli(indicator, mapping_at(indicator, metrics, keys=indicator.keys))
    if "objectives" in entries:
        objectives = entries["objectives"]
        entries["objectives"] = list_at(objectives, [_objective(item) for item in objectives.items])
    return replace_entry(document, "spec", mapping_at(spec, entries, keys=keys))


def _window_of_unit(window: Node) -> Node:
    unit, count = window.entries.get("unit"), window.entries.get("count")
    letter = _UNITS.get(unit.text.lower().removesuffix("s")) if unit is not None else None
    if letter is None or count is None:
        return window
    rest = {key: it for key, it in window.entries.items() if key not in {"unit", "count"}}
    return mapping_at(window, {"duration": text_at(count, f"{count.text}{letter}"), **rest}, keys=window.keys)


def _objective(objective: Node) -> Node:
    ratio = objective.entries.get("ratioMetrics") or objective.entries.get("ratioMetric")
    if ratio is None or not ratio.entries:
        return objective
    metrics = {key: _metric(it) for key, it in ratio.entries.items() if key in {"good", "bad", "total"}}
    counter = ratio.entries.get("incremental") or ratio.entries.get("counter")
    rest = {key: it for key, it in ratio.entries.items() if key not in {*metrics, "incremental", "counter"}}
    metric = mapping_at(ratio, {"counter": counter, **metrics, **rest}, keys=ratio.keys)
    spec = mapping_at(ratio, {"ratioMetric": metric})
    others = {
        key: it
        for key, it in objective.entries.items()
        # v1alpha asks for a value, which says nothing beside a ratio.
        if key not in {"ratioMetrics", "ratioMetric", "value"}
    }
    return mapping_at(objective, {**others, "indicator": _sli(ratio, spec)}, keys=objective.keys)


def _metric(metric: Node) -> Node:
    """Put `source` and `query` of v1alpha where v1 has them."""
    if "query" not in metric.entries:
        return metric
    source = {
        "type": metric.entries.get("source"),
        "spec": mapping_at(metric, {"query": metric.at("query")}, keys=metric.keys),
        **{key: it for key, it in metric.entries.items() if key not in {"source", "query", "queryType"}},
    }
    return mapping_at(metric, {"metricSource": mapping_at(metric, source, keys=metric.keys)})


def _sli(place: Node, spec: Node) -> Node:
    return mapping_at(place, {"spec": spec})


def _from_second_alpha(document: Node) -> Node:
    """Rename what v2alpha calls differently: `sli`, `sliRef`, `serviceRef` and the sources of metrics."""
    names = {"sli": "indicator", "sliRef": "indicatorRef", "serviceRef": "service"}
    if document.at("kind").text == "DataSource":
        spec = document.at("spec")
        kinds = [key for key in spec.entries if key not in {"description", "type", "connectionDetails"}]
        if len(kinds) != 1:
            return document
        return replace_entry(document, "spec", mapping_at(spec, {"type": text_at(spec, kinds[0])}))
    if document.items:
        return list_at(document, [_from_second_alpha(item) for item in document.items])
    if not document.entries:
        return document
    if "dataSourceRef" in document.entries or "dataSourceSpec" in document.entries:
        inline = mapping_in(document, "dataSourceSpec")
        source = {
            "metricSourceRef": document.entries.get("dataSourceRef"),
            "type": inline.entries.get("type"),
            "spec": document.entries.get("spec"),
        }
        return mapping_at(document, {"metricSource": mapping_at(document, source, keys=document.keys)})
    entries = {names.get(key, key): _from_second_alpha(it) for key, it in document.entries.items()}
    keys = {names.get(key, key): it for key, it in document.keys.items()}
    return mapping_at(document, entries, keys=keys)


def replace_entry(node: Node, key: str, entry: Node) -> Node:
    """Return *node* with another entry under *key*."""
    return mapping_at(node, {**node.entries, key: entry}, keys=node.keys)
