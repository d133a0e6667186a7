"""Kubernetes's own judgement of pods: the Pod Security Standard "restricted"."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.helm.chart import NAMES, objects, pods, values
from tests.helm.test_custom_resources import tool


@pytest.mark.parametrize("name", NAMES)
def test_kubernetes_finds_every_pod_restricted(name: str) -> None:
    assert judged(list(pods(objects(values(name))))) == []


def test_kubernetes_finds_the_pod_of_the_example_restricted(example: Path) -> None:
    assert judged(list(pods(objects({}, example)))) == []


def test_it_would_have_found_a_privileged_one() -> None:
    found = judged([{"containers": [{"name": "app", "securityContext": {"privileged": True}}]}])

    assert found[0] == 'pod: privileged: container "app" must not set securityContext.privileged=true'


def judged(specs: list[dict[str, Any]]) -> list[str]:
    given = "".join(json.dumps({"metadata": {"name": "pod"}, "spec": spec}) for spec in specs)
    done = subprocess.run([tool("pod-security")], input=given, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()
