"""Simulated outages beside the workbook's tables, explain's closed form, and the compiled rules."""

from fractions import Fraction
from pathlib import Path

import pytest
from msgspec.structs import replace

from sloctl.cli.main import main
from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import PolicyRow, Severity, Slo
from sloctl.naming import NATIVE_STYLE
from sloctl.rules.groups import rule_groups
from sloctl.simulate.outage import search_outage, simulate_shape
from sloctl.simulate.shapes import (
    DEFAULT_SHAPES,
    ConstantOutage,
    FlappingOutage,
    OutageShape,
    RampOutage,
    parse_shape,
)
from sloctl.slo.policy import WORKBOOK_POLICY, alert_factor, detection_time
from tests.differential.engine import Story, record
from tests.differential.kinds import RATIO
from tests.differential.streams import Child, Target
from tests.rules.specimens import ALERTING, shop

SCRAPE, PHASE, EVENTS = 15, 5, 1000
SPEC = """
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  slos:
    - name: availability
      objective: 99.9%
      indicator:
        ratio: {error: 'http_requests_total{code=~"5.."}', total: http_requests_total}
"""
# Three objectives and four outages, of which the pairs that page within an hour are tried.
OBJECTIVES = (Fraction(9995, 10000), Fraction(999, 1000), Fraction(998, 1000))
SHARES = (Fraction(1), Fraction(1, 2), Fraction(1, 5), Fraction(1, 10))


def of_workbook(objective: Fraction = Fraction(999, 1000)) -> Slo:
    return shop(objective=objective, alerting=replace(ALERTING, policy=WORKBOOK_POLICY))


@pytest.mark.parametrize(
    ("error_ratio", "seconds"),
    [("0.001", 30 * DAY), ("0.002", 15 * DAY), ("0.01", 3 * DAY), ("1", 43 * MINUTE + 12)],
)
def test_budgets_are_gone_when_the_workbook_says(error_ratio: str, seconds: int) -> None:
    shape = ConstantOutage(Fraction(error_ratio))

    assert simulate_shape(of_workbook(), shape, None).exhausted_after == seconds


@pytest.mark.parametrize(
    ("long", "factor", "seconds"),
    [
        # Table 5-3 and those after it: what a total outage of 99.9 % takes to be seen.
        pytest.param(10 * MINUTE, 1, 0.6, id="a window of 10 minutes"),
        pytest.param(36 * HOUR, 1, 2 * MINUTE + 9.6, id="a window of 36 hours"),
        pytest.param(HOUR, 36, 2 * MINUTE + 9.6, id="a burn rate of 36"),
        pytest.param(HOUR, Fraction("14.4"), 51.84, id="2 % in an hour"),
        pytest.param(6 * HOUR, 6, 129.6, id="5 % in six hours"),
        pytest.param(3 * DAY, 1, 259.2, id="10 % in three days"),
    ],
)
def test_outages_are_seen_when_the_workbook_says(long: int, factor: Fraction, seconds: float) -> None:
    row = PolicyRow(Severity.PAGE, factor * long / (30 * DAY), long, 5 * MINUTE)
    threshold = factor * Fraction(1, 1000)

    assert alert_factor(row, 30 * DAY) == factor
    assert detection_time(row, Fraction(threshold), 1.0) == pytest.approx(seconds)


def test_each_row_fires_when_its_share_is_spent() -> None:
    alerts = simulate_shape(of_workbook(), ConstantOutage(Fraction(1, 10)), None).alerts

    earliest = {alert.policy_row: alert.budget_spent[0] for alert in alerts if alert.policy_row is not None}
    assert earliest == {row: pytest.approx(float(row.budget_share)) for row in WORKBOOK_POLICY}


@pytest.mark.parametrize("shape", DEFAULT_SHAPES[:3], ids=lambda shape: shape.describe())
@pytest.mark.parametrize("rate", [None, 0.5])
def test_a_search_finds_what_the_closed_form_says(shape: OutageShape, rate: float | None) -> None:
    slo = replace(
        of_workbook(), alerting=replace(ALERTING, policy=WORKBOOK_POLICY, confidence=Fraction(9, 10))
    )

    for found, said in zip(
        search_outage(slo, shape, rate).alerts, simulate_shape(slo, shape, rate).alerts, strict=True
    ):
        assert found.fires_after.latest == pytest.approx(said.fires_after.latest, abs=2)
        if said.resolves_after is not None and found.resolves_after is not None:
            assert found.resolves_after.latest == pytest.approx(said.resolves_after.latest, abs=2)


