"""A document of kind ServiceLevelObjectives → its SLOs."""

from msgspec import Struct

from sloctl.lower import counts_are_events, lower
from sloctl.model import Labels, Slo
from sloctl.spec import checks, fields, labels, values
from sloctl.spec.alerting import alerting
from sloctl.spec.document import Node, mapping_in, over
from sloctl.spec.findings import Findings, Refusal
from sloctl.spec.indicators import indicator
from sloctl.spec.structure import conform
from sloctl.spec.words import shown


class _Service(Struct, frozen=True):
    """What the objectives of a document share; each node may lie under one of an objective's own."""

    name: str
    scrape_interval: int
    labels: Node
    annotations: Node
    alerting: Node


def read_native(document: Node, findings: Findings) -> list[tuple[Slo, Node]]:
    """The SLOs of a document that has no error, each with its node; everything wrong goes to *findings*."""
    errors = findings.errors
    if foreign := _foreign(document):
        findings.note(foreign, document)
        return []
    conforming, node = conform(document, fields.Document, findings)
    if conforming is None:
        return []
    service = _service(conforming, node, findings)
    objectives = zip(conforming.spec.slos, node.at("spec", "slos").items, strict=True)
    slos = [(_slo(service, spec, item, findings), item) for spec, item in objectives]
    return [(slo, item) for slo, item in slos if slo is not None] if findings.errors == errors else []


def _foreign(document: Node) -> Refusal | None:
    """Another kind of document, rather than one of ours that lacks something."""
    if not isinstance(document.value, dict):
        return None
    header = [document.entries[key].text for key in ("apiVersion", "kind") if key in document.entries]
    if len(header) == 1 or header == [fields.API_VERSION, fields.KIND]:
        return None
    wanted = f"a spec has kind: {fields.KIND} and apiVersion: {fields.API_VERSION}"
    found = f", got {shown(header[1])} of {shown(header[0])}" if header else ""
    return Refusal("foreign-kind", f"{wanted}{found}")


def _service(document: fields.Document, node: Node, findings: Findings) -> _Service:
    """What the objectives share; after a finding too, so that they are checked, though not returned."""
    metadata, spec = node.at("metadata"), node.at("spec")
    findings.accept(values.name(document.metadata.name, of="a service name"), metadata.at("name"))
    interval = findings.accept(
        values.scrape_interval(document.spec.scrape_interval), spec.at("scrapeInterval")
    )
    service_labels, annotations = mapping_in(metadata, "labels"), mapping_in(metadata, "annotations")
    labels.of_series(service_labels, findings)
    labels.annotations(annotations, findings)
    alerts = mapping_in(spec, "alerting")
    return _Service(document.metadata.name, interval or 0, service_labels, annotations, alerts)


def _slo(service: _Service, spec: fields.Objective, node: Node, findings: Findings) -> Slo | None:
    labels.of_series(mapping_in(node, "labels"), findings)
    labels.annotations(mapping_in(node, "annotations"), findings)
    group_by = labels.group_by(spec.group_by, node.at("groupBy"), findings)
    merged = _merged(service, node)
    findings.accept(values.name(spec.name, of="an SLO name"), node.at("name"))
    objective = findings.accept(values.objective(spec.objective), node.at("objective"))
    window = findings.accept(values.window(spec.window), node.at("window"))
    events = indicator(spec.indicator, node.at("indicator"), findings)
    counted = events is None or counts_are_events(lower(events))
    longest = (window or values.LONGEST_WINDOW).seconds
    alerts = alerting(merged.alerting, window=longest, counted=counted, findings=findings)
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
    checks.check(slo, checks.Nodes(node, merged.labels, merged.alerting), findings)
    return slo


def _merged(service: _Service, node: Node) -> _Service:
    return _Service(
        service.name,
        service.scrape_interval,
        over(service.labels, mapping_in(node, "labels")),
        over(service.annotations, mapping_in(node, "annotations")),
        over(service.alerting, mapping_in(node, "alerting")),
    )


def _texts(node: Node) -> Labels:
    return {name: entry.text for name, entry in node.entries.items()}
