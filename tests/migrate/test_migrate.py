"""What `sloctl migrate` writes and says."""

import json
from pathlib import Path

import pytest

from sloctl.cli.main import main

SERVICE = """\
version: prometheus/v1
service: shop
labels: {team: checkout}
slos:
  # One in a thousand.
  - name: availability
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(http_total{code=~"5.."}[{{.window}}])) or vector(0)
        total_query: sum(rate(http_total[{{.window}}]))
    alerting:
      name: ShopErrors
      page_alert: {labels: {severity: critical}}
"""
WRITTEN = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata:
  name: shop
  labels:
    team: checkout
spec:
  alerting:
    minErrors: 0
    exhausted:
      disabled: true
    exhausting:
      disabled: true
    noData:
      disabled: true
  slos:
    # One in a thousand.
    - name: availability
      objective: 99.9%
      indicator:
        ratio:
          error: http_total{code=~"5.."}
          total: http_total
      alerting:
        names:
          page: ShopErrors
          ticket: ShopErrors
        page:
          labels:
            severity: critical
"""
PRIVATE = """\
  - name: private
    objective: 99
    sli: {plugin: {id: ours}}
    alerting: {name: Private}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_service_becomes_a_file_of_ours(folder: Path) -> None:
    (folder / "sloth.yaml").write_text(SERVICE)

    assert main(["migrate", "sloth.yaml", "-d", "slos"]) == 0

    assert (folder / "slos" / "shop.yaml").read_text() == WRITTEN


def test_what_is_refused_keeps_nothing_else_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "sloth.yaml").write_text(SERVICE + PRIVATE)

    assert main(["migrate", "sloth.yaml", "-d", "slos", "-o", "json"]) == 1

    report = json.loads(capsys.readouterr().out)
    assert report["counts"] == {"clean": 1, "changed": 0, "refused": 1}
    assert [problem["code"] for problem in report["problems"]] == ["sli-plugin"]
    assert (folder / "slos" / "shop.yaml").read_text() == WRITTEN


def test_the_report_says_what_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "sloth.yaml").write_text(SERVICE.replace("sum(rate(http_total[", "sum(irate(http_total["))

    assert main(["migrate", "sloth.yaml", "-o", "markdown"]) == 0

    out = capsys.readouterr().out
    assert "1 SLOs: 0 clean, 1 changed, 0 refused" in out
    assert "| shop/availability | changed | sloth.yaml:6 |" in out
    assert not (folder / "slos").exists()


def test_the_same_slo_in_two_files_is_written_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.yaml").write_text(SERVICE)
    (folder / "b.yaml").write_text(SERVICE)

    assert main(["migrate", ".", "-d", "slos"]) == 1

    assert "b.yaml:6:11: shop/availability stands here again" in capsys.readouterr().out
    assert (folder / "slos" / "shop.yaml").read_text() == WRITTEN


def test_names_stay_with_the_label_style_of_sloth(folder: Path) -> None:
    (folder / "sloth.yaml").write_text(SERVICE.replace("service: shop", "service: Shop_Front"))

    assert main(["migrate", "sloth.yaml", "-d", "slos", "--label-style", "sloth"]) == 0

    assert "  name: Shop_Front\n" in (folder / "slos" / "Shop_Front.yaml").read_text()


def test_without_it_they_become_names_of_ours(folder: Path) -> None:
    (folder / "sloth.yaml").write_text(SERVICE.replace("service: shop", "service: Shop_Front"))

    assert main(["migrate", "sloth.yaml", "-d", "slos"]) == 0

    assert "  name: shop-front\n" in (folder / "slos" / "shop-front.yaml").read_text()
