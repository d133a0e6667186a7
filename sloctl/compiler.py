"""The pipeline on one screen: SLOs in, files out. Pure: the same SLOs give the same bytes."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from msgspec import Struct

from sloctl.dashboards.overview import overview
from sloctl.dashboards.service import service
from sloctl.model import Slo
from sloctl.naming import LabelStyle
from sloctl.rules.groups import rule_groups
from sloctl.targets import alertmanager, grafana, operator, prometheus

RULES: Final = "alerts"
DASHBOARDS: Final = "dashboards"
# Not below RULES: Prometheus would take it for rules.
ALERTMANAGER: Final = "alertmanager"
MANIFESTS: Final = "manifests"


class Artefact(Struct, frozen=True):
    """One file to be: its path below the output directory, and its text."""

    path: str
    text: str


def rules(slos: Iterable[Slo], style: LabelStyle) -> str:
    """All SLOs in one rule file."""
    return prometheus.render(group for slo in _in_order(slos) for group in rule_groups(slo, style))


def artefacts(slos: Iterable[Slo], style: LabelStyle) -> tuple[Artefact, ...]:
    """A rule file and a dashboard per service; the overview, whose name no service can have; inhibitions."""
    slos = _in_order(slos)
    return (
        *_per_service(slos, style),
        Artefact(f"{ALERTMANAGER}/inhibit_rules.yaml", alertmanager.render(slos, style)),
        Artefact(f"{DASHBOARDS}/_overview.json", grafana.render(overview(style))),
    )


def manifests(slos: Iterable[Slo], style: LabelStyle) -> tuple[Artefact, ...]:
    """The same rules and dashboards as objects of Kubernetes, and a kustomization that lists them."""
    slos = _in_order(slos)
    overall = operator.dashboard(f"{operator.OVERVIEW}-dashboard", "_overview.json", overview(style))
    objects = {f"{operator.OVERVIEW}-dashboard.yaml": overall, **dict(_objects(slos, style))}
    objects["kustomization.yaml"] = operator.kustomization(objects)
    return tuple(Artefact(f"{MANIFESTS}/{file}", text) for file, text in sorted(objects.items()))


def _objects(slos: Iterable[Slo], style: LabelStyle) -> Iterator[tuple[str, str]]:
    for name, members in groupby(slos, key=lambda slo: slo.service):
        of_service, of_kind = tuple(members), operator.object_name(name)
        groups = [group for slo in of_service for group in rule_groups(slo, style)]
        for part, text in operator.prometheus_rules(of_kind, groups):
            yield f"{part}-rules.yaml", text
        shown = service(name, of_service, style)
        yield f"{of_kind}-dashboard.yaml", operator.dashboard(f"{of_kind}-dashboard", f"{name}.json", shown)


def _per_service(slos: Iterable[Slo], style: LabelStyle) -> Iterator[Artefact]:
    for name, members in groupby(slos, key=lambda slo: slo.service):
        of_service = tuple(members)
        yield Artefact(f"{RULES}/{name}.yaml", rules(of_service, style))
        yield Artefact(f"{DASHBOARDS}/{name}.json", grafana.render(service(name, of_service, style)))


def _in_order(slos: Iterable[Slo]) -> list[Slo]:
    return sorted(slos, key=lambda slo: (slo.service, slo.name))
