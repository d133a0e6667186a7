"""What an SLO does not say: its document does, and below that the repository; a value keeps its place."""

import json
from pathlib import Path
from typing import Final

import pytest

from sloctl.cli.main import main
from sloctl.spec import read_specs
from tests.spec.specs import HEADER, INDICATOR, specs

ROOT: Final = Path(__file__).parents[2]
SHARED: Final = f"""\
{HEADER}\
spec:
  objective: 99.9%
  window: {{calendar: month, timeZone: Europe/Berlin}}
  groupBy: [zone]
  slos:
    - name: takes
{INDICATOR}\
    - name: has-its-own
      objective: 95%
      window: {{calendar: week}}
      groupBy: []
{INDICATOR}\
    - name: several
      objectives:
        - {{name: contract, objective: 99%}}
        - {{name: internal, objective: 99.5%, window: {{calendar: week}}}}
{INDICATOR}"""
WRITTEN_OUT: Final = f"""\
{HEADER}\
spec:
  slos:
    - name: takes
      objective: 99.9%
      window: {{calendar: month, timeZone: Europe/Berlin}}
      groupBy: [zone]
{INDICATOR}\
    - name: has-its-own
      objective: 95%
      window: {{calendar: week}}
{INDICATOR}\
    - name: several-contract
      objective: 99%
      window: {{calendar: month, timeZone: Europe/Berlin}}
      groupBy: [zone]
{INDICATOR}\
    - name: several-internal
      objective: 99.5%
      window: {{calendar: week}}
      groupBy: [zone]
{INDICATOR}"""
SETTINGS: Final = """\
apiVersion: sloctl.dev/v1
kind: RepositorySettings
defaults:
  scrapeInterval: 15s
  objective: 99%
  window: {calendar: month}
  groupBy: [cluster]
  labels: {tier: "2", cloud: own}
  annotations: {grafana_url: https://grafana.example.com}
  alerting: {severity: {page: critical}}
"""
SPEC: Final = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata:
  name: shop
  labels: {team: checkout, tier: "1"}
spec:
  objective: 99.9%
  slos:
    - name: availability
      indicator: {ratio: {error: 'e_total{job="a"}', total: 't_total{job="a"}'}}
    - name: fresh
      window: 7d
      indicator: {condition: {good: min by (cluster) (fresh) > 0}}
      alerting: {policy: [{severity: page, budgetShare: 2%, long: 1h, short: 5m}]}
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".sloctl.yaml").write_text(SETTINGS)
    (tmp_path / "shop.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_a_document_shares_is_as_if_written_out() -> None:
    shared = specs(SHARED)

    assert shared.problems == ()
    assert shared.slos == specs(WRITTEN_OUT).slos


def test_a_repository_is_laid_below_its_documents() -> None:
    read = read_specs([("shop.yaml", SPEC.encode()), (".sloctl.yaml", SETTINGS.encode())])

    availability, fresh = read.slos
    assert read.problems == ()
    assert str(availability.objective) == "999/1000"
    assert availability.group_by == fresh.group_by == ("cluster",)
    assert availability.labels == {"tier": "1", "cloud": "own", "team": "checkout"}
    assert availability.annotations == {"grafana_url": "https://grafana.example.com"}
    assert fresh.window.seconds == 7 * 86400


@pytest.mark.usefixtures("repository")
def test_it_lists_where_each_value_comes_from(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["explain", "shop.yaml", "--effective"])

    assert code == 0
    assert (
        capsys.readouterr().out
        == """\
shop/availability
  key                         from              value
  objective                   shop.yaml:7       99.9%
  window.calendar             .sloctl.yaml:6    month
  groupBy                     .sloctl.yaml:7    [cluster]
  scrapeInterval              .sloctl.yaml:4    15s
  indicator.ratio.error       shop.yaml:10      e_total{job="a"}
  indicator.ratio.total       shop.yaml:10      t_total{job="a"}
  labels.tier                 shop.yaml:5       1
  labels.cloud                .sloctl.yaml:8    own
  labels.team                 shop.yaml:5       checkout
  annotations.grafana_url     .sloctl.yaml:9    https://grafana.example.com
  alerting.severity.page      .sloctl.yaml:10   critical
  alerting.policy             sloctl's default  the SRE workbook's
  alerting.minErrors          sloctl's default  2
  alerting.exhausting.within  sloctl's default  1d
  alerting.noData.after       sloctl's default  10m
  alerting.noData.severity    sloctl's default  ticket

shop/fresh
  key                         from              value
  objective                   shop.yaml:7       99.9%
  window                      shop.yaml:12      7d
  groupBy                     .sloctl.yaml:7    [cluster]
  scrapeInterval              .sloctl.yaml:4    15s
  indicator.condition.good    shop.yaml:13      min by (cluster) (fresh) > 0
  labels.tier                 shop.yaml:5       1
  labels.cloud                .sloctl.yaml:8    own
  labels.team                 shop.yaml:5       checkout
  annotations.grafana_url     .sloctl.yaml:9    https://grafana.example.com
  alerting.severity.page      .sloctl.yaml:10   critical
  alerting.policy[0]          shop.yaml:14      {severity: page, budgetShare: 2%, long: 1h, short: 5m}
  alerting.exhausting.within  sloctl's default  1d
  alerting.noData.after       sloctl's default  10m
  alerting.noData.severity    sloctl's default  ticket
"""
    )


@pytest.mark.usefixtures("repository")
def test_the_documents_quote_what_it_lists(capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "shop.yaml", "--effective", "--slo", "shop/availability"])

    assert f"```text\n{capsys.readouterr().out}```" in (ROOT / "docs" / "explain.md").read_text()


