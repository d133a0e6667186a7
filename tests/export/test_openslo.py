"""What is written as OpenSLO reads back as the SLOs it was."""

from pathlib import Path
from typing import Final

import pytest
import yaml
from msgspec.structs import replace

from sloctl.cli.main import main
from sloctl.compiler import compile_artefacts
from sloctl.export.openslo import export_openslo
from sloctl.naming import NATIVE_STYLE
from sloctl.problems import ProblemLevel
from sloctl.spec import read_specs

ROOT: Final = Path(__file__).parents[2]
SPECS: Final = sorted([*(ROOT / "slos").glob("*.yaml"), *(ROOT / "tests" / "migrate").glob("[op]*/*.yaml")])
KINDS: Final = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop, labels: {team: shop}, annotations: {runbook_url: "https://r.example.com"}}
spec:
  description: The shop.
  scrapeInterval: 15s
  alerting: {severity: {page: p1, ticket: p3}, minErrors: 5}
  slos:
    - name: errors
      objective: 99.95%
      window: 28d
      groupBy: [route, method]
      indicator: {ratio: {error: ['a_total{code="500"}', b_total], total: [a_total, c_total]}}
    - name: known-errors
      objective: 99%
      window: 84d
      indicator: {ratio: {good: a_total, total: b_total, countNewSeries: false, identityLabels: [job]}}
    - name: errors-less-aborted
      objective: 99%
      indicator: {ratio: {error: [a_total, b_total], minus: [c_total, d_total], total: e_total}}
    - name: latency
      objective: 99%
      window: 7d
      indicator: {latency: {histogram: 'request_seconds{job="shop"}', threshold: 2s}}
      alerting: {ticket: {disabled: true}, confidence: 95%}
    - name: native
      objective: 99%
      groupBy: [route]
      indicator: {latency: {histogram: request_seconds, threshold: 300ms, native: true}}
    - name: condition
      objective: 99.5%
      indicator: {condition: {good: time() - max(done_seconds) < 900, whenAbsent: bad}}
      alerting: {disabled: true}
    - name: probe
      objective: 99%
      window: 1d
      indicator: {probe: {metric: up}}
      alerting: {names: {page: Down}, noData: {severity: page, after: 3m}}
    - name: query
      objective: 99%
      indicator: {query: {good: "sum(increase(a_total[$window]))", total: "sum(increase(b_total[$window]))"}}
    - name: ratio
      objective: 99%
      indicator: {errorRatio: "1 - avg(avg_over_time(x[$window]))"}
    - name: preset
      objective: 99.9%
      indicator: {preset: {name: grpc-availability, with: {job: shop}}}
"""


def rules_after_export(texts: list[tuple[str, bytes]]) -> tuple[object, object]:
    """The artefacts of specs, and those of what they are as OpenSLO, which has no service hours."""
    specs = read_specs(texts)
    exported = export_openslo(specs.located)
    again = read_specs([(f"{file.service}.yaml", file.text.encode()) for file in exported])
    assert [it for it in again.problems if it.level is ProblemLevel.ERROR] == []
    slos = [replace(slo, active_hours=()) for slo in specs.slos]
    return compile_artefacts(slos, NATIVE_STYLE), compile_artefacts(again.slos, NATIVE_STYLE)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_spec_is_the_same_after_openslo(path: Path) -> None:
    before, after = rules_after_export([(path.name, path.read_bytes())])

    assert after == before


def test_every_indicator_is_the_same_after_openslo() -> None:
    before, after = rules_after_export([("shop.yaml", KINDS.encode())])

    assert after == before


def test_a_review_is_due_on_the_same_day_after_openslo() -> None:
    spec = KINDS.replace("      window: 28d\n", "      window: 28d\n      reviewBy: 2027-03-31\n")
    (file,) = export_openslo(read_specs([("shop.yaml", spec.encode())]).located)

    again = read_specs([("shop.yaml", file.text.encode())]).slos

    assert {slo.name: slo.review_by for slo in again}["errors"] == "2027-03-31"


def test_an_edited_threshold_counts_before_its_budget_share() -> None:
    specs = read_specs([("shop.yaml", KINDS.encode())])
    (file,) = export_openslo(specs.located)
    edited = file.text.replace("threshold: 13.44", "threshold: 10")

    slos = {slo.name: slo for slo in read_specs([("shop.yaml", edited.encode())]).slos}

    row = slos["errors"].alerting.policy[0]
    assert row.budget_share * 28 * 24 == 10


def test_objects_are_those_of_the_first_version() -> None:
    specs = read_specs([("shop.yaml", KINDS.encode())])

    (file,) = export_openslo(specs.located)

    objects = list(yaml.safe_load_all(file.text))
    assert {each["apiVersion"] for each in objects} == {"openslo/v1"}
    assert [each["kind"] for each in objects] == ["Service", *["SLO"] * 10]
    errors = next(each for each in objects if each["metadata"]["name"] == "errors")
    assert errors["spec"]["indicator"]["spec"]["ratioMetric"] == {
        "counter": True,
        "bad": source('sum by (route, method) (a_total{code="500"}) + sum by (route, method) (b_total)'),
        "total": source("sum by (route, method) (a_total) + sum by (route, method) (c_total)"),
    }
    assert errors["spec"]["timeWindow"] == [{"duration": "28d", "isRolling": True}]
    assert errors["spec"]["objectives"] == [{"target": 0.9995}]


def source(query: str) -> dict[str, object]:
    return {"metricSource": {"type": "Prometheus", "spec": {"query": query}}}


def test_the_command_writes_one_file_a_service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shop.yaml").write_text(KINDS)

    code = main(["export", str(tmp_path / "shop.yaml"), "--to", "openslo", "-d", str(tmp_path / "out")])

    assert code == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["shop.yaml"]
    assert "10 SLOs, 1 files, 1 changed" in capsys.readouterr().err


def test_a_spec_with_a_mistake_is_not_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shop.yaml").write_text(KINDS.replace("99.95%", "100%"))

    code = main(["export", str(tmp_path / "shop.yaml"), "--to", "openslo"])

    printed = capsys.readouterr()
    assert code == 1
    assert printed.out == ""
    assert "[objective-range]" in printed.err


def test_a_journey_is_left_out_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["export", str(ROOT / "slos"), "--to", "openslo", "-d", str(tmp_path)])

    assert code == 0
    assert "card-payment/journey is left out: OpenSLO has no formula for a journey" in capsys.readouterr().err
    assert not (tmp_path / "card-payment.yaml").exists()
