"""Exclusions in the sidecar: planned, after the fact, taken back; against counts minute by minute."""

import struct
from collections.abc import Callable, Iterable
from typing import Final

import pytest
from msgspec import structs

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import Exclusion, ExclusionEffect, FixedTime, RecurringTime, RollingWindow, Severity, Slo
from sloctl.sidecar.engine.candidates import alert_candidates
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.sources import IntervalCounts, SloCounts
from sloctl.slo.health import AlertState
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import slo

MIDNIGHT: Final = 1_800_057_600
NOON: Final = MIDNIGHT + 12 * HOUR
# Of an incident, minute by minute, with what was scraped before it.
INCIDENT: Final = (NOON, NOON + HOUR)


def excluding(*times: FixedTime | RecurringTime, effect: ExclusionEffect = ExclusionEffect.IGNORE) -> Slo:
    exclusions = tuple(Exclusion("An incident.", time, effect) for time in times)
    return structs.replace(slo(), window=RollingWindow(7 * DAY), exclusions=exclusions)


AFTER_THE_FACT: Final = FixedTime(*INCIDENT)


def counts_at(at: int, bad: tuple[int, int] = INCIDENT) -> EventCounts:
    """A hundred events a minute, of which one in a thousand is bad, and all of them in the incident."""
    return EventCounts(100.0 if bad[0] < at <= bad[1] else 0.1, 100.0)


def run(
    engine: Engine,
    begin: int,
    end: int,
    counts: Callable[[int], EventCounts] = counts_at,
) -> SloState:
    """Count every minute after *begin*, a reading each, and give the state at *end*."""
    state = None
    [counted] = engine.slos
    for at in range(begin + MINUTE, end + 1, MINUTE):
        (state,) = engine.record_tick(
            at, [IntervalCounts(at, {counted.id: SloCounts({(): counts(at)})})]
        ).states
    assert state is not None
    return state


def window_ratio(state: SloState) -> float:
    ratio = state.burn_over(state.slo.window.longest).error_ratio
    assert ratio is not None
    return ratio


@pytest.mark.parametrize("later", [5 * MINUTE, 20 * MINUTE, 3 * HOUR, 10 * HOUR, 3 * DAY, 5 * DAY + HOUR])
def test_a_planned_exclusion_counts_in_no_lookback_for_as_long_as_it_is_in_the_window(later: int) -> None:
    counted = excluding(AFTER_THE_FACT)
    engine = Engine([counted], interval=60)

    state = run(engine, MIDNIGHT, INCIDENT[1] + later)

    for burn in state.burns:
        assert burn.error_ratio == pytest.approx(0.001, rel=1e-4), burn.lookback
    assert state.excluded is not None
    spent = (60 * 100 + 0.1 * ((later + 12 * HOUR) / MINUTE)) / (100 * (later + 13 * HOUR) / MINUTE)
    assert state.excluded.window_burn.error_ratio == pytest.approx(spent, rel=1e-3)
    assert state.excluded.budget_left is not None
    assert state.budget.left is not None
    assert state.excluded.budget_left < state.budget.left


@pytest.mark.parametrize("later", [2 * MINUTE, 3 * HOUR, 2 * DAY, 5 * DAY])
def test_an_exclusion_after_the_fact_gives_the_numbers_without_the_incident(later: int) -> None:
    counted = excluding()
    engine = Engine([counted], interval=60)
    before = run(engine, MIDNIGHT, INCIDENT[1] + later)

    engine.replace_slos([excluding(AFTER_THE_FACT)])
    after = run(engine, INCIDENT[1] + later, INCIDENT[1] + later + 2 * MINUTE)

    assert window_ratio(before) > 0.008
    assert window_ratio(after) == pytest.approx(0.001, rel=1e-3)
    assert after.excluded is not None
    assert after.excluded.window_burn.error_ratio == pytest.approx(window_ratio(before), rel=0.01)


def test_an_exclusion_that_is_taken_back_gives_the_incident_back() -> None:
    counted = excluding(AFTER_THE_FACT)
    engine = Engine([counted], interval=60)
    run(engine, MIDNIGHT, INCIDENT[1] + 10 * HOUR)

    engine.replace_slos([excluding()])
    state = run(engine, INCIDENT[1] + 10 * HOUR, INCIDENT[1] + 10 * HOUR + MINUTE)

    assert state.excluded is None
    assert window_ratio(state) == pytest.approx((6000 + 132.1) / 138100, rel=1e-3)


def test_another_exclusion_leaves_a_known_one_exact() -> None:
    counted = excluding(AFTER_THE_FACT)
    engine = Engine([counted], interval=60)
    later = INCIDENT[1] + 4 * DAY
    run(engine, MIDNIGHT, later)

    engine.replace_slos([excluding(AFTER_THE_FACT, FixedTime(later - DAY, later - DAY + HOUR))])
    state = run(engine, later, later + MINUTE)

    counts = state.burn_over(7 * DAY).counts
    assert counts is not None
    # An hour by the minute and one whose quarters touch five of them.
    expected = (4 * DAY + 13 * HOUR + MINUTE - 2 * HOUR) / MINUTE * 100
    assert counts.total == pytest.approx(expected, abs=1700)


def restarted(counted: Slo, engine: Engine, now: int) -> Engine:
    """Another process with the checkpoints of *engine*."""
    checkpoints = [checkpoint for _, _, it in engine.iter_trackers() if (checkpoint := it.take_checkpoint())]
    other = Engine([counted], interval=60)
    other.restore_checkpoints(counted, checkpoints, now, counters=True)
    return other


