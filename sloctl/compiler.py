"""The pipeline on one screen: SLOs in, files out; the same SLOs give the same bytes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import groupby
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from sloctl.model import CompositeIndicator, Indicator, NativeLatencyIndicator, Slo
from sloctl.naming import LabelStyle
from sloctl.problems import Place, Problem
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import RuleGroup
from sloctl.rules.staging import staged_rule_groups
from sloctl.targets import alertmanager, notification_templates, prometheus

if TYPE_CHECKING:
    from sloctl.targets.operator import RuleObjectKind

RULES_DIR: Final = "alerts"
DASHBOARDS_DIR: Final = "dashboards"
# Not below RULES_DIR: Prometheus would take it for rules.
ALERTMANAGER_DIR: Final = "alertmanager"
MANIFESTS_DIR: Final = "manifests"
MIMIR_DIR: Final = "mimir"
VICTORIAMETRICS_DIR: Final = "victoriametrics"
# Nor these.
RULE_TESTS_DIR: Final = "rule_tests"
# Characters at the beginning of a manifest in which its kind stands.
_KIND_WITHIN: Final = 500
_DASHBOARD_KINDS: Final = ("ConfigMap", "GrafanaDashboard")

# Builds the rules of one SLO: `rule_groups`, or one that adds to them.
GroupBuilder: TypeAlias = Callable[[Slo, LabelStyle], tuple[RuleGroup, ...]]

# Writes the rules of one service, as one file or several.
_RuleFiles: TypeAlias = Callable[[str, tuple[Slo, ...]], Iterable["Artefact"]]

# Of each service the SLOs, in order of name.
_Services: TypeAlias = list[tuple[str, tuple[Slo, ...]]]


class Places(Struct, frozen=True):
    """Folders for the rules that run beside the raw series, and for those that need all history."""

    fast: str
    slow: str


class CompiledPart(Enum):
    """What may be compiled by itself."""

    RULES = "rules"
    DASHBOARDS = "dashboards"


class Artefact(Struct, frozen=True):
    """A compiled file: its path below the output directory, and its text."""

    path: str
    text: str


def compile_rules(slos: Iterable[Slo], style: LabelStyle, build_groups: GroupBuilder = rule_groups) -> str:
    """Compile all SLOs into one rule file."""
    groups = [
        group for _, members in _by_service(slos) for slo in members for group in build_groups(slo, style)
    ]
    return prometheus.render_rule_file(groups)


def compile_artefacts(
    slos: Iterable[Slo],
    style: LabelStyle,
    only: CompiledPart | None = None,
    *,
    build_groups: GroupBuilder = rule_groups,
    external_labels: Sequence[str] = (),
) -> tuple[Artefact, ...]:
    """Compile a rule file and a dashboard per service, and the overview and inhibition rules of all."""

    def rule_files(service: str, members: tuple[Slo, ...]) -> Iterator[Artefact]:
        yield Artefact(f"{RULES_DIR}/{service}.yaml", compile_rules(members, style, build_groups))

    return _compile_beside(rule_files, slos, style, only, external_labels=external_labels)


def compile_for_mimir(
    slos: Iterable[Slo],
    style: LabelStyle,
    only: CompiledPart | None = None,
    *,
    build_groups: GroupBuilder = rule_groups,
    external_labels: Sequence[str] = (),
) -> tuple[Artefact, ...]:
    """Compile the same, with the rules in groups that a tenant of Mimir takes: a file is a namespace."""
    from sloctl.targets import mimir  # noqa: PLC0415 - as in _compile_dashboards

    def rule_files(service: str, members: tuple[Slo, ...]) -> Iterator[Artefact]:
        groups = mimir.fit_groups(service, (it for slo in members for it in build_groups(slo, style)))
        path = f"{MIMIR_DIR}/{mimir.namespace_name(service)}.yaml"
        yield Artefact(path, prometheus.render_rule_file(groups))

    return _compile_beside(rule_files, slos, style, only, external_labels=external_labels)


def compile_for_thanos(
    slos: Iterable[Slo],
    style: LabelStyle,
    only: CompiledPart | None = None,
    *,
    build_groups: GroupBuilder = rule_groups,
    external_labels: Sequence[str] = (),
    places: Places | None = None,
) -> tuple[Artefact, ...]:
    """Compile the same for a Thanos ruler; with *places*, short and long lookbacks into a folder each."""
    if places is None:
        return compile_artefacts(
            slos, style, only, build_groups=build_groups, external_labels=external_labels
        )
    from sloctl.targets.thanos_ruler import place_groups  # noqa: PLC0415 - as in _compile_dashboards

    def rule_files(service: str, members: tuple[Slo, ...]) -> Iterator[Artefact]:
        placed = [place_groups(build_groups(slo, style)) for slo in members]
        for place, groups in (
            (places.fast, [group for each in placed for group in each.fast]),
            (places.slow, [group for each in placed for group in each.slow]),
        ):
            yield Artefact(f"{place}/{RULES_DIR}/{service}.yaml", prometheus.render_rule_file(groups))

    return _compile_beside(rule_files, slos, style, only, external_labels=external_labels)


def compile_for_vmalert(
    slos: Iterable[Slo],
    style: LabelStyle,
    only: CompiledPart | None = None,
    *,
    build_groups: GroupBuilder = rule_groups,
    external_labels: Sequence[str] = (),
) -> tuple[Artefact, ...]:
    """Compile the same, with the rules in stages that vmalert evaluates one after another."""

    def rule_files(service: str, members: tuple[Slo, ...]) -> Iterator[Artefact]:
        groups = [it for slo in members for it in staged_rule_groups(slo, style, build_groups)]
        yield Artefact(f"{VICTORIAMETRICS_DIR}/{service}.yaml", prometheus.render_rule_file(groups))

    return _compile_beside(rule_files, slos, style, only, external_labels=external_labels)


def compile_rule_tests(slos: Iterable[Slo], style: LabelStyle) -> tuple[Artefact, ...]:
    """Compile promtool's tests of the rules that compile_artefacts writes, some files for each service."""
    # Nobody else waits for them to be imported.
    from sloctl.rule_tests.build import service_tests  # noqa: PLC0415

    return tuple(
        Artefact(f"{RULE_TESTS_DIR}/{name}{suffix}.yaml", text)
        for name, members in _by_service(slos)
        for suffix, text in service_tests(f"../{RULES_DIR}/{name}.yaml", members, style).items()
    )


