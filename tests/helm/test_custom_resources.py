"""PrometheusRule, ServiceMonitor and HTTPRoute as those define them who made them; and Helm 3's command."""

import shutil
import subprocess
from collections.abc import Iterable
from typing import Any

import jsonschema
import pytest
import yaml

from tests.helm.chart import CHART, NAMES, NAMESPACE, RELEASE, ROOT, VALUES, objects, values
from tests.real import MISSING

TOOLS = ROOT / ".tools"
DEFINED = {
    "PrometheusRule": "monitoring.coreos.com_prometheusrules.yaml",
    "ServiceMonitor": "monitoring.coreos.com_servicemonitors.yaml",
    "HTTPRoute": "gateway.networking.k8s.io_httproutes.yaml",
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [("operator", "PrometheusRule"), ("guarded", "ServiceMonitor"), ("gateway", "HTTPRoute")],
)
def test_a_custom_resource_has_only_what_its_definition_knows(name: str, kind: str) -> None:
    schema = defined(kind)
    manifests = [each for each in objects(values(name)) if each["kind"] == kind]

    wrong = [
        error.message for each in manifests for error in jsonschema.Draft7Validator(schema).iter_errors(each)
    ]

    assert manifests != []
    assert wrong == []


def test_the_committed_rules_are_what_the_operator_takes() -> None:
    schema = defined("PrometheusRule")
    files = {file.name: file.read_text() for file in (ROOT / "alerts").glob("*.yaml")}
    manifests = objects({**values("minimal"), "rules": {"enabled": True, "files": files}})

    wrong = [
        error.message
        for each in manifests
        if each["kind"] == "PrometheusRule"
        for error in jsonschema.Draft7Validator(schema).iter_errors(each)
    ]

    assert wrong == []


@pytest.mark.parametrize("name", NAMES)
def test_helm_3_renders_the_same_manifests(name: str) -> None:
    command = [tool("helm"), "template", RELEASE, str(CHART), "-f", str(VALUES / f"{name}.yaml")]
    command += ["--namespace", NAMESPACE, "--kube-version", "1.30.0"]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert by_name(yaml.safe_load_all(done.stdout)) == by_name(objects(values(name)))


def by_name(manifests: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(manifests, key=lambda each: (each["kind"], each["metadata"]["name"]))


def defined(kind: str) -> dict[str, Any]:
    """As strict as an API server that is asked to be: no field that is not known."""
    file = TOOLS / "crds" / DEFINED[kind]
    if not file.exists():
        pytest.skip(f"{MISSING}the definition of {kind} (tests/tools/chart fetches it)")
    (version,) = (
        each for each in yaml.safe_load(file.read_text())["spec"]["versions"] if each["name"] == "v1"
    )
    schema: dict[str, Any] = strict(version["schema"]["openAPIV3Schema"])
    del schema["properties"]["metadata"]
    return schema | {"additionalProperties": True}


def strict(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Its own dialect in that of JSON Schema."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: strict(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string") is True:
        inner.pop("type", None)
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        inner.setdefault("additionalProperties", False)
    return inner


def tool(name: str) -> str:
    found = shutil.which(name, path=TOOLS / "bin")
    if found is None:
        pytest.skip(f"{MISSING}{name} (tests/tools/chart fetches it)")
    return found