def test_a_restart_keeps_what_is_excluded_to_the_minute() -> None:
    counted = excluding(FixedTime(NOON, NOON + 7 * MINUTE))
    engine = Engine([counted], interval=60)
    now = NOON + 5 * DAY
    bad = (NOON, NOON + 7 * MINUTE)
    run(engine, MIDNIGHT, now, lambda at: counts_at(at, bad))

    state = run(restarted(counted, engine, now), now, now + MINUTE, lambda at: counts_at(at, bad))

    counts = state.burn_over(7 * DAY).counts
    assert counts is not None
    assert counts.error == pytest.approx(0.001 * counts.total, rel=1e-3)
    # Seven minutes, and that in which the scrape after them lies.
    assert counts.total == pytest.approx(100 * ((now + MINUTE - MIDNIGHT) / MINUTE - 9), abs=150)


def test_a_store_that_makes_no_sense_is_refused() -> None:
    counted = excluding(AFTER_THE_FACT)
    engine = Engine([counted], interval=60)
    run(engine, MIDNIGHT, INCIDENT[1])
    [checkpoint] = [it.take_checkpoint() for _, _, it in engine.iter_trackers()]
    assert checkpoint is not None
    assert checkpoint.excluded is not None
    broken = structs.replace(checkpoint, excluded=structs.replace(checkpoint.excluded, base=b"?"))

    with pytest.raises((struct.error, ValueError)):
        Engine([counted], interval=60).restore_checkpoints(counted, [broken], INCIDENT[1], counters=True)


def test_excluded_errors_that_are_good_leave_their_events() -> None:
    counted = excluding(AFTER_THE_FACT, effect=ExclusionEffect.GOOD)
    engine = Engine([counted], interval=60)

    state = run(engine, MIDNIGHT, INCIDENT[1] + 3 * HOUR)

    counts = state.burn_over(7 * DAY).counts
    assert counts is not None
    assert counts.total == pytest.approx(16 * 60 * 100, rel=1e-6)
    assert counts.error == pytest.approx(0.1 * (15 * 60 - 1), rel=1e-3)


def test_a_reset_is_a_new_budget() -> None:
    reset = INCIDENT[1] + HOUR
    counted = excluding()
    engine = Engine([counted], interval=60)
    run(engine, MIDNIGHT, reset)

    engine.replace_slos([excluding(FixedTime(None, reset))])
    state = run(engine, reset, reset + 6 * HOUR)

    assert window_ratio(state) == pytest.approx(0.001, rel=1e-3)
    assert state.budget.left == pytest.approx(1 - 0.001 / 0.001 * 6 * HOUR / (7 * DAY), abs=0.01)


def pages(state: SloState) -> AlertState:
    alert = state.alert_for(Severity.PAGE)
    assert alert is not None
    return alert.state


def test_pages_are_mute_while_it_lasts_and_come_after_it_if_the_trouble_goes_on() -> None:
    counted = excluding(AFTER_THE_FACT)
    engine = Engine([counted], interval=60)
    going_on = (NOON, NOON + 3 * HOUR)

    states = {
        at: run(engine, begin, at, lambda at: counts_at(at, going_on))
        for begin, at in (
            (MIDNIGHT, NOON + 2 * MINUTE),
            (NOON + 2 * MINUTE, NOON + 30 * MINUTE),
            (NOON + 30 * MINUTE, NOON + HOUR),
            (NOON + HOUR, NOON + HOUR + 3 * MINUTE),
        )
    }

    assert [pages(state) for state in states.values()] == [
        AlertState.INACTIVE,
        AlertState.INACTIVE,
        AlertState.INACTIVE,
        AlertState.FIRING,
    ]


def silent_kinds(engine: Engine, at: int) -> Iterable[str]:
    snapshot = engine.record_tick(at, [])
    return [it.kind.value for it in alert_candidates(snapshot, at, {}) if it.state is AlertState.FIRING]


def test_a_service_that_is_down_for_maintenance_lacks_no_data() -> None:
    counted = excluding(AFTER_THE_FACT)
    engine = Engine([counted], interval=60)
    run(engine, MIDNIGHT, NOON)

    during, after = silent_kinds(engine, NOON + 50 * MINUTE), silent_kinds(engine, NOON + HOUR + 11 * MINUTE)

    assert during == []
    assert after == ["noData"]


def test_every_night_is_another_span() -> None:
    counted = excluding(RecurringTime((), 2 * HOUR, HOUR, "UTC"))
    engine = Engine([counted], interval=60)

    def nightly(at: int) -> EventCounts:
        return counts_at(at % DAY, (2 * HOUR, 3 * HOUR))

    state = run(engine, MIDNIGHT, MIDNIGHT + 5 * DAY, nightly)

    for burn in state.burns:
        assert burn.error_ratio == pytest.approx(0.001, rel=1e-4), burn.lookback


def test_one_group_is_excluded_and_others_go_on() -> None:
    exclusion = Exclusion("Failover.", AFTER_THE_FACT, groups=(("path", "/pay"),))
    counted = structs.replace(excluding(), group_by=("path",), exclusions=(exclusion,))
    engine = Engine([counted], interval=60)

    states: Iterable[SloState] = ()
    for at in range(MIDNIGHT + MINUTE, INCIDENT[1] + 5 * MINUTE, MINUTE):
        groups: dict[tuple[str, ...], EventCounts] = {("/pay",): counts_at(at), ("/cart",): counts_at(at)}
        states = engine.record_tick(at, [IntervalCounts(at, {counted.id: SloCounts(groups)})]).states

    ratios = {state.group: window_ratio(state) for state in states}
    assert ratios["/pay",] == pytest.approx(0.001, rel=1e-3)
    assert ratios["/cart",] > 0.07