@pytest.mark.usefixtures("repository")
def test_json_has_the_file_line_and_column(capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "shop.yaml", "--effective", "--slo", "shop/fresh", "-o", "json"])

    [slo] = json.loads(capsys.readouterr().out)
    values = {each.pop("key"): each for each in slo["values"]}
    assert slo["id"] == "shop/fresh"
    assert values["groupBy"] == {"value": "[cluster]", "file": ".sloctl.yaml", "line": 7, "column": 12}
    assert values["alerting.noData.after"] == {"value": "10m", "file": None, "line": None, "column": None}


def test_a_default_about_events_passes_over_minutes(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = repository / ".sloctl.yaml"
    settings.write_text(SETTINGS.replace("alerting: {", "alerting: {minErrors: 7, "))

    main(["explain", "shop.yaml", "--effective"])

    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if "minErrors" in line] == [
        ["alerting.minErrors", ".sloctl.yaml:10", "7"]
    ]


def test_mistakes_in_a_repository_are_told_once(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = repository / ".sloctl.yaml"
    settings.write_text(
        SETTINGS.replace("99%", "100%")
        .replace("{calendar: month}", "{calendar: month, timeZone: Here}")
        .replace("[cluster]", "[cluster, cluster]")
        .replace("cloud: own", "slo_id: own")
        .replace("grafana_url", "7up")
    )

    main(["validate", ".", "-o", "concise"])

    assert capsys.readouterr().out.splitlines() == [
        ".sloctl.yaml:5:14: objective must be below 100 %, got 100%: without an error budget nothing can "
        "burn [objective-range]",
        ".sloctl.yaml:6:39: timeZone is a name of the time zone database, like UTC or Europe/Berlin, got "
        "Here [time-zone]",
        ".sloctl.yaml:7:22: cluster stands here again: remove it [group-by-twice]",
        ".sloctl.yaml:8:23: slo_id is a label that sloctl or Prometheus writes: rename it [reserved-label]",
        ".sloctl.yaml:9:17: an annotation name is at most 63 letters, digits and _, no digit first, got 7up "
        "[label-name]",
    ]


def test_a_label_cannot_be_a_groups_own(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = repository / ".sloctl.yaml"
    settings.write_text(SETTINGS.replace("cloud: own", "cluster: own"))

    main(["validate", ".", "-o", "concise"])

    assert capsys.readouterr().out.splitlines() == [
        ".sloctl.yaml:8:23: cluster is in groupBy and has a value for each group: remove it here "
        "[label-collision]"
    ]
