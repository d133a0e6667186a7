"""Two days of recorded rollups on a real Prometheus, and what the report tells of them."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sloctl.cli.main import main
from sloctl.cli.report import parse_month
from sloctl.timestamps import format_day
from tests.real import backfill, running_prometheus

SPEC = """
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop, labels: {team: checkout}}
spec:
  slos:
    - name: orders
      objective: 99.9%
      reviewBy: 2020-01-31
      indicator: &INDICATOR
    - name: search
      objective: 99%
      reviewBy: 2999-12-31
      indicator: &INDICATOR
    - name: silent
      objective: 99%
      indicator: &INDICATOR
""".replace("&INDICATOR", "{ratio: {error: 'errors_total', total: requests_total}}")
# 2026-10-01 00:00 UTC, and the end of the next day.
START, END = 1790812800, 1790985600
DAY = 86400
SPAN = ("--from", "2026-10-01", "--until", "2026-10-03")
# Of 576,500 events a thousandth may be bad: 576.5. Ten minutes of a tenth are 200 of them.
OUTAGE = START + DAY + 3600
REPAIRED = START + 20 * 3600


def rollups() -> Iterator[tuple[str, float, float]]:
    """Every five minutes a thousand events of each SLO; a tenth of those of orders fail in the outage.

    In the two days before a twentieth of a percent failed. A repair found a hundred bad events more.
    """
    for name in ("orders", "search"):
        identity = f'slo_id="shop/{name}",slo_service="shop",slo_name="{name}"'
        for at in range(START - 2 * DAY + 137, END, 300):
            bad = 100.0 if OUTAGE < at <= OUTAGE + 600 and name == "orders" else 0.0
            if at < START and name == "orders":
                bad = 0.5
            yield f"slo:sli_total:increase5m{{{identity}}}", 1000, at
            yield f"slo:sli_error:increase5m{{{identity}}}", bad, at
        repaired = f'{identity},slo_part="repair"'
        yield f"slo:sli_total:increase5m{{{repaired}}}", 500, REPAIRED
        yield f"slo:sli_error:increase5m{{{repaired}}}", 100, REPAIRED


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the command prints of the two days, in each form."""
    directory = tmp_path_factory.mktemp("report")
    (directory / "shop.yaml").write_text(SPEC)
    backfill(directory, rollups())
    printed = {}
    with running_prometheus(directory) as prometheus, pytest.MonkeyPatch.context() as patch:
        for form in ("text", "json", "csv", "markdown", "html"):
            with (directory / form).open("w") as file:
                patch.setattr("sys.stdout", file)
                arguments = [str(directory / "shop.yaml"), "--prometheus", prometheus.url, *SPAN]
                assert main(["report", *arguments, "-o", form]) == 0
            printed[form] = (directory / form).read_text()
    return printed


def test_what_was_spent_includes_repairs(reports: dict[str, str]) -> None:
    orders = json.loads(reports["json"])["slos"][0]

    assert orders["id"] == "shop/orders"
    assert orders["met"] is True
    assert orders["events"] == 2 * 288 * 1000 + 500
    assert orders["errors"] == 300
    assert orders["budgetSpent"] == pytest.approx(300 / 576.5)


def test_the_span_before_is_told_beside_it(reports: dict[str, str]) -> None:
    orders = json.loads(reports["json"])["slos"][0]

    assert orders["budgetSpentBefore"] == pytest.approx(0.5, rel=0.001)


def test_a_repair_s_late_stamp_is_no_incident(reports: dict[str, str]) -> None:
    [incident] = json.loads(reports["json"])["slos"][0]["incidents"]

    assert incident["severity"] == "page"
    assert incident["from"] == "2026-10-02T01:00:00.000Z"
    assert incident["errors"] == 200


def test_no_data_is_neither_met_nor_missed(reports: dict[str, str]) -> None:
    silent = json.loads(reports["json"])["slos"][-1]

    assert (silent["id"], silent["met"], silent["budgetSpent"]) == ("shop/silent", None, None)
    assert "Without data: shop/silent." in reports["text"]


def test_reviews_that_are_due_or_missing_are_named(reports: dict[str, str]) -> None:
    assert "Review is due: shop/orders (by 2020-01-31)." in reports["text"]
    assert "Without reviewBy: shop/silent." in reports["text"]


def test_services_and_teams_are_counted(reports: dict[str, str]) -> None:
    groups = json.loads(reports["json"])["groups"]

    assert [(it["kind"], it["name"], it["met"], it["missed"], it["noData"]) for it in groups] == [
        ("service", "shop", 2, 0, 1),
        ("team", "checkout", 2, 0, 1),
    ]


def test_the_csv_has_a_line_for_each(reports: dict[str, str]) -> None:
    rows = list(csv.DictReader(reports["csv"].splitlines()))

    assert [(row["slo"], row["verdict"], row["incidents"]) for row in rows] == [
        ("orders", "met", "1"),
        ("search", "met", "0"),
        ("silent", "no data", "0"),
    ]


def test_text_and_pages_tell_the_same(reports: dict[str, str]) -> None:
    for form in ("text", "markdown", "html"):
        assert "52.0 %" in reports[form]
        assert "50.0 % →" in reports[form]
    assert "http" not in reports["html"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "name either --month 2026-10, or --from and --until"),
        (
            ["--month", "2026-10", "--from", "2026-10-01"],
            "name either --month 2026-10, or --from and --until",
        ),
        (["--from", "2026-10-02", "--until", "2026-10-01"], "the report would begin at 2026-10-02"),
        (["--month", "2999-01"], "the report would begin at 2999-01-01"),
    ],
)
def test_a_span_that_is_none_could_not_run(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop.yaml").write_text(SPEC)

    code = main(["report", str(tmp_path / "shop.yaml"), "--prometheus", "http://127.0.0.1:1", *options])

    assert code == 2
    assert message in capsys.readouterr().err


def test_months_are_those_of_the_calendar() -> None:
    (start, end), (before, _) = parse_month("2026-01")

    assert [format_day(at) for at in (before, start, end)] == ["2025-12-01", "2026-01-01", "2026-02-01"]


@pytest.mark.parametrize("text", ["2026-13", "2026", "0000-01", "october"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a month is like 2026-10"):
        parse_month(text)
