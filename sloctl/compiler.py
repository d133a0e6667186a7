"""The pipeline on one screen: SLOs in, files out; the same SLOs give the same bytes."""

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from msgspec import Struct

from sloctl.dashboards.overview import build_overview_dashboard
from sloctl.dashboards.service import build_service_dashboard
from sloctl.model import Slo
from sloctl.naming import LabelStyle
from sloctl.problems import Place, Problem
from sloctl.rules.groups import rule_groups
from sloctl.targets import alertmanager, grafana, notification_templates, operator, prometheus

RULES_DIR: Final = "alerts"
DASHBOARDS_DIR: Final = "dashboards"
# Not below RULES_DIR: Prometheus would take it for rules.
ALERTMANAGER_DIR: Final = "alertmanager"
MANIFESTS_DIR: Final = "manifests"


class Artefact(Struct, frozen=True):
    """A compiled file: its path below the output directory, and its text."""

    path: str
    text: str


def compile_rules(slos: Iterable[Slo], style: LabelStyle) -> str:
    """Compile all SLOs into one rule file."""
    groups = [
        group for _, members in _by_service(slos) for slo in members for group in rule_groups(slo, style)
    ]
    return prometheus.render_rules(groups)


def compile_artefacts(slos: Iterable[Slo], style: LabelStyle) -> tuple[Artefact, ...]:
    """Compile a rule file and a dashboard per service, and the overview and inhibition rules of all."""
    services = _by_service(slos)
    artefacts = []
    for name, members in services:
        dashboard = grafana.render_dashboard(build_service_dashboard(name, members, style))
        artefacts += [
            Artefact(f"{RULES_DIR}/{name}.yaml", compile_rules(members, style)),
            Artefact(f"{DASHBOARDS_DIR}/{name}.json", dashboard),
        ]
    inhibitions = alertmanager.render_inhibitions([slo for _, members in services for slo in members], style)
    # No service can have the overview's name.
    overview = grafana.render_dashboard(build_overview_dashboard(style))
    return (
        *artefacts,
        Artefact(f"{ALERTMANAGER_DIR}/inhibit_rules.yaml", inhibitions),
        Artefact(f"{ALERTMANAGER_DIR}/sloctl.tmpl", notification_templates.render_templates(style)),
        Artefact(f"{DASHBOARDS_DIR}/_overview.json", overview),
    )


def compile_manifests(slos: Iterable[Slo], style: LabelStyle) -> tuple[Artefact, ...]:
    """Compile the same rules and dashboards as Kubernetes objects, with a kustomization that lists them."""
    dashboards = [(operator.OVERVIEW_NAME, "_overview.json", build_overview_dashboard(style))]
    objects: dict[str, str] = {}
    for name, members in _by_service(slos):
        object_name = operator.object_name(name)
        groups = [group for slo in members for group in rule_groups(slo, style)]
        for part, text in operator.render_prometheus_rules(object_name, groups):
            objects[f"{part}-rules.yaml"] = text
        dashboards.append((object_name, f"{name}.json", build_service_dashboard(name, members, style)))
    for object_name, file, dashboard in dashboards:
        config_map = f"{object_name}-dashboard"
        objects[f"{config_map}.yaml"] = operator.render_config_map(config_map, file, dashboard)
    objects["kustomization.yaml"] = operator.render_kustomization(objects)
    return tuple(Artefact(f"{MANIFESTS_DIR}/{file}", text) for file, text in sorted(objects.items()))


def find_oversized_dashboards(manifests: Iterable[Artefact]) -> list[Problem]:
    """Find the ConfigMaps of *manifests* that no API server would take."""
    problems = []
    for artefact in manifests:
        size = operator.config_map_bytes(artefact.text) if "\nkind: ConfigMap\n" in artefact.text else 0
        if size > operator.MAX_CONFIG_MAP_BYTES:
            message = (
                f"this dashboard has {size:,} bytes, and Kubernetes takes {operator.MAX_CONFIG_MAP_BYTES:,} "
                "in a ConfigMap: give some SLOs of this service a document with a metadata.name of their own"
            )
            problems.append(Problem(Place(artefact.path, 1, 1), "dashboard-too-large", message))
    return problems


def _by_service(slos: Iterable[Slo]) -> list[tuple[str, tuple[Slo, ...]]]:
    """Group SLOs by service; both in order of name, whatever the order they come in."""
    in_order = sorted(slos, key=lambda slo: (slo.service, slo.name))
    return [(name, tuple(members)) for name, members in groupby(in_order, key=lambda slo: slo.service)]
