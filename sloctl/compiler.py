"""The pipeline on one screen: SLOs in, files out. Pure: the same SLOs give the same bytes."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from msgspec import Struct

from sloctl.dashboards.overview import build_overview_dashboard
from sloctl.dashboards.service import build_service_dashboard
from sloctl.model import Slo
from sloctl.naming import LabelStyle
from sloctl.rules.groups import rule_groups
from sloctl.targets import alertmanager, grafana, operator, prometheus

RULES_DIR: Final = "alerts"
DASHBOARDS_DIR: Final = "dashboards"
# Not below RULES: Prometheus would take it for rules.
ALERTMANAGER_DIR: Final = "alertmanager"
MANIFESTS_DIR: Final = "manifests"


class Artefact(Struct, frozen=True):
    """One file to be: its path below the output directory, and its text."""

    path: str
    text: str


def compile_rules(slos: Iterable[Slo], style: LabelStyle) -> str:
    """All SLOs in one rule file."""
    return prometheus.render_rules(group for slo in _sort_slos(slos) for group in rule_groups(slo, style))


def compile_artefacts(slos: Iterable[Slo], style: LabelStyle) -> tuple[Artefact, ...]:
    """A rule file and a dashboard per service; the overview, whose name no service can have; inhibitions."""
    slos = _sort_slos(slos)
    return (
        *_service_artefacts(slos, style),
        Artefact(f"{ALERTMANAGER_DIR}/inhibit_rules.yaml", alertmanager.render_inhibitions(slos, style)),
        Artefact(
            f"{DASHBOARDS_DIR}/_overview.json", grafana.render_dashboard(build_overview_dashboard(style))
        ),
    )


def compile_manifests(slos: Iterable[Slo], style: LabelStyle) -> tuple[Artefact, ...]:
    """The same rules and dashboards as objects of Kubernetes, and a kustomization that lists them."""
    slos = _sort_slos(slos)
    overall = operator.render_config_map(
        f"{operator.OVERVIEW_NAME}-dashboard", "_overview.json", build_overview_dashboard(style)
    )
    objects = {f"{operator.OVERVIEW_NAME}-dashboard.yaml": overall, **dict(_kubernetes_objects(slos, style))}
    objects["kustomization.yaml"] = operator.render_kustomization(objects)
    return tuple(Artefact(f"{MANIFESTS_DIR}/{file}", text) for file, text in sorted(objects.items()))


def _kubernetes_objects(slos: Iterable[Slo], style: LabelStyle) -> Iterator[tuple[str, str]]:
    for name, members in groupby(slos, key=lambda slo: slo.service):
        of_service, of_kind = tuple(members), operator.object_name(name)
        groups = [group for slo in of_service for group in rule_groups(slo, style)]
        for part, text in operator.render_prometheus_rules(of_kind, groups):
            yield f"{part}-rules.yaml", text
        shown = build_service_dashboard(name, of_service, style)
        yield (
            f"{of_kind}-dashboard.yaml",
            operator.render_config_map(f"{of_kind}-dashboard", f"{name}.json", shown),
        )


def _service_artefacts(slos: Iterable[Slo], style: LabelStyle) -> Iterator[Artefact]:
    for name, members in groupby(slos, key=lambda slo: slo.service):
        of_service = tuple(members)
        yield Artefact(f"{RULES_DIR}/{name}.yaml", compile_rules(of_service, style))
        yield Artefact(
            f"{DASHBOARDS_DIR}/{name}.json",
            grafana.render_dashboard(build_service_dashboard(name, of_service, style)),
        )


def _sort_slos(slos: Iterable[Slo]) -> list[Slo]:
    return sorted(slos, key=lambda slo: (slo.service, slo.name))
