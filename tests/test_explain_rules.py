"""What `sloctl explain` says of an outage, compared with what the compiled rules and a sidecar do."""

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from msgspec.structs import replace

from sloctl import compiler
from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.explain.timeline import OutageAlert, explain_slo
from sloctl.model import PolicyRow, RollingWindow, Severity, Slo
from sloctl.naming import BURN_ALERT, EXHAUSTED_ALERT, EXHAUSTING_ALERT, NATIVE_STYLE
from sloctl.rules.groups import rule_groups
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.sources import IntervalCounts, SloCounts
from sloctl.slo.health import AlertState
from sloctl.slo.policy import WORKBOOK_POLICY
from sloctl.slo.resolutions import EventCounts
from sloctl.spec import read_specs
from tests.differential.engine import Recording, Story, record
from tests.differential.kinds import KINDS, Kind
from tests.differential.streams import Child, Target
from tests.rules.promtool import Expectation, Trial, run_trials
from tests.rules.shipped import WORLDS
from tests.rules.specimens import ALERTING
from tests.rules.stories import StoryPart

RATIO = KINDS["a ratio of errors"]
CONDITION = KINDS["a condition, bad when absent"]
SCRAPE, PHASE = 15, 5
SHIPPED = read_specs((str(path), path.read_bytes()) for path in sorted(Path("slos").glob("*.yaml"))).slos
# Scrapes past a whole minute at which an outage begins.
ONSETS = (0, 3)
EVENTS = 100
# What is watched after an outage.
QUIET = 50 * MINUTE
ALERTS = {"exhausting": EXHAUSTING_ALERT, "exhausted": EXHAUSTED_ALERT}


