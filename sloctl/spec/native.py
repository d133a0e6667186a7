"""A document of kind ServiceLevelObjectives → its SLOs."""

from dataclasses import dataclass

from sloctl.model import Labels, Slo
from sloctl.spec import checks, fields, labels, values
from sloctl.spec.alerting import alerting
from sloctl.spec.document import Node, mapping_in, over
from sloctl.spec.findings import Findings, Refusal
from sloctl.spec.indicators import indicator
from sloctl.spec.structure import conform
from sloctl.spec.words import shown


@dataclass(frozen=True, slots=True)
class _Service:
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
        findings.note(foreign, document.at("kind"))
        return []
    conforming, node = conform(document, fields.Document, findings)
    if conforming is None:
        return []
    service = _service(conforming, node, findings)
    if service is None:
        return []
    objectives = zip(conforming.spec.slos, node.at("spec", "slos").items, strict=True)
    slos = [(_slo(service, spec, item, findings), item) for spec, item in objectives]
    return [(slo, item) for slo, item in slos if slo is not None] if findings.errors == errors else []


def _foreign(document: Node) -> Refusal | None:
    """Another kind of document, rather than one of ours that lacks something."""
    header = [document.entries[key].text for key in ("apiVersion", "kind") if key in document.entries]
    if len(header) < 2 or header == [fields.API_VERSION, fields.KIND]:
        return None
    version, kind = header
    ours = f"kind: {fields.KIND} of apiVersion: {fields.API_VERSION}"
    return Refusal("foreign-kind", f"sloctl reads {ours}, got {shown(kind)} of {shown(version)}")


def _service(document: fields.Document, node: Node, findings: Findings) -> _Service | None:
    metadata, spec = node.at("metadata"), node.at("spec")
    name = findings.accept(values.name(document.metadata.name, of="a service name"), metadata.at("name"))
    scrape_interval = findings.accept(
        values.scrape_interval(document.spec.scrape_interval), spec.at("scrapeInterval")
    )
    service_labels, annotations = mapping_in(metadata, "labels"), mapping_in(metadata, "annotations")
    labels.of_series(service_labels, findings)
    labels.annotations(annotations, findings)
    if name is None or scrape_interval is None:
        return None
    return _Service(name, scrape_interval, service_labels, annotations, mapping_in(spec, "alerting"))


def _slo(service: _Service, spec: fields.Objective, node: Node, findings: Findings) -> Slo | None:
    labels.of_series(mapping_in(node, "labels"), findings)
    labels.annotations(mapping_in(node, "annotations"), findings)
    group_by = labels.group_by(spec.group_by, node.at("groupBy"), findings)
    merged = _merged(service, node)
    name = findings.accept(values.name(spec.name, of="an SLO name"), node.at("name"))
    objective = findings.accept(values.objective(spec.objective), node.at("objective"))
    window = findings.accept(values.window(spec.window), node.at("window"))
    events = indicator(spec.indicator, node.at("indicator"), findings)
    if name is None or objective is None or window is None or events is None:
        return None
    alerts = alerting(merged.alerting, indicator=events, window=window.seconds, findings=findings)
    if alerts is None:
        return None
    slo = Slo(
        service=service.name,
        name=name,
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
