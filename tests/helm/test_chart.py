"""The chart, rendered by Helm's own engine: what it writes, what it refuses, and that Kubernetes takes it."""

import copy
from collections.abc import Mapping
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # has no types
import pytest
import yaml

from sloctl.sidecar.config import read
from tests.helm.chart import CHART, GOLDEN, NAMES, ROOT, engine, golden, objects, only, pods, rendered, values

# Resources that Kubernetes itself does not have; test_tools.py holds them against their own schemas.
CUSTOM = {"PrometheusRule", "ServiceMonitor", "HTTPRoute"}


@pytest.mark.parametrize("name", NAMES)
def test_a_set_of_values_renders_what_was_reviewed(name: str) -> None:
    assert golden(name) == (GOLDEN / f"{name}.yaml").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_strict_lint_finds_nothing(name: str) -> None:
    report = engine().lint(CHART, values(name), strict=True, kube_version="v1.30.0")

    assert [found["error"] for found in report["messages"]] == ["icon is recommended"]
    assert report["errors"] == []


@pytest.mark.parametrize("version", ["1.30", pytest.param("1.37", marks=pytest.mark.full)])
@pytest.mark.parametrize("name", NAMES)
def test_kubernetes_knows_every_field(name: str, version: str) -> None:
    native = [manifest for manifest in objects(values(name)) if manifest["kind"] not in CUSTOM]

    checked = [kubernetes_validate.validate(manifest, version, strict=True) for manifest in native]

    assert set(checked) == {version}


@pytest.mark.parametrize("name", NAMES)
def test_every_object_is_named_once_in_the_releases_namespace(name: str) -> None:
    manifests = objects(values(name))

    names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests]

    assert len(names) == len(set(names))
    assert {manifest["metadata"]["namespace"] for manifest in manifests} == {"shop"}


@pytest.mark.parametrize("name", NAMES)
def test_the_sidecar_takes_the_configuration_that_the_chart_writes(name: str) -> None:
    written = held(objects(values(name)))["sidecar.yaml"]

    settings, problems = read.read_configuration("sidecar.yaml", written.encode())

    assert problems == ()
    assert settings is not None


@pytest.mark.parametrize("name", NAMES)
def test_every_pod_is_restricted(name: str) -> None:
    found = [violation for pod in pods(objects(values(name))) for violation in violations(pod)]

    assert found == []


def test_nothing_asks_for_a_right_or_a_token_but_what_compiles() -> None:
    manifests = [manifest for name in NAMES if name != "compiled" for manifest in objects(values(name))]

    assert {manifest["kind"] for manifest in manifests} == {
        *("ConfigMap", "Deployment", "HTTPRoute", "Ingress", "NetworkPolicy", "Pod", "PodDisruptionBudget"),
        *("PrometheusRule", "Service", "ServiceAccount", "ServiceMonitor", "StatefulSet"),
    }
    assert {pod["automountServiceAccountToken"] for pod in pods(manifests)} == {False}
    accounts = [each for each in manifests if each["kind"] == "ServiceAccount"]
    assert {account["automountServiceAccountToken"] for account in accounts} == {False}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"replicas": 0}, "at '/replicas': minimum: got 0, want 1"),
        ({"replicas": "two"}, "at '/replicas': got string, want integer"),
        ({"mode": "daemon"}, "at '/mode': value must be one of 'central', 'sidecar'"),
        ({"persistance": {}}, "at '': additional properties 'persistance' not allowed"),
        ({"specs": {"files": {"shop.json": "x"}}}, "'shop.json' does not match pattern"),
        ({"web": {"port": 80}}, "at '/web/port': minimum: got 80, want 1,024"),
        ({"image": {"digest": "sha256:12"}}, "at '/image/digest': 'sha256:12' does not match pattern"),
        ({"configuration": {"interval": "5m"}}, "at '/configuration/interval': '5m' does not match pattern"),
        (
            {"configuration": {"source": {"otlp": {}}}},
            "at '/configuration/source': maxProperties: got 2, want 1",
        ),
        (
            {"configuration": {"notify": {"urls": ["alertmanager:9093"]}}},
            "at '/configuration/notify/urls/0': 'alertmanager:9093' does not match pattern",
        ),
        (
            {"configuration": {"history": {"uri": "http://prometheus:9090"}}},
            "at '/configuration/history': missing property 'url'",
        ),
        ({"ingress": {"enabled": True}}, "at '/ingress/hosts': minItems: got 0, want 1"),
        ({"persistence": {"size": "lots"}}, "at '/persistence/size': 'lots' does not match pattern"),
        ({"configuration": {"source": None}}, "configuration.source is missing: say what is watched"),
        ({"image": {"repository": ""}}, "image.repository is missing: where you keep the image"),
        ({"specs": {"files": None}}, "there is no spec: give the texts as specs.files"),
        (
            {"rules": {"enabled": True, "files": {"shop.yaml": "kind: x"}}},
            "rules: shop.yaml holds no rule groups",
        ),
    ],
)
def test_values_that_cannot_be_meant_are_refused(change: dict[str, Any], message: str) -> None:
    helm = engine()

    with pytest.raises(helm.HelmError) as refused:
        rendered(merged(values("minimal"), change))

    assert message in str(refused.value)


