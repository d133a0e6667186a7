"""A document of kind ServiceLevelObjectives → its SLOs."""

from msgspec import Struct

from sloctl.model import Labels, Slo
from sloctl.slo.lowering import counts_are_events, lower_indicator
from sloctl.spec import checks, fields, labels, values
from sloctl.spec.alerting import read_alerting
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.indicators import read_indicator
from sloctl.spec.messages import quote_value
from sloctl.spec.structure import convert_node
from sloctl.spec.yaml_nodes import Node, mapping_in, merge_nodes


class _ServiceDefaults(Struct, frozen=True):
    """What the objectives of a document share; each node may lie under one of an objective's own."""

    name: str
    scrape_interval: int
    labels: Node
    annotations: Node
    alerting: Node


def read_native_document(document: Node, findings: Findings) -> list[tuple[Slo, Node]]:
    """The SLOs of a document that has no error, each with its node; everything wrong goes to *findings*."""
    errors = findings.error_count
    if foreign := _foreign_kind(document):
        findings.add_violation(foreign, document)
        return []
    conforming, node = convert_node(document, fields.Document, findings)
    if conforming is None:
        return []
    service = _read_service(conforming, node, findings)
    objectives = zip(conforming.spec.slos, node.at("spec", "slos").items, strict=True)
    slos = [(_read_slo(service, spec, item, findings), item) for spec, item in objectives]
    return [(slo, item) for slo, item in slos if slo is not None] if findings.error_count == errors else []


def _foreign_kind(document: Node) -> Violation | None:
    """Another kind of document, rather than one of ours that lacks something."""
    if not isinstance(document.value, dict):
        return None
    header = [document.entries[key].text for key in ("apiVersion", "kind") if key in document.entries]
    if len(header) == 1 or header == [fields.API_VERSION, fields.KIND]:
        return None
    wanted = f"a spec has kind: {fields.KIND} and apiVersion: {fields.API_VERSION}"
    found = f", got {quote_value(header[1])} of {quote_value(header[0])}" if header else ""
    return Violation("foreign-kind", f"{wanted}{found}")


def _read_service(document: fields.Document, node: Node, findings: Findings) -> _ServiceDefaults:
    """What the objectives share; after a finding too, so that they are checked, though not returned."""
    metadata, spec = node.at("metadata"), node.at("spec")
    findings.accept_value(values.parse_name(document.metadata.name, of="a service name"), metadata.at("name"))
    interval = findings.accept_value(
        values.parse_scrape_interval(document.spec.scrape_interval), spec.at("scrapeInterval")
    )
    service_labels, annotations = mapping_in(metadata, "labels"), mapping_in(metadata, "annotations")
    labels.check_series_labels(service_labels, findings)
    labels.check_annotations(annotations, findings)
    alerts = mapping_in(spec, "alerting")
    return _ServiceDefaults(document.metadata.name, interval or 0, service_labels, annotations, alerts)


def _read_slo(
    service: _ServiceDefaults, spec: fields.Objective, node: Node, findings: Findings
) -> Slo | None:
    labels.check_series_labels(mapping_in(node, "labels"), findings)
    labels.check_annotations(mapping_in(node, "annotations"), findings)
    group_by = labels.read_group_by(spec.group_by, node.at("groupBy"), findings)
    merged = _merged(service, node)
    findings.accept_value(values.parse_name(spec.name, of="an SLO name"), node.at("name"))
    objective = findings.accept_value(values.parse_objective(spec.objective), node.at("objective"))
    window = findings.accept_value(values.parse_window(spec.window), node.at("window"))
    events = read_indicator(spec.indicator, node.at("indicator"), findings)
    counted = events is None or counts_are_events(lower_indicator(events))
    longest = (window or values.LONGEST_WINDOW).seconds
    alerts = read_alerting(merged.alerting, window=longest, counted=counted, findings=findings)
    if objective is None or window is None or events is None or alerts is None:
        return None
    slo = Slo(
        service=service.name,
        name=spec.name,
        description=spec.description,
        objective=objective,
        window=window,
        scrape_interval=service.scrape_interval,
        indicator=events,
        group_by=group_by,
        labels=_texts(merged.labels),
        annotations=_texts(merged.annotations),
        alerting=alerts,
    )
    checks.run_checks(slo, checks.SloNodes(node, merged.labels, merged.alerting), findings)
    return slo


def _merged(service: _ServiceDefaults, node: Node) -> _ServiceDefaults:
    return _ServiceDefaults(
        service.name,
        service.scrape_interval,
        merge_nodes(service.labels, mapping_in(node, "labels")),
        merge_nodes(service.annotations, mapping_in(node, "annotations")),
        merge_nodes(service.alerting, mapping_in(node, "alerting")),
    )


def _texts(node: Node) -> Labels:
    return {name: entry.text for name, entry in node.entries.items()}
