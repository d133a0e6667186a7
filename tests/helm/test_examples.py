"""The values that the chart shows for each start: they render, and the sidecar takes what comes of them."""

from pathlib import Path
from typing import Final

import kubernetes_validate  # type: ignore[import-untyped]  # has no types
import pytest
import yaml

from sloctl.sidecar.config import read
from tests.helm.chart import CHART, engine, objects

EXAMPLES: Final = sorted((CHART / "examples").glob("*.yaml"))
CUSTOM: Final = {"PrometheusRule", "ServiceMonitor"}


def test_there_is_one_for_each_start() -> None:
    assert [example.stem for example in EXAMPLES] == [
        "kube-prometheus-stack",
        "mimir",
        "prometheus",
        "scrape",
    ]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_is_sound(example: Path) -> None:
    given = yaml.safe_load(example.read_text())
    report = engine().lint(CHART, given, strict=True, kube_version="v1.30.0")
    manifests = objects(given)
    [configured] = [
        manifest["data"]["sidecar.yaml"]
        for manifest in manifests
        if manifest["kind"] == "ConfigMap" and "sidecar.yaml" in manifest["data"]
    ]

    settings, problems = read.read_configuration("sidecar.yaml", configured.encode())

    assert report["errors"] == []
    assert problems == ()
    assert settings is not None
    for manifest in manifests:
        if manifest["kind"] not in CUSTOM:
            assert kubernetes_validate.validate(manifest, "1.30", strict=True) == "1.30"
