"""`sloctl explain`: what it says. What is on file here is renewed by `sloctl explain slos/X.yaml`."""

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest
from msgspec.structs import replace

from sloctl.cli.main import main
from sloctl.duration import DAY
from sloctl.explain.text_report import WIDTH, render_text
from sloctl.explain.timeline import explain_slo
from sloctl.model import (
    CountedSide,
    ErrorRatioIndicator,
    NativeLatencyIndicator,
    QueryIndicator,
    RatioIndicator,
    RollingWindow,
)
from sloctl.promql import read_query, read_selector
from sloctl.slo.policy import workbook_policy
from sloctl.spec import read_specs
from tests.rules.specimens import ALERTING, shop

GOLDEN = Path(__file__).parent / "explained"
SPECS = [path for path in sorted(Path("slos").glob("*.yaml")) if path.stem != "exclusions"]
HOSTILE = "<script>alert(1)</script> \x1b[2J \u202e" + "very" * 2500


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_it_says_of_a_shipped_spec(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A journey is read with the files of its parts.
    slos = read_specs((str(path), path.read_bytes()) for path in SPECS).slos
    asked = [word for slo in slos if slo.service == spec.stem for word in ("--slo", slo.id)]

    code = main(["explain", *map(str, SPECS), *asked])

    text = capsys.readouterr().out
    assert code == 0
    assert text == (GOLDEN / f"{spec.stem}.txt").read_text()
    assert max(map(len, text.splitlines())) <= WIDTH


def test_only_the_slos_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "slos", "--slo", "edge/reachable", "--slo", "ledger/availability", "-o", "json"])

    assert [slo["id"] for slo in json.loads(capsys.readouterr().out)] == [
        "edge/reachable",
        "ledger/availability",
    ]


def test_an_slo_that_no_spec_has_could_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "slos/edge.yaml", "--slo", "edge/reachble"]) == 2

    assert capsys.readouterr().err == (
        "sloctl explain: no spec has edge/reachble: did you mean edge/reachable?\n"
    )


def test_with_the_events_a_second_it_tells_the_budget_in_events(capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "slos/payments-api.yaml", "--slo", "payments-api/availability", "--per-second", "40"])

    assert "In events: 51,840 of the 103,680,000 of 30d." in capsys.readouterr().out


def test_json_has_null_for_what_never_happens(capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "slos/settlement.yaml", "--slo", "settlement/freshness", "-o", "json"])

    one_percent = json.loads(capsys.readouterr().out)[0]["outages"][2]
    page = one_percent["alerts"][0]
    assert (one_percent["bad"], page["alert"], page["long"]) == (0.01, "page", "1h")
    assert (page["afterSeconds"], page["budgetSpent"], page["endsAfterSeconds"]) == (None, None, None)


def test_too_few_events_for_the_floor_never_fire() -> None:
    quiet = explain_slo(shop(objective=Fraction(999, 1000)), per_second=0.0001)

    assert [firing.fires_after.is_never for firing in quiet.outages[0].alerts if firing.policy_row] == [
        True,
        False,
        False,
        False,
    ]


def test_what_is_taken_from_the_errors_is_named() -> None:
    less = RatioIndicator(
        CountedSide.ERROR,
        (read_selector("failed_total"),),
        (read_selector("all_total"),),
        minus=(read_selector("aborted_total"), read_selector("retried_total")),
    )

    text = render_text(explain_slo(shop(indicator=less)))

    assert (
        """\
  It is bad when it is also an increment of
    failed_total
  From these are taken, down to none, the increments of
    aborted_total
    retried_total
"""
        in text
    )


def test_confidence_takes_longer() -> None:
    sure = shop(alerting=replace(ALERTING, confidence=Fraction(95, 100)))

    plain, confident = (
        explain_slo(slo, per_second=0.01).outages[0].alerts[0].fires_after.earliest for slo in (shop(), sure)
    )

    assert plain < confident < 3600
    assert "with 95 % confidence" in render_text(explain_slo(sure))
    assert "are enough" not in render_text(explain_slo(sure))


@pytest.mark.parametrize(
    "indicator",
    [
        NativeLatencyIndicator(read_selector("seconds"), Fraction(3, 2)),
        ErrorRatioIndicator(read_query("avg_over_time(bad[$window])")),
        QueryIndicator(
            CountedSide.GOOD,
            read_query("sum(increase(good_total[$window]))"),
            read_query("sum(increase(all_total[$window]))"),
        ),
    ],
    ids=lambda indicator: type(indicator).__name__,
)
def test_hostile_text_is_shown_within_the_width(
    indicator: NativeLatencyIndicator | ErrorRatioIndicator | QueryIndicator,
) -> None:
    text = render_text(explain_slo(shop(indicator=indicator, description=HOSTILE)))

    assert max(map(len, text.splitlines())) <= WIDTH
    assert all(line.isprintable() for line in text.splitlines())
    assert r"\x1b[2J \u202e" in text


@pytest.mark.parametrize("days", [7, 28, 365])
@pytest.mark.parametrize("objective", ["0.05", "0.9", "0.9995", "0.9999999"])
@pytest.mark.parametrize("per_second", [None, 0.003, 123456789.5])
def test_any_numbers_fit_and_are_written_out(days: int, objective: str, per_second: float | None) -> None:
    alerting = replace(ALERTING, policy=workbook_policy(days * DAY), min_errors=1000)
    slo = shop(
        window=RollingWindow(days * DAY),
        objective=Fraction(objective),
        scrape_interval=299,
        alerting=alerting,
    )

    text = render_text(explain_slo(slo, per_second))

    assert max(map(len, text.splitlines())) <= WIDTH
    assert re.findall(r"\d*e[-+]\d+|\binf\b|\bnan\b", text) == []


def test_a_broken_spec_is_told_and_not_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "shop.yaml"
    spec.write_text("kind: Nothing\n")

    assert main(["explain", str(spec)]) == 1

    output = capsys.readouterr()
    assert output.out == ""
    assert "shop.yaml:1" in output.err


def test_explained_are_the_shipped_specs() -> None:
    slos = read_specs((str(path), path.read_bytes()) for path in SPECS).slos

    assert {path.stem for path in GOLDEN.glob("*.txt")} == {slo.service for slo in slos}


def test_the_document_quotes_what_it_says() -> None:
    quoted, _ = re.findall(
        r"^```text\n(.*?)^```$", Path("docs/explain.md").read_text(), re.MULTILINE | re.DOTALL
    )

    assert quoted in (GOLDEN / "payments-api.txt").read_text()
