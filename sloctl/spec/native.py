"""A document of kind ServiceLevelObjectives → its SLOs."""

from typing import Final

from msgspec import Struct, UnsetType

from sloctl.model import Indicator, Slo
from sloctl.naming import NATIVE_STYLE, LabelStyle
from sloctl.slo.lowering import counts_are_events, lower_indicator
from sloctl.spec import checks, fields, labels, values
from sloctl.spec.active_hours import read_active_hours
from sloctl.spec.alerting import check_alert_templates, read_alerting
from sloctl.spec.defaults import lay_over_spec, own_part
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.indicators import read_indicator
from sloctl.spec.journeys import read_composite
from sloctl.spec.messages import quote_value
from sloctl.spec.objectives import expand_objectives, read_window
from sloctl.spec.presets import PresetCatalog
from sloctl.spec.structure import convert_node
from sloctl.spec.time_slices import SlicedObjective, split_time_slice
from sloctl.spec.yaml_nodes import Node, mapping_in, merge_nodes

_SHIPPED_PRESETS: Final = PresetCatalog()


class _Allowed(Struct, frozen=True):
    """What a document may name: names of this style, and these presets."""

    style: LabelStyle
    presets: PresetCatalog


class _ServiceDefaults(Struct, frozen=True):
    """What the objectives of a document share; an objective's own nodes are laid over these."""

    name: str
    allowed: _Allowed
    scrape_interval: int
    spec: Node
    labels: Node
    annotations: Node
    alerting: Node


def read_native_document(
    document: Node,
    findings: Findings,
    *,
    style: LabelStyle = NATIVE_STYLE,
    presets: PresetCatalog = _SHIPPED_PRESETS,
) -> list[tuple[Slo, Node]]:
    """Read the SLOs of a document without errors, each with its node, laid over what `spec` says of all.

    Problems go to *findings*. *style* decides which names are allowed, and *presets* may be named.
    """
    errors = findings.error_count
    if foreign := _foreign_kind(document):
        findings.add_violation(foreign, document)
        return []
    conforming, node = convert_node(lay_over_spec(document), fields.Document, findings)
    if conforming is None:
        return []
    service = _read_service(conforming, node, _Allowed(style, presets), findings)
    objectives = [
        single
        for written, item in zip(conforming.spec.slos, node.at("spec", "slos").items, strict=True)
        for single in expand_objectives(written, item)
    ]
    sliced = [split_time_slice(each.fields, each.node, findings) for each in objectives]
    slos = [(_read_slo(service, each, findings), each.node) for each in sliced]
    return [(slo, item) for slo, item in slos if slo is not None] if findings.error_count == errors else []


def _foreign_kind(document: Node) -> Violation | None:
    """Return the violation of a document of another kind, rather than of ours with something missing."""
    if not isinstance(document.value, dict):
        return None
    header = [document.entries[key].text for key in ("apiVersion", "kind") if key in document.entries]
    if len(header) == 1 or header == [fields.API_VERSION, fields.KIND]:
        return None
    wanted = f"a spec has kind: {fields.KIND} and apiVersion: {fields.API_VERSION}"
    found = f", got {quote_value(header[1])} of {quote_value(header[0])}" if header else ""
    return Violation("foreign-kind", f"{wanted}{found}")


def _read_service(
    document: fields.Document, node: Node, allowed: _Allowed, findings: Findings
) -> _ServiceDefaults:
    """Read what the objectives share; with problems too, so that the objectives are checked as well."""
    metadata, spec = node.at("metadata"), node.at("spec")
    findings.accept_value(
        values.parse_name(document.metadata.name, of="a service name", style=allowed.style),
        metadata.at("name"),
    )
    interval = findings.accept_value(
        values.parse_scrape_interval(document.spec.scrape_interval), spec.at("scrapeInterval")
    )
    _check_shared(document.spec, spec, findings)
    service_labels, annotations = mapping_in(metadata, "labels"), mapping_in(metadata, "annotations")
    labels.check_series_labels(service_labels, (), findings)
    labels.check_annotations(annotations, findings)
    alerts = mapping_in(spec, "alerting")
    known = {name for slo in document.spec.slos for name in slo.group_by}
    labels.check_templates(annotations, known, findings)
    check_alert_templates(alerts, known, findings)
    return _ServiceDefaults(
        document.metadata.name, allowed, interval or 0, spec, service_labels, annotations, alerts
    )


def _check_shared(shared: fields.Spec, spec: Node, findings: Findings) -> None:
    """Check what *spec* says of all SLOs, also where each of them says something else."""
    if not isinstance(shared.objective, UnsetType):
        findings.accept_value(values.parse_objective(shared.objective), spec.at("objective"))
    if not isinstance(shared.window, UnsetType):
        read_window(shared.window, spec, findings)
    labels.read_group_by(shared.group_by, spec.at("groupBy"), findings)


def _read_events(
    service: _ServiceDefaults, spec: fields.Objective, node: Node, findings: Findings
) -> Indicator | None:
    """Read what is counted: an indicator, or the parts of a journey."""
    composite, presets = spec.indicator.composite, service.allowed.presets
    if isinstance(composite, UnsetType):
        return read_indicator(spec.indicator, node.at("indicator"), findings, catalog=presets)
    return read_composite(
        composite,
        node.at("indicator", "composite"),
        service=service.name,
        catalog=presets,
        findings=findings,
    )


def _read_slo(service: _ServiceDefaults, sliced: SlicedObjective, findings: Findings) -> Slo | None:
    spec, node, time_slice = sliced
    own_annotations = mapping_in(node, "annotations")
    merged_labels = merge_nodes(service.labels, mapping_in(node, "labels"))
    annotations = merge_nodes(service.annotations, own_annotations)
    alerting_node = merge_nodes(service.alerting, mapping_in(node, "alerting"))
    group_by = labels.read_group_by(spec.group_by, node.at("groupBy"), findings)
    labels.check_series_labels(merged_labels, group_by, findings)
    labels.check_annotations(own_annotations, findings)
    labels.check_templates(own_annotations, group_by, findings)
    check_alert_templates(mapping_in(node, "alerting"), group_by, findings)
    findings.accept_value(
        values.parse_name(spec.name, of="an SLO name", style=service.allowed.style), node.at("name")
    )
    objective = findings.accept_value(values.parse_objective(node.at("objective").text), node.at("objective"))
    window = read_window(spec.window, node, findings)
    review_by: str | None = None
    if not isinstance(spec.review_by, UnsetType):
        review_by = findings.accept_value(values.parse_review_date(spec.review_by), node.at("reviewBy"))
    events = _read_events(service, spec, node, findings)
    counted = events is None or (time_slice is None and counts_are_events(lower_indicator(events)))
    hours = read_active_hours(spec.active_hours, node.at("activeHours"), findings)
    longest = (window or values.LONGEST_WINDOW).seconds
    alerting = read_alerting(
        alerting_node, window=longest, counted=counted, group_by=group_by, findings=findings
    )
    if objective is None or window is None or events is None or alerting is None or hours is None:
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
        labels={name: entry.text for name, entry in merged_labels.entries.items()},
        annotations={name: entry.text for name, entry in annotations.entries.items()},
        alerting=alerting,
        review_by=review_by,
        time_slice=time_slice,
        active_hours=hours,
    )
    checks.run_checks(slo, checks.SloNodes(own_part(node, service.spec), alerting_node), findings)
    return slo
