"""`sloctl compile` as CI and a person use it."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sloctl.cli.main import main

SPEC = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: NAME}
spec:
  slos:
    - name: availability
      objective: 99.9%
      indicator: {probe: {metric: probe_success}}
"""


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A directory of two specs."""
    directory = tmp_path / "slos"
    directory.mkdir()
    for name in ("till", "shop"):
        (directory / f"{name}.yaml").write_text(SPEC.replace("NAME", name))
    return directory


def tree(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*") if path.is_file()
    }


def test_a_directory_compiles_into_alerts_and_dashboards(specs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    code = main(["compile", str(specs), "-d", str(out)])

    assert code == 0
    assert sorted(tree(out)) == [
        "alertmanager/inhibit_rules.yaml",
        "alertmanager/sloctl.tmpl",
        "alerts/shop.yaml",
        "alerts/till.yaml",
        "dashboards/_overview.json",
        "dashboards/shop.json",
        "dashboards/till.json",
    ]


def test_the_order_of_files_changes_nothing(specs: Path, tmp_path: Path) -> None:
    shop, till = str(specs / "shop.yaml"), str(specs / "till.yaml")

    main(["compile", shop, till, "-d", str(tmp_path / "one")])
    main(["compile", till, shop, "-d", str(tmp_path / "other")])

    assert tree(tmp_path / "one") == tree(tmp_path / "other")


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_same_bytes_come_out_of_every_run(seed: str, specs: Path, tmp_path: Path) -> None:
    main(["compile", str(specs), "-d", str(tmp_path / "here")])

    command = [sys.executable, "-m", "sloctl", "compile", str(specs), "-d", str(tmp_path / "there")]
    subprocess.run(command, check=True, env={"PYTHONHASHSEED": seed}, capture_output=True)

    assert tree(tmp_path / "here") == tree(tmp_path / "there")


def test_without_an_output_directory_the_rules_are_printed(
    specs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["compile", str(specs)])

    groups = yaml.safe_load(capsys.readouterr().out)["groups"]
    assert code == 0
    assert [group["name"] for group in groups] == [
        "slo:shop/availability:fast",
        "slo:shop/availability:slow",
        "slo:till/availability:fast",
        "slo:till/availability:slow",
    ]


def test_a_dash_is_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SPEC.replace("NAME", "shop").encode())))

    code = main(["compile", "-"])

    assert code == 0
    assert "slo:shop/availability:fast" in capsys.readouterr().out


def test_one_bad_spec_and_nothing_is_written(
    specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    main(["compile", str(specs), "-d", str(out)])
    before = tree(out)
    (specs / "shop.yaml").write_text(SPEC.replace("NAME", "shop").replace("99.9%", "99%"))
    (specs / "till.yaml").write_text(SPEC.replace("NAME", "till").replace("99.9%", "100%"))
    capsys.readouterr()

    code = main(["compile", str(specs), "-d", str(out)])

    assert code == 1
    assert f"{specs}/till.yaml:7:18: " in capsys.readouterr().err
    assert tree(out) == before


def test_check_is_silent_when_the_output_is_current(
    specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["compile", str(specs), "-d", str(tmp_path)])
    capsys.readouterr()

    code = main(["compile", str(specs), "-d", str(tmp_path), "--check"])

    assert (code, *capsys.readouterr()) == (0, "", "")


def test_check_shows_what_is_stale_and_writes_nothing(
    specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["compile", str(specs), "-d", str(tmp_path)])
    rules = tmp_path / "alerts" / "shop.yaml"
    stale = rules.read_text().replace("vector(0.999)", "vector(0.99)")
    rules.write_text(stale)
    (tmp_path / "dashboards" / "till.json").unlink()
    capsys.readouterr()

    code = main(["compile", str(specs), "-d", str(tmp_path), "--check"])

    diff = capsys.readouterr().out
    assert code == 1
    assert "\n-    expr: 'vector(0.99)'\n+    expr: 'vector(0.999)'\n" in diff
    assert f"--- /dev/null\n+++ {tmp_path}/dashboards/till.json (compiled)\n" in diff
    assert rules.read_text() == stale


def test_rules_whose_spec_is_gone_are_named_and_kept(
    specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["compile", str(specs), "-d", str(tmp_path)])
    (tmp_path / "alerts" / "by-hand.yaml").write_text("groups: []\n")
    (specs / "till.yaml").unlink()
    capsys.readouterr()

    code = main(["compile", str(specs), "-d", str(tmp_path), "--check"])

    left = tmp_path / "alerts" / "till.yaml"
    assert code == 0
    assert capsys.readouterr().err == (
        f"{left}: compiled from none of these specs; remove it if its own is gone\n"
    )
    assert left.exists()


def test_check_without_a_directory_could_not_run(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["compile", str(specs), "--check"])

    assert code == 2
    assert capsys.readouterr().err == "sloctl compile: --check compares with a directory: name it with -d\n"


@pytest.mark.parametrize("command", [["compile"], ["backfill", "--prometheus", "http://127.0.0.1:1"]])
@pytest.mark.parametrize("option", ["-o", "--output"])
def test_a_directory_after_o_says_to_name_it_with_d(
    command: list[str], option: str, specs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([*command, str(specs), option, "."])

    assert left.value.code == 2
    assert capsys.readouterr().err == (
        f"sloctl {command[0]}: -o is a format, and this command has only one: "
        f"name the directory with -d/--output-dir (see sloctl {command[0]} --help)\n"
    )


def test_a_directory_that_cannot_be_written_could_not_run_and_keeps_what_it_had(
    specs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dashboards").write_text("a file where a directory should be")
    before = tree(tmp_path)

    code = main(["compile", str(specs), "-d", str(tmp_path)])

    assert code == 2
    assert capsys.readouterr().err == f"sloctl compile: {tmp_path}/dashboards/shop.json: Not a directory\n"
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("part", "folders"), [("rules", {"alerts", "alertmanager"}), ("dashboards", {"dashboards"})]
)
def test_one_part_is_compiled_by_itself_on_demand(
    part: str, folders: set[str], specs: Path, tmp_path: Path
) -> None:
    main(["compile", str(specs), "-d", str(tmp_path / "all")])

    code = main(["compile", str(specs), "-d", str(tmp_path / "part"), "--only", part])

    every = tree(tmp_path / "all")
    assert code == 0
    assert tree(tmp_path / "part") == {
        path: text for path, text in every.items() if path.split("/")[0] in folders
    }


def test_manifests_of_rules_alone_list_no_dashboards(specs: Path, tmp_path: Path) -> None:
    code = main(["compile", str(specs), "-d", str(tmp_path), "--target", "operator", "--only", "rules"])

    assert code == 0
    assert sorted(path.name for path in (tmp_path / "manifests").iterdir()) == [
        "kustomization.yaml",
        "slo-shop-rules.yaml",
        "slo-till-rules.yaml",
    ]
    assert "dashboard" not in (tmp_path / "manifests" / "kustomization.yaml").read_text()


def test_dashboards_alone_ask_for_a_directory(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["compile", str(specs), "--only", "dashboards"])

    assert code == 2
    assert capsys.readouterr().err == (
        "sloctl compile: --only dashboards writes a directory: name it with -d\n"
    )


def test_sloths_label_names_are_there_for_the_asking(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["compile", str(specs / "shop.yaml"), "--label-style", "sloth"])

    rules = yaml.safe_load(capsys.readouterr().out)["groups"][0]["rules"]
    ratio = next(rule for rule in rules if rule.get("record") == "slo:sli_error:ratio_rate5m")
    assert ratio["labels"] == {
        "sloth_id": "shop-availability",
        "sloth_service": "shop",
        "sloth_slo": "availability",
        "sloth_window": "5m",
    }
    info = next(rule for rule in rules if rule.get("record") == "sloth_slo_info")
    # As a number: `sloth server` does not start on a percentage.
    assert info["labels"]["sloth_objective"] == "99.9"


@pytest.mark.parametrize("target", ["prometheus", "mimir", "thanos-ruler", "victoriametrics"])
def test_labels_that_servers_add_tell_clusters_apart(target: str, specs: Path, tmp_path: Path) -> None:
    plain, apart = tmp_path / "plain", tmp_path / "apart"

    main(["compile", str(specs), "-d", str(plain), "--target", target])
    main(["compile", str(specs), "-d", str(apart), "--target", target, "--external-label", "cluster"])

    changed = {name for name, text in tree(apart).items() if tree(plain)[name] != text}
    inhibitions = yaml.safe_load((apart / "alertmanager" / "inhibit_rules.yaml").read_text())
    assert changed == {
        "alertmanager/inhibit_rules.yaml",
        "dashboards/_overview.json",
        "dashboards/shop.json",
        "dashboards/till.json",
    }
    assert {tuple(rule["equal"]) for rule in inhibitions["inhibit_rules"]} == {("slo_id", "cluster")}
    assert "max by (slo_id, cluster) (slo_info)" in (apart / "dashboards" / "_overview.json").read_text()
    assert "max by (cluster)" in (apart / "dashboards" / "shop.json").read_text()


@pytest.mark.parametrize("target", ["operator", "victoriametrics-operator"])
def test_dashboards_in_manifests_tell_clusters_apart(target: str, specs: Path, tmp_path: Path) -> None:
    main(["compile", str(specs), "-d", str(tmp_path), "--target", target, "--external-label", "cluster"])

    overview = (tmp_path / "manifests" / "slos-overview-dashboard.yaml").read_text()

    assert "max by (slo_id, cluster) (slo_info)" in overview


def test_a_label_of_ours_is_no_external_label(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["compile", str(specs), "--external-label", "slo_id"])

    assert "slo_id is a label that sloctl or Prometheus writes: rename it" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["compile", "validate"])
def test_a_spec_that_is_not_there_could_not_run(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([command, f"{tmp_path}/absent.yaml"])

    assert code == 2
    assert capsys.readouterr().err == f"sloctl {command}: {tmp_path}/absent.yaml: No such file or directory\n"


def test_a_reader_that_has_had_enough_is_no_crash() -> None:
    compiling = subprocess.Popen(
        [sys.executable, "-m", "sloctl", "compile", "slos"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert compiling.stdout is not None
    assert compiling.stderr is not None

    assert compiling.stdout.read(1) == b"#"
    compiling.stdout.close()

    assert compiling.stderr.read() == b""
    compiling.stderr.close()
    compiling.wait()