def compile_manifests(
    slos: Iterable[Slo],
    style: LabelStyle,
    only: CompiledPart | None = None,
    *,
    build_groups: GroupBuilder = rule_groups,
    external_labels: Sequence[str] = (),
    grafana_instances: Mapping[str, str] | None = None,
) -> tuple[Artefact, ...]:
    """Compile the same rules and dashboards as Kubernetes objects, with a kustomization that lists them."""
    from sloctl.targets.operator import PROMETHEUS_RULE  # noqa: PLC0415 - as in _compile_dashboards

    return _compile_objects(
        slos,
        style,
        only,
        kind=PROMETHEUS_RULE,
        groups_of=lambda slo: build_groups(slo, style),
        external_labels=external_labels,
        grafana_instances=grafana_instances,
    )


def compile_vm_manifests(
    slos: Iterable[Slo],
    style: LabelStyle,
    only: CompiledPart | None = None,
    *,
    build_groups: GroupBuilder = rule_groups,
    external_labels: Sequence[str] = (),
    grafana_instances: Mapping[str, str] | None = None,
) -> tuple[Artefact, ...]:
    """Compile rules in stages as VMRule objects, and the same ConfigMaps as for the Prometheus operator."""
    from sloctl.targets.operator import VM_RULE  # noqa: PLC0415 - as in _compile_dashboards

    def staged_groups(slo: Slo) -> Iterable[RuleGroup]:
        return staged_rule_groups(slo, style, build_groups)

    return _compile_objects(
        slos,
        style,
        only,
        kind=VM_RULE,
        groups_of=staged_groups,
        external_labels=external_labels,
        grafana_instances=grafana_instances,
    )


