"""The example of a service's own chart, with sloctl beside the service."""

from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # has no types

from sloctl.spec import read_specs
from tests.helm.chart import objects, pods
from tests.helm.test_chart import held, violations


def test_the_example_is_restricted_and_kubernetes_knows_every_field(example: Path) -> None:
    manifests = objects({}, example)

    assert {kubernetes_validate.validate(each, "1.30", strict=True) for each in manifests} == {"1.30"}
    assert sorted(each["kind"] for each in manifests) == ["ConfigMap", "ConfigMap", "Deployment", "Service"]
    assert [violation for pod in pods(manifests) for violation in violations(pod)] == []


def test_the_sidecar_lives_and_dies_with_the_pod_and_never_holds_it_up(example: Path) -> None:
    (pod,) = pods(objects({}, example))

    (sidecar,) = pod["initContainers"]
    assert sidecar["restartPolicy"] == "Always"
    assert not {"startupProbe", "readinessProbe"} & set(sidecar)
    assert names(pod["containers"]) == ["payments-api"]


def test_where_the_cluster_is_older_it_is_a_container_as_any_other(example: Path) -> None:
    (pod,) = pods(objects({"sloctl": {"sidecar": {"native": False}}}, example))

    assert "initContainers" not in pod
    assert names(pod["containers"]) == ["payments-api", "sloctl"]


def test_whatever_is_mounted_is_there(example: Path) -> None:
    manifests = objects({}, example)
    (pod,) = pods(manifests)

    mounted = {mount["name"] for each in pod["initContainers"] for mount in each["volumeMounts"]}
    claimed = {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume}

    assert mounted == set(names(pod["volumes"]))
    assert claimed == {each["metadata"]["name"] for each in manifests if each["kind"] == "ConfigMap"}


def test_the_spec_of_the_example_is_sound(example: Path) -> None:
    text = held(objects({}, example))["payments-api.yaml"]

    assert read_specs([("payments-api.yaml", text.encode())]).problems == ()


def names(each: list[dict[str, Any]]) -> list[str]:
    return [one["name"] for one in each]
