"""Rules and dashboards as objects that an API server takes."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]  # has no types
import pytest
import yaml

from sloctl.cli.main import main
from sloctl.targets import operator
from tests.helm.test_custom_resources import defined

ROOT = Path(__file__).parents[2]
SPEC = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: NAME}
spec:
  slos:
"""
SLO = """\
    - name: route-NUMBER
      objective: 99.9%
      indicator: {probe: {metric: 'probe_success{route="NUMBER"}'}}
"""
# As the API server checks names of both kinds.
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def spec(name: str, *, slos: int = 1) -> str:
    return SPEC.replace("NAME", name) + "".join(SLO.replace("NUMBER", str(n)) for n in range(slos))


def compiled(directory: Path, specs: dict[str, str]) -> dict[str, dict[str, Any]]:
    """File to object."""
    (directory / "slos").mkdir()
    for name, text in specs.items():
        (directory / "slos" / name).write_text(text)
    assert main(["compile", str(directory / "slos"), "-d", str(directory), "--target", "operator"]) == 0
    files = sorted((directory / "manifests").iterdir())
    return {file.name: yaml.safe_load(file.read_text()) for file in files}


def test_a_service_becomes_a_rule_object_and_a_dashboard_that_a_kustomization_lists(tmp_path: Path) -> None:
    objects = compiled(tmp_path, {"shop.yaml": spec("shop")})

    assert {file: (each["kind"], each.get("metadata", {}).get("name")) for file, each in objects.items()} == {
        "kustomization.yaml": ("Kustomization", None),
        "slo-shop-dashboard.yaml": ("ConfigMap", "slo-shop-dashboard"),
        "slo-shop-rules.yaml": ("PrometheusRule", "slo-shop"),
        "slos-overview-dashboard.yaml": ("ConfigMap", "slos-overview-dashboard"),
    }
    assert objects["kustomization.yaml"]["resources"] == sorted(set(objects) - {"kustomization.yaml"})
    assert objects["slo-shop-rules.yaml"]["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "sloctl"}


def test_they_hold_what_the_other_target_writes(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "slos", tmp_path / "specs")
    main(["compile", str(tmp_path / "specs"), "-d", str(tmp_path)])

    objects = compiled(tmp_path, {file.name: file.read_text() for file in (tmp_path / "specs").iterdir()})

    rules = [each["spec"] for file, each in sorted(objects.items()) if each["kind"] == "PrometheusRule"]
    assert rules == [yaml.safe_load(file.read_text()) for file in sorted((tmp_path / "alerts").iterdir())]
    shown = [each["data"] for each in objects.values() if each["kind"] == "ConfigMap"]
    assert {name: json.loads(text) for data in shown for name, text in data.items()} == {
        file.name: json.loads(file.read_text()) for file in (tmp_path / "dashboards").iterdir()
    }


def test_kubernetes_knows_every_field_of_a_dashboard(tmp_path: Path) -> None:
    objects = compiled(tmp_path, {"shop.yaml": spec("shop")})

    maps = [each for each in objects.values() if each["kind"] == "ConfigMap"]

    assert {kubernetes_validate.validate(each, "1.30", strict=True) for each in maps} == {"1.30"}


def test_rules_too_large_for_one_object_are_split_between_groups_and_none_is_lost(tmp_path: Path) -> None:
    objects = compiled(tmp_path, {"shop.yaml": spec("shop", slos=30)})

    parts = {each["metadata"]["name"]: each["spec"]["groups"] for each in objects.values() if "spec" in each}

    assert sorted(parts)[:3] == ["slo-shop", "slo-shop.2", "slo-shop.3"]
    names = [group["name"] for groups in parts.values() for group in groups]
    assert len(names) == len(set(names))
    assert len({name.rsplit(":", 1)[0] for name in names}) == 30
    sizes = [
        (tmp_path / "manifests" / file).stat().st_size for file in objects if file.endswith("rules.yaml")
    ]
    # What `kubectl apply` can keep as an annotation.
    assert max(sizes) < 262_144


def test_the_operator_knows_every_field_of_the_rules(tmp_path: Path) -> None:
    schema = jsonschema.Draft7Validator(defined("PrometheusRule"))
    objects = compiled(tmp_path, {file.name: file.read_text() for file in (ROOT / "slos").iterdir()})

    rules = [each for each in objects.values() if each["kind"] == "PrometheusRule"]

    assert rules != []
    assert [error.message for each in rules for error in schema.iter_errors(each)] == []


@pytest.mark.parametrize("service", ["shop", "shop.eu", "a..b", "0", "x" * 63, "overview", "a-.b"])
def test_any_service_has_a_name_that_kubernetes_takes(service: str) -> None:
    name = operator.object_name(service)

    assert SUBDOMAIN.fullmatch(f"{name}.2-dashboard")
    assert len(name) <= 76


def test_no_two_services_share_a_name() -> None:
    services = ["shop-eu", "shop.eu", "shop..eu", "shop.-eu", "shop", "shop.2", "shop-2"]

    assert len({operator.object_name(service) for service in services}) == len(services)


def test_a_service_that_is_gone_is_named_and_stale_objects_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compiled(tmp_path, {"shop.yaml": spec("shop"), "till.yaml": spec("till")})
    (tmp_path / "slos" / "till.yaml").unlink()

    code = main(["compile", str(tmp_path / "slos"), "-d", str(tmp_path), "--target", "operator", "--check"])

    told = capsys.readouterr()
    assert code == 1
    assert "-  - slo-till-rules.yaml" in told.out
    assert f"{tmp_path}/manifests/slo-till-rules.yaml: compiled from none of these specs" in told.err


def test_without_a_directory_it_cannot_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shop.yaml").write_text(spec("shop"))

    assert main(["compile", str(tmp_path / "shop.yaml"), "--target", "operator"]) == 2
    assert "--target operator writes a directory: name it with -d" in capsys.readouterr().err


def test_kubectl_builds_the_kustomization(tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl") or shutil.which("kustomize")
    if kubectl is None:
        pytest.skip("missing real part: kubectl or kustomize")
    compiled(tmp_path, {"shop.yaml": spec("shop")})

    command = [
        kubectl,
        *(["kustomize"] if kubectl.endswith("kubectl") else ["build"]),
        str(tmp_path / "manifests"),
    ]
    built = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert sorted(each["kind"] for each in yaml.safe_load_all(built)) == [
        "ConfigMap",
        "ConfigMap",
        "PrometheusRule",
    ]


def test_dashboards_are_objects_of_an_operator_for_grafana_on_demand(tmp_path: Path) -> None:
    plain = compiled(tmp_path, {"shop.yaml": spec("shop", slos=3)})
    command = ["compile", str(tmp_path / "slos"), "-d", str(tmp_path / "out"), "--target", "operator"]

    main([*command, "--grafana-instances", "dashboards=grafana", "--grafana-instances", "team=shop"])

    manifests = tmp_path / "out" / "manifests"
    written = {file.name: yaml.safe_load(file.read_text()) for file in manifests.iterdir()}
    (text,) = plain["slo-shop-dashboard.yaml"]["data"].values()
    shop = written["slo-shop-dashboard.yaml"]
    assert set(written) == set(plain)
    assert shop.pop("spec") == {
        "instanceSelector": {"matchLabels": {"dashboards": "grafana", "team": "shop"}},
        "json": text,
    }
    assert shop == {
        "apiVersion": "grafana.integreatly.org/v1beta1",
        "kind": "GrafanaDashboard",
        "metadata": {
            "name": "slo-shop-dashboard",
            "labels": {"app.kubernetes.io/managed-by": "sloctl"},
        },
    }


@pytest.mark.parametrize("options", [["--target", "operator"], []])
def test_what_is_no_label_of_kubernetes_names_no_grafana(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(spec("shop"))
    command = ["compile", str(tmp_path / "shop.yaml"), "-d", str(tmp_path), *options]

    with pytest.raises(SystemExit, match="2"):
        main([*command, "--grafana-instances", "dashboards: grafana"])


def test_plain_dashboards_are_for_no_operator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shop.yaml").write_text(spec("shop"))
    command = ["compile", str(tmp_path / "shop.yaml"), "-d", str(tmp_path)]

    assert main([*command, "--grafana-instances", "dashboards=grafana"]) == 2
    assert "--grafana-instances is of --target operator" in capsys.readouterr().err


def test_a_dashboard_too_large_for_one_object_is_split_and_no_slo_is_lost(tmp_path: Path) -> None:
    objects = compiled(tmp_path, {"shop.yaml": spec("shop", slos=70)})

    parts = {file: each["data"] for file, each in objects.items() if file.endswith("-dashboard.yaml")}
    shown = [json.loads(text) for file in sorted(parts)[:2] for text in parts[file].values()]
    drawn = [panel["title"] for each in shown for panel in each["panels"] if panel["type"] == "row"]
    assert sorted(parts) == [
        "slo-shop-dashboard.yaml",
        "slo-shop.2-dashboard.yaml",
        "slos-overview-dashboard.yaml",
    ]
    assert len(set(drawn)) == len(drawn) == 70
    assert [each["title"] for each in shown] == ["SLOs of shop (1 of 2)", "SLOs of shop (2 of 2)"]
    assert shown[0]["uid"] == "sloctl-shop"
    assert [link["url"] for link in shown[0]["links"]] == ["/d/sloctl-overview", f"/d/{shown[1]['uid']}"]
    assert [link["url"] for link in shown[1]["links"]] == ["/d/sloctl-overview", "/d/sloctl-shop"]
    assert shown[0]["panels"][0] == shown[1]["panels"][0]


def test_an_slo_whose_text_kubernetes_refuses_is_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Each quote is two characters in JSON.
    words = 'a" ' * 300_000
    wordy = spec("shop").replace("objective:", f"description: {words}\n      objective:", 1)
    (tmp_path / "shop.yaml").write_text(wordy)
    command = ["compile", str(tmp_path), "-d", str(tmp_path / "out"), "--target", "operator"]

    code = main(command)

    assert code == 1
    assert re.fullmatch(
        r"manifests/slo-shop-dashboard.yaml:1:1: this dashboard of one SLO has \d,\d\d\d,\d\d\d bytes, and "
        r"Kubernetes takes 1,048,576 in a ConfigMap: shorten what the SLO says in words "
        r"\[dashboard-too-large\]\n",
        capsys.readouterr().err,
    )
    assert not (tmp_path / "out").exists()


def test_a_large_dashboard_fits_while_kubernetes_takes_it(tmp_path: Path) -> None:
    objects = compiled(tmp_path, {"shop.yaml": spec("shop", slos=40)})

    (text,) = objects["slo-shop-dashboard.yaml"]["data"].values()
    written = (tmp_path / "manifests/slo-shop-dashboard.yaml").read_text()

    assert operator.dashboard_bytes(written) == len(text.encode()) <= operator.MAX_CONFIG_MAP_BYTES