def find_oversized_dashboards(manifests: Iterable[Artefact]) -> list[Problem]:
    """Find the dashboards of *manifests* that no API server would take."""
    dashboards = [
        each
        for each in manifests
        if any(f"\nkind: {kind}\n" in each.text[:_KIND_WITHIN] for kind in _DASHBOARD_KINDS)
    ]
    if not dashboards:
        return []
    from sloctl.targets import operator  # noqa: PLC0415 - as in _compile_dashboards

    problems = []
    for artefact in dashboards:
        size = operator.dashboard_bytes(artefact.text)
        if size > operator.MAX_CONFIG_MAP_BYTES:
            message = (
                f"this dashboard of one SLO has {size:,} bytes, and Kubernetes takes "
                f"{operator.MAX_CONFIG_MAP_BYTES:,} in a ConfigMap: shorten what the SLO says in words"
            )
            problems.append(Problem(Place(artefact.path, 1, 1), "dashboard-too-large", message))
    return problems


def find_uncountable_by_vmalert(slos: Iterable[Slo]) -> list[Problem]:
    """Find the SLOs of native histograms, which VictoriaMetrics does not keep as Prometheus does."""
    message = "counts a native histogram, which VictoriaMetrics cannot read: give it the classic one"
    return [
        Problem(
            Place(f"{VICTORIAMETRICS_DIR}/{slo.service}.yaml", 1, 1), "target-native", f"{slo.id} {message}"
        )
        for slo in slos
        if _counts_native_histogram(slo.indicator)
    ]


def _counts_native_histogram(indicator: Indicator) -> bool:
    """Tell whether an indicator reads a native histogram; of a journey, whether one of its own parts does."""
    if isinstance(indicator, CompositeIndicator):
        own = (part.indicator for part in indicator.parts if part.slo is None)
        return any(isinstance(part, NativeLatencyIndicator) for part in own)
    return isinstance(indicator, NativeLatencyIndicator)


def count_groups(artefacts: Iterable[Artefact]) -> int:
    """Count the rule groups in compiled rule files."""
    return sum(artefact.text.count("\n- name: ") for artefact in artefacts)


def _compile_beside(
    rule_files: _RuleFiles,
    slos: Iterable[Slo],
    style: LabelStyle,
    only: CompiledPart | None,
    *,
    external_labels: Sequence[str],
) -> tuple[Artefact, ...]:
    """Compile the rules by *rule_files*, and beside them what is the same wherever rules run.

    Servers add *external_labels* to what rules record and to alerts: what reads these tells them apart.
    """
    services = _by_service(slos)
    shown = _by_service(slo.split_by(external_labels) for _, members in services for slo in members)
    artefacts: list[Artefact] = []
    if only is not CompiledPart.DASHBOARDS:
        artefacts += [file for name, members in services for file in rule_files(name, members)]
        every = [slo for _, members in shown for slo in members]
        inhibitions = alertmanager.render_inhibitions(every, style)
        artefacts += [
            Artefact(f"{ALERTMANAGER_DIR}/inhibit_rules.yaml", inhibitions),
            Artefact(f"{ALERTMANAGER_DIR}/sloctl.tmpl", notification_templates.render_templates(style)),
        ]
    if only is not CompiledPart.RULES:
        artefacts += _compile_dashboards(shown, style, external_labels)
    return tuple(artefacts)


