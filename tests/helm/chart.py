"""The chart as Helm's own engine renders it, without a cluster."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.real import MISSING

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "helm" / "sloctl"
VALUES: Final = Path(__file__).parent / "values"
GOLDEN: Final = Path(__file__).parent / "golden"
RELEASE: Final = "slo"
NAMESPACE: Final = "shop"

NAMES: Final = sorted(file.stem for file in VALUES.glob("*.yaml"))


def values(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((VALUES / f"{name}.yaml").read_text())
    return read


def rendered(given: Mapping[str, Any], chart: Path = CHART) -> dict[str, str]:
    """Template to text; raises helm_python's HelmError for what the chart refuses."""
    with engine().Chart.load(chart) as loaded:
        texts: dict[str, str] = loaded.render(dict(given), name=RELEASE, namespace=NAMESPACE)
    return {path: text for path, text in sorted(texts.items()) if text.strip()}


def objects(given: Mapping[str, Any], chart: Path = CHART) -> list[dict[str, Any]]:
    """Every manifest."""
    texts = (text for path, text in rendered(given, chart).items() if path.endswith(".yaml"))
    return [document for text in texts for document in yaml.safe_load_all(text) if document is not None]


def golden(name: str) -> str:
    """What stands in golden/NAME.yaml."""
    return "".join(f"# {path}\n{text.strip()}\n---\n" for path, text in rendered(values(name)).items())


def only(kind: str, given: Mapping[str, Any], chart: Path = CHART) -> dict[str, Any]:
    (found,) = (each for each in objects(given, chart) if each["kind"] == kind)
    return found


def pods(manifests: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The specification of each pod that the manifests lead to."""
    for manifest in manifests:
        if manifest["kind"] == "Pod":
            yield manifest["spec"]
        elif "template" in manifest.get("spec", {}):
            yield manifest["spec"]["template"]["spec"]


def engine() -> Any:  # noqa: ANN401 - a module
    return pytest.importorskip(
        "helm_python", reason=f"{MISSING}helm (the package helm-python-sdk has no wheel for this platform)"
    )
