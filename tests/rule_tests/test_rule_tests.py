"""`compile --tests`: what promtool says of them, and what they notice."""

import subprocess
from pathlib import Path
from typing import Final

import pytest

from sloctl.cli.main import main
from tests.real import promtool
from tests.rule_tests.mutation import is_noticed, mutate_constants

HEADER: Final = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop, labels: {team: checkout}}
spec:
  scrapeInterval: 15s
  slos:
"""
AVAILABILITY: Final = """\
    - name: availability
      objective: 99.9%
      indicator:
        ratio:
          error: http_requests_total{job="shop", code=~"5..", method!="OPTIONS"}
          total: http_requests_total{job="shop", method!="OPTIONS"}
"""
KINDS: Final = {
    "ratio": AVAILABILITY,
    "good": "    - {name: it, objective: 99%, indicator: {ratio: {good: 'ok_total{path=~\"/a/.+|/b\"}', "
    "total: all_total}}}\n",
    "minus": "    - {name: it, objective: 99%, groupBy: [zone], indicator: {ratio: {error: [bad_total, "
    "worse_total], minus: aborted_total, total: all_total}}}\n",
    "latency": "    - {name: it, objective: 99%, window: 7d, groupBy: [route], indicator: {latency: "
    "{histogram: h_seconds, threshold: 300ms}}}\n",
    "probe": "    - {name: it, objective: 99.5%, indicator: {probe: {metric: probe_success}}}\n",
    "condition": "    - {name: it, objective: 99%, indicator: {condition: {good: 'max(lag) < 9', "
    "whenAbsent: bad}}}\n",
    "query": "    - {name: it, objective: 99%, indicator: {query: {good: 'sum(increase(a_total[$window]))', "
    "total: 'sum(increase(b_total[$window]))'}}, alerting: {confidence: 95%, noData: {after: 20m}}}\n",
    "short lookbacks": "    - {name: it, objective: 99%, window: 1d, indicator: {ratio: {error: bad_total, "
    "total: all_total}}, alerting: {policy: [{severity: page, factor: 14, long: 10m, short: 1m}, {severity: "
    "page, factor: 7, long: 20m, short: 2m}]}}\n",
    "error ratio": "    - {name: it, objective: 90%, indicator: {errorRatio: 'sum(rate(e_total[$window])) / "
    "sum(rate(t_total[$window]))'}, alerting: {policy: [{severity: page, factor: 2, long: 1h, short: 5m, "
    "for: 4m}, {severity: ticket, factor: 1, long: 1d, short: 2h, for: 1h}]}}\n",
}


def compiled(directory: Path, slo: str, *options: str) -> Path:
    (directory / "shop.yaml").write_text(HEADER + slo)
    assert main(["compile", str(directory / "shop.yaml"), "-d", str(directory), "--tests", *options]) == 0
    return directory


def tried(directory: Path) -> str:
    """What promtool says of the tests of a directory; empty where all hold."""
    files = sorted((directory / "rule_tests").glob("*.yaml"))
    done = subprocess.run([promtool(), "test", "rules", *files], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_the_compiled_tests_hold(tmp_path: Path, kind: str) -> None:
    assert tried(compiled(tmp_path, KINDS[kind])) == ""


def test_the_compiled_tests_hold_under_the_labels_of_sloth(tmp_path: Path) -> None:
    assert tried(compiled(tmp_path, AVAILABILITY, "--label-style", "sloth")) == ""


def test_tests_are_the_same_bytes_every_time_and_are_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compiled(tmp_path, AVAILABILITY)
    tests = tmp_path / "rule_tests" / "shop.yaml"
    tests.write_text(tests.read_text().replace("999000000", "990000000"))

    code = main(["compile", str(tmp_path / "shop.yaml"), "-d", str(tmp_path), "--tests", "--check"])

    assert code == 1
    assert "rule_tests/shop.yaml (compiled)" in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["-d", "out", "--target", "operator"]])
def test_tests_belong_to_rule_files_in_a_directory(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "shop.yaml").write_text(HEADER + AVAILABILITY)

    assert main(["compile", str(tmp_path / "shop.yaml"), "--tests", *options]) == 2


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("> 0.0144", "> 0.0288"),
        ("* 60 / 75", "* 60 / 60"),
        ("[2d23h57m30s]", "[3d23h57m30s]"),
    ],
)
def test_a_changed_constant_is_noticed(tmp_path: Path, right: str, wrong: str) -> None:
    rules = compiled(tmp_path, AVAILABILITY) / "alerts" / "shop.yaml"
    assert right in rules.read_text()
    rules.write_text(rules.read_text().replace(right, wrong))

    assert "FAILED" in tried(tmp_path)


@pytest.mark.full
def test_nearly_every_changed_constant_is_noticed(tmp_path: Path) -> None:
    rules = (compiled(tmp_path, AVAILABILITY) / "alerts" / "shop.yaml").read_text()
    mutations = list(mutate_constants(rules))

    survived = [each for each in mutations if not is_noticed(tmp_path, each, "shop")]

    print(f"{len(mutations) - len(survived)} of {len(mutations)} noticed")
    for each in survived:
        print(f"not noticed: {each.rule}: {each.constant} in {each.line}")
    # How long the slow group's record of its first count is held: the rules of a test record it again and
    # again, so that it is never as old.
    assert {(each.rule, each.constant) for each in survived} <= {("slo:period_covered:ratio", "10m")}