def test_ten_outages_page_when_simulated_within_one_evaluation(tmp_path: Path) -> None:
    slos = [
        replace(RATIO.slo(), name=f"slo-{number}", objective=objective, window=of_workbook().window)
        for number, objective in enumerate(OBJECTIVES)
    ]
    slos = [
        replace(
            slo,
            scrape_interval=SCRAPE,
            alerting=replace(
                ALERTING, policy=WORKBOOK_POLICY[:1], exhausting=None, exhausted=None, no_data=None
            ),
        )
        for slo in slos
    ]
    began, lasting = 65 * MINUTE + 40, 20 * MINUTE
    stories = [an_outage(share, began, lasting) for share in SHARES]

    groups = [group for slo in slos for group in rule_groups(slo, NATIVE_STYLE) if group.interval < HOUR]
    recordings = record(tmp_path, groups, stories)

    late = {}
    for share, recording in zip(SHARES, recordings, strict=True):
        for slo in slos:
            alert = simulate_shape(slo, ConstantOutage(share), None).first_of(Severity.PAGE)
            fired = [
                at
                for at, samples in recording.items()
                for sample in samples
                if sample.labels.get("slo_id") == slo.id and sample.labels.get("alertstate") == "firing"
            ]
            if alert is not None and alert.fires_after.latest < lasting:
                late[slo.objective, share] = alert.fires_after.latest - (fired[0] - began)
    assert len(late) >= 10
    assert [pair for pair, seconds in late.items() if not 0 <= seconds <= MINUTE + SCRAPE] == []


@pytest.mark.parametrize("text", ["", "50", "0%", "101%", "ramp:", "ramp:5", "flap:10m", "flap:10m/5m", "x%"])
def test_what_is_no_shape_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="an outage is a share like 50%"):
        parse_shape(text)


def test_shapes_are_read_as_they_are_written() -> None:
    assert parse_shape("0.5%") == ConstantOutage(Fraction(5, 1000))
    assert parse_shape("ramp:90m") == RampOutage(90 * MINUTE)
    assert parse_shape("flap:1m/5m") == FlappingOutage(MINUTE, 5 * MINUTE)


def test_a_ramp_pages_later_than_a_total_outage() -> None:
    total, ramp = (
        simulate_shape(of_workbook(), shape, None).first_of(Severity.PAGE)
        for shape in (ConstantOutage(Fraction(1)), RampOutage(HOUR))
    )

    assert total is not None
    assert ramp is not None
    # Of t seconds of a ramp t^2 / 2 / 3600 are bad: 51.84 of them after 611.
    assert ramp.fires_after.latest - total.fires_after.latest == pytest.approx(611 - 52, abs=1)


def test_an_outage_that_the_budget_sustains_never_fires(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "shop.yaml"
    spec.write_text(SPEC)

    code = main(["simulate", str(spec), "--outage", "0.05%"])

    assert code == 0
    assert "0.05 % bad  page 1h/5m    never" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_each_form_tells_the_first_page(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "shop.yaml"
    spec.write_text(SPEC)

    code = main(["simulate", str(spec), "-o", form, "--per-second", "40"])

    printed = capsys.readouterr().out
    assert code == 0
    assert ("171.84" if form == "json" else "52s to 2m 52s") in printed


def an_outage(share: Fraction, began: int, lasting: int) -> Story:
    """From the scrape at *began* on, the events since the one before are bad."""
    clean, failing = (began - PHASE) // SCRAPE + 1, int(EVENTS * share)
    errors = (0,) * clean + (failing,) * (lasting // SCRAPE)
    children = (Child("/pay", ok=tuple(EVENTS - bad for bad in errors), bad=errors),)
    horizon = began + lasting
    targets = [Target("a", children, interval=SCRAPE, phase=PHASE)]
    return Story(RATIO.world(targets, horizon), horizon, range(HOUR, horizon, MINUTE))
