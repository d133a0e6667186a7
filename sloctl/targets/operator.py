"""Rule groups and dashboards → objects for the operators of Prometheus and VictoriaMetrics, and for Grafana.

They name no namespace: whoever applies them does. A name depends on its service alone, so that what is
pruned is what is gone.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import dedent, indent
from typing import Final, NamedTuple
from zlib import crc32

from sloctl.dashboards.grafana_schema import Dashboard
from sloctl.rules.rule import RuleGroup
from sloctl.targets import grafana
from sloctl.targets.prometheus import HEADER, quote_yaml, render_rules

# What `kubectl apply` can hold twice, once as the object and once as the annotation it compares with.
MAX_RULES_BYTES: Final = 240_000
# Dashboards are indented for reviewers as long as this leaves room for the rest.
MAX_INDENTED_BYTES: Final = 1_000_000
# An API server takes no ConfigMap with more data: k8s.io/api/core/v1, MaxSecretSize. Of other objects etcd
# takes half as much again, in all.
MAX_CONFIG_MAP_BYTES: Final = 1 << 20
# No service begins so: theirs begin with `slo-`.
OVERVIEW_NAME: Final = "slos-overview"

_MANAGED_BY: Final = "app.kubernetes.io/managed-by: sloctl"


class RuleObjectKind(NamedTuple):
    """A kind of Kubernetes object whose spec is a rule file."""

    api_version: str
    kind: str


PROMETHEUS_RULE: Final = RuleObjectKind("monitoring.coreos.com/v1", "PrometheusRule")
# vmalert reads plain rule files too.
VM_RULE: Final = RuleObjectKind("operator.victoriametrics.com/v1beta1", "VMRule")


def object_name(service: str) -> str:
    """Name an object by its service: at most 76 characters, no dot, different for different services."""
    plain = service.replace(".", "-")
    return f"slo-{plain}" if plain == service else f"slo-{plain}-{crc32(service.encode()):08x}"


def render_rule_objects(
    kind: RuleObjectKind, name: str, groups: Sequence[RuleGroup]
) -> Iterator[tuple[str, str]]:
    """Write (name, manifest) of each object of *kind*: several where the groups are too large for one."""
    for number, part in enumerate(_split_groups(groups), start=1):
        # No name has a dot of its own.
        part_name = name if number == 1 else f"{name}.{number}"
        spec = indent(render_rules(part).removeprefix(HEADER), "  ")
        yield part_name, _manifest_header(kind.api_version, kind.kind, part_name) + f"spec:\n{spec}"


def render_dashboard_object(
    name: str, file: str, dashboard: Dashboard, *, instances: Mapping[str, str] | None
) -> str:
    """Write what holds *dashboard*: for the Grafanas of an operator by their labels, or a ConfigMap."""
    if instances is None:
        return render_config_map(name, file, dashboard)
    return render_grafana_dashboard(name, dashboard, instances)


def render_config_map(name: str, file: str, dashboard: Dashboard) -> str:
    """Write a ConfigMap that holds *dashboard* as *file*."""
    manifest = _manifest_header("v1", "ConfigMap", name, 'grafana_dashboard: "1"')
    return f"{manifest}data:\n  {quote_yaml(file)}: |\n{indent(_config_map_json(dashboard), '    ')}"


def render_grafana_dashboard(name: str, dashboard: Dashboard, instances: Mapping[str, str]) -> str:
    """Write a GrafanaDashboard that holds *dashboard* for the Grafanas with the labels of *instances*."""
    manifest = _manifest_header("grafana.integreatly.org/v1beta1", "GrafanaDashboard", name)
    labels = "".join(f"      {label}: {quote_yaml(value)}\n" for label, value in instances.items())
    selector = f"  instanceSelector:\n    matchLabels:\n{labels}"
    return f"{manifest}spec:\n{selector}  json: |\n{indent(_config_map_json(dashboard), '    ')}"


def dashboard_bytes(manifest: str) -> int:
    """Return the bytes of the dashboard that a manifest holds, without YAML's indentation."""
    return len(dedent(manifest.partition(": |\n")[2]).encode())


def fits_one_object(manifest: str) -> bool:
    """Return whether an API server takes the manifest of a dashboard."""
    # With YAML's indentation it is larger than its data, which are counted only near the limit.
    return len(manifest) * 4 <= MAX_CONFIG_MAP_BYTES or dashboard_bytes(manifest) <= MAX_CONFIG_MAP_BYTES


def render_kustomization(files: Iterable[str]) -> str:
    """Write what `kubectl apply -k`, Argo CD and Flux find the other *files* by."""
    listed = "".join(f"  - {file}\n" for file in sorted(files))
    return f"{HEADER}apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{listed}"


def _manifest_header(api_version: str, kind: str, name: str, *labels: str) -> str:
    """Write an object down to its metadata; *labels* are lines of YAML."""
    lines = "".join(f"    {label}\n" for label in (_MANAGED_BY, *labels))
    return f"{HEADER}apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: {name}\n  labels:\n{lines}"


def _split_groups(groups: Sequence[RuleGroup]) -> Iterator[list[RuleGroup]]:
    """Split *groups* in their order; one that is too large by itself is still a part of its own."""
    part: list[RuleGroup] = []
    size = 0
    for group in groups:
        added = len(render_rules([group]).encode())
        if part and size + added > MAX_RULES_BYTES:
            yield part
            part, size = [], 0
        part.append(group)
        size += added
    if part:
        yield part


def _config_map_json(dashboard: Dashboard) -> str:
    """Write *dashboard* compact where it would not fit, and escaped where YAML could end a line in it."""
    text = grafana.render_dashboard(dashboard)
    if len(text.encode()) > MAX_INDENTED_BYTES:
        return json.dumps(json.loads(text), separators=(",", ":")) + "\n"
    if not all(line.isprintable() for line in text.split("\n")):
        return json.dumps(json.loads(text), indent=2) + "\n"
    return text
