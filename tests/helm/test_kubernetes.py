"""Kubernetes's own judgement: its API server's validation, and its Pod Security Standard "restricted"."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.helm.chart import NAMES, objects, pods, values
from tests.helm.test_chart import CUSTOM
from tests.helm.test_custom_resources import tool


@pytest.mark.parametrize("name", NAMES)
def test_the_api_servers_validation_finds_nothing(name: str) -> None:
    assert validated([each for each in objects(values(name)) if each["kind"] not in CUSTOM]) == []


def test_the_api_servers_validation_finds_nothing_in_the_example(example: Path) -> None:
    assert validated(objects({}, example)) == []


def test_it_would_have_found_a_wrong_name_and_an_unknown_field() -> None:
    wrong = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a_b", "namespace": "shop"}}

    found = validated([wrong, {**wrong, "date": {}}])

    assert found[0].startswith(
        'ConfigMap: metadata.name: Invalid value: "a_b": a lowercase RFC 1123 subdomain'
    )
    assert found[1:] == ['strict decoding error: unknown field "date"']


@pytest.mark.parametrize("name", NAMES)
def test_kubernetes_finds_every_pod_restricted(name: str) -> None:
    assert judged(list(pods(objects(values(name))))) == []


def test_kubernetes_finds_the_pod_of_the_example_restricted(example: Path) -> None:
    assert judged(list(pods(objects({}, example)))) == []


def test_it_would_have_found_a_privileged_one() -> None:
    found = judged([{"containers": [{"name": "app", "securityContext": {"privileged": True}}]}])

    assert found[0] == 'pod: privileged: container "app" must not set securityContext.privileged=true'


def judged(specs: list[dict[str, Any]]) -> list[str]:
    return found_by("pod-security", [{"metadata": {"name": "pod"}, "spec": spec} for spec in specs])


def validated(manifests: list[dict[str, Any]]) -> list[str]:
    return found_by("api-server-validation", manifests)


def found_by(name: str, given: list[dict[str, Any]]) -> list[str]:
    lines = "".join(json.dumps(each) for each in given)
    done = subprocess.run([tool(name)], input=lines, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()
