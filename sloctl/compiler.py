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
from sloctl.targets import alertmanager, grafana, prometheus

RULES: Final = "alerts"
DASHBOARDS: Final = "dashboards"
# Not below RULES: Prometheus would take it for rules.
ALERTMANAGER: Final = "alertmanager"


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


def _per_service(slos: Iterable[Slo], style: LabelStyle) -> Iterator[Artefact]:
    for name, members in groupby(slos, key=lambda slo: slo.service):
        of_service = tuple(members)
        yield Artefact(f"{RULES}/{name}.yaml", rules(of_service, style))
        yield Artefact(f"{DASHBOARDS}/{name}.json", grafana.render(service(name, of_service, style)))


def _in_order(slos: Iterable[Slo]) -> list[Slo]:
    return sorted(slos, key=lambda slo: (slo.service, slo.name))
