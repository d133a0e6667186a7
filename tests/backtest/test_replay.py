"""Replayed alerts beside those of the compiled rules on the engine of Prometheus, over the same counts."""

from fractions import Fraction
from pathlib import Path

import pytest
from msgspec.structs import replace

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import AlertKind, PolicyRow, Severity
from sloctl.naming import ALERT_CLASSES, NATIVE_STYLE
from sloctl.rules.groups import rule_groups
from sloctl.slo.event_series import EventSeries
from sloctl.slo.replay import FiredAlert, replay_policy
from tests.differential.engine import Recording, Story, record
from tests.differential.kinds import RATIO, alerting
from tests.differential.streams import Child, Target

SCRAPE = 15
# Errors of 100 requests in each quarter of a minute: by (minutes, errors).
OUTAGES = (
    [(80, 0), (12, 100), (60, 0)],
    [(70, 1), (40, 12), (20, 60), (40, 0)],
    [(60, 0), *[(3, 100), (7, 0)] * 6, (30, 0)],
)
# A ticket's waiting is not on trial: that engine gives nothing between the turns of a group.
WAITING = (
    PolicyRow(Severity.PAGE, Fraction(7, 1000), 30 * MINUTE, 5 * MINUTE, pending=4 * MINUTE),
    PolicyRow(Severity.TICKET, Fraction(11, 1000), 90 * MINUTE, 15 * MINUTE),
)
POLICIES = {
    "plain": alerting(),
    "confident": alerting(confidence=Fraction(95, 100)),
    "floored": alerting(min_errors=2000),
    "waiting": replace(alerting(), policy=WAITING),
}


@pytest.mark.parametrize(
    "policy",
    ["confident", "waiting", *(pytest.param(it, marks=pytest.mark.full) for it in ("plain", "floored"))],
)
def test_the_same_counts_fire_the_same_alerts(policy: str, tmp_path: Path) -> None:
    slo = RATIO.slo(alerting=POLICIES[policy], scrape_interval=SCRAPE)
    stories = [told(outage) for outage in OUTAGES]

    recordings = record(tmp_path, rule_groups(slo, NATIVE_STYLE), stories)

    for story, recording in zip(stories, recordings, strict=True):
        replayed = replay_policy(slo, recorded_counts(recording, story.horizon)).alerts
        for severity in Severity:
            fired = ruled(recording, AlertKind.PAGE, severity)
            assert fired == at_turns(replayed, severity, story.horizon)
        for kind in (AlertKind.EXHAUSTED, AlertKind.EXHAUSTING):
            of_rules = ruled(recording, kind, Severity.TICKET)
            ours = minutes_of([alert for alert in replayed if alert.kind is kind], story.horizon)
            # The slow group records the window after the fast one of the same minute has read it.
            assert all({at - MINUTE, at, at + MINUTE} & of_rules for at in ours)
            assert all({at - MINUTE, at, at + MINUTE} & ours for at in of_rules)


def test_a_hole_is_neither_good_nor_bad() -> None:
    slo = RATIO.slo(alerting=replace(alerting(), no_data=alerting().page, no_data_after=10 * MINUTE))
    hole: list[float | None] = [None] * 60
    series = EventSeries(
        0, MINUTE, events=[*[100.0] * 120, *hole, *[100.0] * 60], errors=[*[0.0] * 120, *hole, *[0.0] * 60]
    )

    replayed = replay_policy(slo, series)

    assert [(alert.kind, alert.began, alert.ended) for alert in replayed.alerts] == [
        (AlertKind.NO_DATA, 131 * MINUTE, 181 * MINUTE)
    ]
    assert replayed.budget_left[150] == 1


def test_nothing_known_is_no_budget() -> None:
    series = EventSeries(0, MINUTE, events=[None] * 600, errors=[None] * 600)

    replayed = replay_policy(RATIO.slo(), series)

    assert replayed.alerts == ()
    assert set(replayed.budget_left) == {None}


def test_events_without_traffic_are_no_ratio() -> None:
    series = EventSeries(0, MINUTE, events=[0.0] * 600, errors=[0.0] * 600)

    assert set(replay_policy(RATIO.slo(), series).budget_left) == {None}


def test_a_total_outage_spends_what_it_lasts() -> None:
    slo = RATIO.slo(objective=Fraction(99, 100), alerting=alerting())
    counts = [(0.0, 100.0)] * (24 * 60) + [(100.0, 100.0)] * 10 + [(0.0, 100.0)] * 120
    series = EventSeries(
        0, MINUTE, events=[total for _, total in counts], errors=[error for error, _ in counts]
    )

    [page] = replay_policy(slo, series).of_severity(Severity.PAGE)

    # Of a day, one hundredth are 14.4 minutes.
    assert page.spent == pytest.approx(10 / 14.4)
    assert page.began == DAY + MINUTE


def test_sums_of_a_month_come_back_to_zero() -> None:
    month = 30 * DAY // MINUTE
    series = EventSeries(0, MINUTE, events=[0.1] * month + [0.0] * 60, errors=[0.1] * month + [0.0] * 60)

    assert series.error_ratios(HOUR)[-1] < 0


def told(outage: list[tuple[int, int]]) -> Story:
    errors = tuple(bad for minutes, bad in outage for _ in range(minutes * MINUTE // SCRAPE))
    targets = [
        Target(
            "a",
            (Child("/pay", ok=tuple(100 - bad for bad in errors), bad=errors),),
            interval=SCRAPE,
            phase=5,
        )
    ]
    horizon = len(errors) * SCRAPE
    return Story(RATIO.world(targets, horizon), horizon, range(0, horizon + 1, MINUTE))


def recorded_counts(recording: Recording, horizon: int) -> EventSeries:
    events, errors = (
        {
            at: sample.value
            for at, samples in recording.items()
            for sample in samples
            if sample.labels.get("__name__") == metric
        }
        for metric in ("slo:sli_total:increase1m", "slo:sli_error:increase1m")
    )
    return EventSeries.from_points(0, horizon, step=MINUTE, events=events, errors=errors)


def ruled(recording: Recording, kind: AlertKind, severity: Severity) -> set[int]:
    """Seconds at which the rules' alert fired."""
    return {
        at
        for at, samples in recording.items()
        for sample in samples
        if sample.labels.get("slo_alert") == ALERT_CLASSES[kind]
        and sample.labels["slo_severity"] == severity.value
        and sample.labels["alertstate"] == "firing"
    }


def minutes_of(alerts: list[FiredAlert], horizon: int) -> set[int]:
    return {at for alert in alerts for at in range(alert.began, alert.ended or horizon + 1, MINUTE)}


def at_turns(alerts: tuple[FiredAlert, ...], severity: Severity, horizon: int) -> set[int]:
    """The minutes of burn alerts; of tickets those of the slow group's turns, which alone are recorded."""
    burns = [alert for alert in alerts if alert.policy_row is not None and alert.severity is severity]
    step = MINUTE if severity is Severity.PAGE else 5 * MINUTE
    return {at for at in minutes_of(burns, horizon) if at % step == 0}
