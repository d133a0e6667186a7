"""`sloctl migrate --prove` on a real Prometheus."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sloctl.cli.main import main
from sloctl.duration import HOUR, MINUTE
from sloctl.proof.comparison import BothSides, DifferenceReason, compare_slo
from sloctl.proof.past_ratios import RatioColumn
from sloctl.slo.event_series import EventSeries
from tests.differential.kinds import RATIO
from tests.real import Prometheus, backfill, running_prometheus

HELD = 8 * HOUR
SCRAPE = 30
SLOTH = """\
version: prometheus/v1
service: shop
slos:
  - name: availability
    objective: 99
    sli:
      events:
        error_query: sum(rate(requests_total{job="shop", code="500"}[{{.window}}]))
        total_query: sum(rate(requests_total{job="shop"}[{{.window}}]))
    alerting: {name: ShopErrors}
  - name: nightly
    objective: 99
    sli:
      events:
        error_query: sum(rate(batches_total{job="shop", result="failed"}[{{.window}}]))
        total_query: sum(rate(batches_total{job="shop"}[{{.window}}]))
    alerting: {name: NightlyErrors}
"""

PYRRA = """\
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: availability, namespace: shop}
spec:
  target: "99"
  window: 1d
  indicator:
    ratio:
      errors: {metric: 'requests_total{job="shop",code="500"}'}
      total: {metric: 'requests_total{job="shop"}'}