def _compile_objects(
    slos: Iterable[Slo],
    style: LabelStyle,
    only: CompiledPart | None,
    *,
    kind: "RuleObjectKind",
    groups_of: Callable[[Slo], Iterable[RuleGroup]],
    external_labels: Sequence[str],
    grafana_instances: Mapping[str, str] | None,
) -> tuple[Artefact, ...]:
    """Compile rules as objects of *kind*, dashboards as objects too, and a kustomization that lists them.

    Dashboards are ConfigMaps, or with the labels of *grafana_instances* of an operator for Grafana.
    """
    from sloctl.targets import operator  # noqa: PLC0415 - as in _compile_dashboards

    services = _by_service(slos)
    objects: dict[str, str] = {}
    if only is not CompiledPart.DASHBOARDS:
        for name, members in services:
            groups = [group for slo in members for group in groups_of(slo)]
            for part, text in operator.render_rule_objects(kind, operator.object_name(name), groups):
                objects[f"{part}-rules.yaml"] = text
    if only is not CompiledPart.RULES:
        shown = _by_service(slo.split_by(external_labels) for _, members in services for slo in members)
        objects |= _compile_dashboard_objects(shown, style, external_labels, grafana_instances)
    objects["kustomization.yaml"] = operator.render_kustomization(objects)
    return tuple(Artefact(f"{MANIFESTS_DIR}/{file}", text) for file, text in sorted(objects.items()))


def _compile_dashboards(
    services: _Services, style: LabelStyle, external_labels: Sequence[str]
) -> Iterator[Artefact]:
    # Imported here: they take a fifth of the start, which rules alone do without.
    from sloctl.dashboards.overview import build_overview_dashboard  # noqa: PLC0415
    from sloctl.dashboards.service import build_service_dashboard  # noqa: PLC0415
    from sloctl.targets import grafana  # noqa: PLC0415

    for name, members in services:
        dashboard = grafana.render_dashboard(build_service_dashboard(name, members, style))
        yield Artefact(f"{DASHBOARDS_DIR}/{name}.json", dashboard)
    # No service can have the overview's name.
    overview = grafana.render_dashboard(build_overview_dashboard(style, external_labels))
    yield Artefact(f"{DASHBOARDS_DIR}/_overview.json", overview)


def _compile_dashboard_objects(
    services: _Services,
    style: LabelStyle,
    external_labels: Sequence[str],
    instances: Mapping[str, str] | None,
) -> dict[str, str]:
    """Map the file names of the dashboards' objects to their texts.

    A service whose dashboard no object holds gets several, each with some of its SLOs.
    """
    from sloctl.dashboards.overview import build_overview_dashboard  # noqa: PLC0415 - as above
    from sloctl.targets import operator  # noqa: PLC0415

    overview = build_overview_dashboard(style, external_labels)
    overview_name = f"{operator.OVERVIEW_NAME}-dashboard"
    text = operator.render_dashboard_object(overview_name, "_overview.json", overview, instances=instances)
    objects = {f"{overview_name}.yaml": text}
    for service, members in services:
        objects |= _service_dashboard_objects(service, members, style, instances)
    return objects


def _service_dashboard_objects(
    service: str, slos: Sequence[Slo], style: LabelStyle, instances: Mapping[str, str] | None
) -> dict[str, str]:
    """Write one object, or as many as it takes for each to be small enough."""
    from sloctl.dashboards.service import build_service_dashboard, split_service  # noqa: PLC0415 - as above
    from sloctl.targets import operator  # noqa: PLC0415

    objects: dict[str, str] = {}
    for count in range(1, len(slos) + 1):
        objects = {}
        for part in split_service(slos, count):
            number = "" if part.number == 1 else f".{part.number}"
            name = f"{operator.object_name(service)}{number}-dashboard"
            dashboard = build_service_dashboard(service, slos, style, part)
            objects[f"{name}.yaml"] = operator.render_dashboard_object(
                name, f"{service}{number}.json", dashboard, instances=instances
            )
        if all(map(operator.fits_one_object, objects.values())):
            break
    return objects


def _by_service(slos: Iterable[Slo]) -> _Services:
    """Group SLOs by service; both in order of name, whatever the order they come in."""
    in_order = sorted(slos, key=lambda slo: (slo.service, slo.name))
    return [(name, tuple(members)) for name, members in groupby(in_order, key=lambda slo: slo.service)]