def test_what_is_sent_to_one_replica_is_not_counted_by_another_so_there_is_one() -> None:
    helm = engine()

    with pytest.raises(
        helm.HelmError, match=r"replicas: with configuration\.source\.otlp a replica would count"
    ):
        rendered(values("otlp") | {"replicas": 2})


def test_a_changed_configuration_rolls_the_pods_and_a_changed_spec_does_not() -> None:
    before = values("minimal")
    reconfigured = merged(before, {"configuration": {"interval": "10s"}})
    respecified = merged(before, {"specs": {"files": {"shop.yaml": "# another\n"}}})

    templates = [
        only("Deployment", given)["spec"]["template"] for given in (before, reconfigured, respecified)
    ]

    assert templates[0] != templates[1]
    assert templates[0] == templates[2]


def test_an_upgrade_changes_nothing_of_a_stateful_set_that_may_not_change() -> None:
    before = values("persistent")
    change = {
        "replicas": 3,
        "labels": {"team": "shop"},
        "podLabels": {"tier": "1"},
        "image": {"tag": "9.9.9"},
        "web": {"port": 9000},
        "secrets": [],
    }

    specs = [only("StatefulSet", given)["spec"] for given in (before, merged(before, change))]

    changed = {key for key in specs[0] if specs[0][key] != specs[1][key]}
    assert changed <= {"replicas", "template", "updateStrategy"}


def test_specs_rules_and_dashboards_arrive_as_they_are_committed() -> None:
    files = texts("slos", "yaml") | texts("dashboards", "json")
    given = {
        "specs": {"files": texts("slos", "yaml")},
        **{key: values("minimal")[key] for key in ("configuration", "image")},
        "rules": {"enabled": True, "files": texts("alerts", "yaml")},
        "dashboards": {"enabled": True, "files": texts("dashboards", "json")},
    }

    manifests = objects(given)

    assert {name: text for name, text in held(manifests).items() if name != "sidecar.yaml"} == files
    groups = [each["spec"]["groups"] for each in manifests if each["kind"] == "PrometheusRule"]
    assert groups == [yaml.safe_load(text)["groups"] for _, text in sorted(texts("alerts", "yaml").items())]


def held(manifests: list[dict[str, Any]]) -> dict[str, str]:
    """The files of all ConfigMaps."""
    data = [manifest["data"] for manifest in manifests if manifest["kind"] == "ConfigMap"]
    return {name: text for each in data for name, text in each.items()}


def texts(directory: str, suffix: str) -> dict[str, str]:
    return {file.name: file.read_text() for file in (ROOT / directory).glob(f"*.{suffix}")}


def merged(values: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """As Helm merges: maps key by key, everything else as a whole."""
    both = copy.deepcopy(dict(values))
    for key, value in change.items():
        inner = both.get(key)
        both[key] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return both


def violations(pod: dict[str, Any]) -> list[str]:
    """What the Pod Security Standard "restricted" forbids, and that the root file system be writable."""
    found = [f"{name} is used" for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name)]
    allowed = {"name", "configMap", "emptyDir", "projected", "secret", "persistentVolumeClaim"}
    found += [f"volume {volume}" for volume in pod.get("volumes", []) if not set(volume) <= allowed]
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        context = container["securityContext"]
        held = {
            "allowPrivilegeEscalation": context["allowPrivilegeEscalation"] is False,
            "capabilities": context["capabilities"] == {"drop": ["ALL"]},
            "runAsNonRoot": context["runAsNonRoot"] is True,
            "runAsUser": context["runAsUser"] != 0,
            "seccompProfile": context["seccompProfile"] == {"type": "RuntimeDefault"},
            "readOnlyRootFilesystem": context["readOnlyRootFilesystem"] is True,
            "hostPort": not any("hostPort" in port for port in container.get("ports", [])),
        }
        found += [f"{container['name']}: {name}" for name, holds in held.items() if not holds]
    return found