"""


def counters(end: int) -> Iterator[tuple[str, float, float]]:
    """Steady requests, half of which fail for half an hour; batches that pause, and then fail."""
    good = bad = batches = failed = 0.0
    for at in range(end - HELD, end + 1, SCRAPE):
        age = end - at
        share = 0.5 if 2 * HOUR < age <= 2 * HOUR + 30 * MINUTE else 0.002
        good += 90 * (1 - share)
        bad += 90 * share
        batches += 0 if 3 * HOUR < age <= 4 * HOUR else 10
        failed += 5 if age <= 3 * HOUR else 0
        yield 'requests_total{job="shop",instance="a:1",code="200"}', round(good, 3), at
        yield 'requests_total{job="shop",instance="a:1",code="500"}', round(bad, 3), at
        yield 'batches_total{job="shop",instance="a:1",result="done"}', batches, at
        yield 'batches_total{job="shop",instance="a:1",result="failed"}', failed, at


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("proof")
    backfill(directory, counters(int(time.time()) // MINUTE * MINUTE))
    with running_prometheus(directory) as started:
        yield started


@pytest.fixture
def arguments(tmp_path: Path, prometheus: Prometheus) -> list[str]:
    (tmp_path / "sloth.yaml").write_text(SLOTH)
    server = ["--prometheus", prometheus.url, "--from", "6h", "--cache", str(tmp_path / "cache")]
    return ["migrate", str(tmp_path / "sloth.yaml"), "--prove", *server]


def proof_of(arguments: list[str], slo: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main([*arguments, "--slo", slo, "-o", "json"]) == 0
    (proof,) = json.loads(capsys.readouterr().out)["proof"]
    return dict(proof)


def test_both_sides_agree_on_steady_traffic(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    proof = proof_of(arguments, "shop/availability", capsys)

    reasons = {window["window"]: window["reason"] for window in proof["windows"]}
    assert [reasons[window] for window in ("5m", "30m", "1h", "2h")] == ["agree"] * 4
    assert reasons["1d"] == "too_short"
    assert proof["alerts"][0] == {"severity": "page", "theirs": 1, "ours": 1, "both": 1}
    assert proof["rawSamplesPerMinute"]["theirs"] > 10 * proof["rawSamplesPerMinute"]["ours"] > 0


def test_a_quiet_hour_makes_their_period_nan(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    proof = proof_of(arguments, "shop/nightly", capsys)

    period = next(window for window in proof["windows"] if window["isPeriod"])
    assert (period["theirs"], period["reason"]) == ("NaN", "nan")
    assert 0.2 < period["ours"] < 0.4


def test_pyrra_counts_its_period_as_we_do(
    prometheus: Prometheus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyrra.yaml").write_text(PYRRA)
    server = ["--prometheus", prometheus.url, "--from", "7h", "--cache", str(tmp_path / "cache")]

    assert main(["migrate", str(tmp_path / "pyrra.yaml"), "--prove", *server, "-o", "json"]) == 0

    (proof,) = json.loads(capsys.readouterr().out)["proof"]
    period = next(window for window in proof["windows"] if window["isPeriod"])
    assert period["reason"] == "too_short"
    assert period["theirs"] == pytest.approx(period["ours"], rel=0.2)


def test_the_report_puts_both_sides_in_a_table(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--slo", "shop/availability"]) == 0

    out = capsys.readouterr().out
    assert "shop/availability\n  window" in out
    assert "  pages: theirs 1, ours 1, at the same incidents 1" in out
    assert "raw samples read a minute: theirs" in out


def test_too_much_is_not_asked_for(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "--max-samples", "1000"]) == 2

    assert "2 SLOs over 6h would have the server read about" in capsys.readouterr().err


def test_without_a_server_there_is_no_proof(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROMETHEUS_URL", raising=False)
    (tmp_path / "sloth.yaml").write_text(SLOTH)

    assert main(["migrate", str(tmp_path / "sloth.yaml"), "--prove"]) == 2

    assert "--prove asks a Prometheus" in capsys.readouterr().err


def test_first_errors_are_named_where_they_explain_the_difference() -> None:
    slo, points = RATIO.slo(), range(MINUTE, 2 * HOUR + 1, MINUTE)
    counted = EventSeries.from_points(
        0, 2 * HOUR, step=MINUTE, events=dict.fromkeys(points, 10.0), errors=dict.fromkeys(points, 0.2)
    )
    without = EventSeries.from_points(
        0, 2 * HOUR, step=MINUTE, events=dict.fromkeys(points, 10.0), errors=dict.fromkeys(points, 0.11)
    )
    column = RatioColumn(5 * MINUTE, MINUTE, dict.fromkeys(range(5 * MINUTE, 2 * HOUR, MINUTE), 0.01))

    compared = compare_slo(
        "shop",
        BothSides(slo, counted, without, counted, {5 * MINUTE: column}, period_is_mean=True),
        their_samples=0,
        our_samples=0,
    )

    assert compared.windows[0].reason is DifferenceReason.FIRST_VALUES
    assert compared.windows[0].difference == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("unseen_hours", "ours"),
    [
        # Of a day's 1,440 minutes one in a hundred failed, and half in those of the hole.
        (1, (0.01 * 1380 + 0.5 * 60) / 1440),
        # No repair of the rules reaches back so far.
        (7, 0.01),
    ],
)
def test_ours_has_what_happened_while_nothing_was_scraped(
    unseen_hours: int, ours: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyrra.yaml").write_text(PYRRA)
    end = int(time.time()) // MINUTE * MINUTE
    backfill(tmp_path / "prometheus", counters_with_a_hole(end, unseen_hours * HOUR))
    options = ["--from", "25h", "--cache", str(tmp_path / "cache"), "-o", "json"]

    with running_prometheus(tmp_path / "prometheus") as started:
        code = main(
            ["migrate", str(tmp_path / "pyrra.yaml"), "--prove", "--prometheus", started.url, *options]
        )

    assert code == 0
    (proof,) = json.loads(capsys.readouterr().out)["proof"]
    period = next(window for window in proof["windows"] if window["isPeriod"])
    seen = 1440 - unseen_hours * 60
    assert period["theirs"] == pytest.approx((0.01 * seen + 0.5 * unseen_hours * 60) / 1440, rel=0.03)
    assert period["ours"] == pytest.approx(ours, rel=0.03)
    assert (period["reason"] == "agree") is (unseen_hours == 1)


def counters_with_a_hole(end: int, unseen_seconds: int) -> Iterator[tuple[str, float, float]]:
    """A request a second for 25 hours, and a time that nobody saw, in which half of them failed."""
    good = bad = 0.0
    for at in range(end - 25 * HOUR, end + 1, SCRAPE):
        unseen = 5 * HOUR < end - at <= 5 * HOUR + unseen_seconds
        share = 0.5 if unseen else 0.01
        good += SCRAPE * (1 - share)
        bad += SCRAPE * share
        if not unseen:
            yield 'requests_total{job="shop",instance="a:1",code="200"}', round(good, 3), at
            yield 'requests_total{job="shop",instance="a:1",code="500"}', round(bad, 3), at