def outage(
    kind: Kind, bad: Fraction, *, clean: int, lasting: int, onset: int, quiet: int = QUIET
) -> tuple[Story, int, int]:
    """The story, and the seconds at which its outage begins and ends."""
    before, during, after = clean // SCRAPE + onset, lasting // SCRAPE, quiet // SCRAPE
    failing = int(EVENTS * bad)
    errors = (0,) * before + (failing,) * during + (0,) * after
    good = tuple(EVENTS - failed for failed in errors)
    targets = [Target("a", (Child("/pay", ok=good, bad=errors),), interval=SCRAPE, phase=PHASE)]
    begins, ends = (PHASE + (number - 1) * SCRAPE for number in (before, before + during))
    horizon = ends + quiet
    turns = range((begins // MINUTE - 1) * MINUTE, horizon, MINUTE)
    return Story(kind.world(targets, horizon), horizon, turns), begins, ends


def fires(recording: Recording, alert: str, severity: Severity) -> list[int]:
    """Seconds at which the alert fired."""
    return [
        at
        for at, samples in recording.items()
        for sample in samples
        if sample.labels.get("alertname") == alert and sample.labels["slo_severity"] == severity.value
    ]


def simulated_alerts(slo: Slo, bad: Fraction) -> Iterator[OutageAlert]:
    [simulated] = [it for it in explain_slo(slo).outages if it.error_ratio == bad]
    yield from simulated.alerts


def with_row(kind: Kind, row: PolicyRow) -> Slo:
    alerting = replace(ALERTING, policy=(row,), no_data=None, exhausting=None, exhausted=None, min_errors=0)
    return kind.slo(
        objective=Fraction(99, 100), window=RollingWindow(30 * DAY), alerting=alerting, scrape_interval=SCRAPE
    )


@pytest.mark.parametrize("kind", [RATIO, CONDITION], ids=["ratio", "condition"])
@pytest.mark.parametrize(
    "row",
    [
        pytest.param(WORKBOOK_POLICY[0], id="page 1h and 5m"),
        pytest.param(WORKBOOK_POLICY[1], id="page 6h and 30m", marks=pytest.mark.full),
    ],
)
def test_a_total_outage_fires_and_ends_when_it_says(kind: Kind, row: PolicyRow, tmp_path: Path) -> None:
    slo = with_row(kind, row)
    [alert] = simulated_alerts(slo, Fraction(1))
    assert alert.resolves_after is not None
    stories = [
        outage(kind, Fraction(1), clean=row.long + 10 * MINUTE, lasting=HOUR // 2, onset=onset)
        for onset in ONSETS
    ]

    recordings = record(tmp_path, rule_groups(slo, NATIVE_STYLE), [story for story, _, _ in stories])

    for recording, (_, begins, ends) in zip(recordings, stories, strict=True):
        fired = fires(recording, BURN_ALERT, row.severity)
        assert alert.fires_after.earliest <= fired[0] - begins <= alert.fires_after.latest
        assert alert.resolves_after.earliest <= fired[-1] + MINUTE - ends <= alert.resolves_after.latest


@pytest.mark.full
@pytest.mark.parametrize(
    "row", [WORKBOOK_POLICY[0], WORKBOOK_POLICY[1]], ids=["page 1h and 5m", "page 6h and 30m"]
)
def test_a_tenth_fires_and_ends_when_it_says(row: PolicyRow, tmp_path: Path) -> None:
    slo = replace(with_row(RATIO, row), objective=Fraction(999, 1000))
    [alert] = simulated_alerts(slo, Fraction(1, 10))
    assert alert.resolves_after is not None
    stories = [
        outage(RATIO, Fraction(1, 10), clean=row.long + 10 * MINUTE, lasting=HOUR, onset=onset)
        for onset in ONSETS
    ]

    recordings = record(tmp_path, rule_groups(slo, NATIVE_STYLE), [story for story, _, _ in stories])

    for recording, (_, begins, ends) in zip(recordings, stories, strict=True):
        fired = fires(recording, BURN_ALERT, Severity.PAGE)
        assert alert.fires_after.earliest <= fired[0] - begins <= alert.fires_after.latest
        assert alert.resolves_after.earliest <= fired[-1] + MINUTE - ends <= alert.resolves_after.latest


def test_a_sidecar_fires_and_ends_at_the_earliest_of_what_it_says() -> None:
    slo = with_row(RATIO, WORKBOOK_POLICY[0])
    [alert] = simulated_alerts(slo, Fraction(1))
    assert alert.resolves_after is not None
    engine = Engine([slo], interval=5)
    begins, ends = HOUR + 437, HOUR + 437 + 20 * MINUTE

    firing_at = []
    for now in range(5, ends + HOUR // 2, 5):
        counts = EventCounts(error=EVENTS if begins < now <= ends else 0, total=EVENTS)
        snapshot = engine.record_tick(now, [IntervalCounts(now, {slo.id: SloCounts({(): counts}, {})})])
        page = snapshot.states[0].alert_for(Severity.PAGE)
        if page is not None and page.state is AlertState.FIRING:
            firing_at.append(now)

    assert firing_at[0] - begins == pytest.approx(alert.fires_after.earliest, abs=10)
    assert firing_at[-1] - ends == pytest.approx(alert.resolves_after.earliest, abs=30)


@pytest.mark.full
@pytest.mark.parametrize("slo", [slo for slo in SHIPPED if slo.alerting.page], ids=lambda slo: slo.id)
def test_a_total_outage_pages_when_it_says_of_a_shipped(slo: Slo, tmp_path: Path) -> None:
    after = min(
        (alert.fires_after for alert in simulated_alerts(slo, Fraction(1)) if alert.alert_name == "page"),
        key=lambda after: after.latest,
    )
    clean = 6 * 60 + 15
    begins = clean * MINUTE - SCRAPE
    story = [StoryPart(clean), StoryPart(60, failing=1.0)]
    firing = f'count(ALERTS{{alertname="{BURN_ALERT}", alertstate="firing", slo_severity="page"}})'

    found = run_trials(
        tmp_path,
        compiler.compile_rules([slo], NATIVE_STYLE),
        [
            Trial(
                "outage",
                WORLDS[slo.id].series_of(story),
                [
                    Expectation(math.ceil((begins + after.earliest) / MINUTE) - 1, firing, None),
                    Expectation(math.ceil((begins + after.latest) / MINUTE), firing, 1),
                ],
            )
        ],
    )

    assert found == "SUCCESS"


@pytest.mark.full
def test_a_ticket_fires_when_it_says(tmp_path: Path) -> None:
    row = WORKBOOK_POLICY[2]
    slo = replace(with_row(RATIO, row), objective=Fraction(999, 1000))
    [alert] = simulated_alerts(slo, Fraction(1, 10))
    assert alert.resolves_after is not None
    story, begins, ends = outage(
        RATIO, Fraction(1, 10), clean=DAY + 10 * MINUTE, lasting=2 * HOUR, onset=2, quiet=3 * HOUR
    )

    [recording] = record(tmp_path, rule_groups(slo, NATIVE_STYLE), [story])

    fired = fires(recording, BURN_ALERT, Severity.TICKET)
    assert alert.fires_after.earliest <= fired[0] - begins <= alert.fires_after.latest
    assert alert.resolves_after.earliest <= fired[-1] + 5 * MINUTE - ends <= alert.resolves_after.latest


@pytest.mark.full
def test_the_budget_is_going_and_gone_when_it_says(tmp_path: Path) -> None:
    slo = replace(RATIO.slo(), scrape_interval=SCRAPE, objective=Fraction(98, 100))
    slo = replace(slo, alerting=replace(slo.alerting, exhausting_within=4 * HOUR))
    alerts = {alert.alert_name: alert for alert in simulated_alerts(slo, Fraction(1, 10))}
    story, begins, _ = outage(RATIO, Fraction(1, 10), clean=DAY + 10 * MINUTE, lasting=5 * HOUR, onset=1)

    [recording] = record(tmp_path, rule_groups(slo, NATIVE_STYLE), [story])

    for alert, name in ALERTS.items():
        after, fired = alerts[alert].fires_after, fires(recording, name, Severity.TICKET)
        assert after.earliest <= fired[0] - begins <= after.latest
