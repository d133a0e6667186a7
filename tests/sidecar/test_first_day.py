"""The first day of an SLO: minutes of data never look like a month, and a real outage still pages."""

import random
from collections.abc import Iterator
from math import floor

import pytest

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import AlertKind, Severity, Slo
from sloctl.sidecar.engine.candidates import alert_candidates
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.sidecar.sources import IntervalCounts, SloCounts
from sloctl.slo.health import AlertState
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import slo

T0 = 1_700_000_000.0
TICK = 5
SHOP = slo()


def first_hour(
    slos: list[Slo], *, requests: float, worst: float, seed: int
) -> Iterator[tuple[float, Snapshot]]:
    """Ticks of services whose error ratios lie evenly between 0 and *worst*; *requests* a second each."""
    engine, chance = Engine(slos, interval=TICK), random.Random(seed)  # noqa: S311 - traffic, not secrets
    for at in range(TICK, HOUR + 1, TICK):
        counts = {}
        for number, each in enumerate(slos):
            total = floor(requests * TICK + chance.random())
            failing = worst * number / (len(slos) - 1)
            bad = sum(chance.random() < failing for _ in range(total))
            counts[each.id] = SloCounts({(): EventCounts(bad, total)})
        yield T0 + at, engine.record_tick(T0 + at, [IntervalCounts(T0 + at, counts)])


def outage(ratio: float, *, after: float, until: float, engine: Engine | None = None) -> Iterator[SloState]:
    """Ticks of one service: without an error at first, then a share *ratio* fails."""
    engine = engine or Engine([SHOP], interval=TICK)
    for at in range(TICK, int(until) + 1, TICK):
        counts = EventCounts(50 * ratio if at > after else 0, 50)
        (state,) = engine.record_tick(
            T0 + at, [IntervalCounts(T0 + at, {SHOP.id: SloCounts({(): counts})})]
        ).states
        yield state


@pytest.mark.parametrize("requests", [0.5, 2, 10, 50])
def test_ten_fresh_services_alert_nobody_for_an_hour(requests: float) -> None:
    slos = [slo(name=f"service-{number}") for number in range(10)]

    alerts = [
        (at - T0, candidate.slo_state.slo.id, candidate.kind)
        for at, snapshot in first_hour(slos, requests=requests, worst=0.0015, seed=7)
        for candidate in alert_candidates(snapshot, at, {})
        if candidate.state is AlertState.FIRING
    ]

    assert alerts == []


@pytest.mark.parametrize(("ratio", "most"), [(0.3, 30), (1.0, 10)])
def test_an_outage_in_minute_three_pages_within_two(ratio: float, most: float) -> None:
    paging = [
        state.last
        for state in outage(ratio, after=2 * MINUTE, until=4 * MINUTE)
        if (page := state.alert_for(Severity.PAGE)) and page.state is AlertState.FIRING
    ]

    assert paging[0] is not None
    assert paging[0] - T0 - 2 * MINUTE <= most


def test_a_burst_among_the_first_requests_pages_nobody() -> None:
    states = list(outage(0.2, after=0, until=10))

    assert states[-1].burns[0].error_ratio == 0.2
    assert {alert.state for alert in states[-1].alerts} == {AlertState.INACTIVE}


def test_a_total_outage_spends_the_budget_no_sooner_than_it_would_later() -> None:
    """At 99.9 % over 30 days everything may fail for 43 minutes."""
    exhausted = [
        (state.last or 0) - T0 for state in outage(1.0, after=0, until=HOUR) if state.budget.is_exhausted
    ]

    assert exhausted[0] == pytest.approx(30 * DAY / 1000, abs=TICK)


def test_what_is_covered_grows_with_the_data() -> None:
    states = list(outage(0.3, after=0, until=85))

    assert states[-1].budget.covered_seconds == 85
    assert states[-1].budget.left == pytest.approx(1 - 0.3 / 0.001 * 85 / (30 * DAY))
    assert states[-1].budget.events_left == pytest.approx(10 * 30 * DAY / 1000 - 255)


def test_a_full_window_spends_its_plain_ratio() -> None:
    engine = Engine([SHOP], interval=TICK)
    engine.backfill_counts(SHOP, (), T0 - 10 * DAY, EventCounts(500, 1_000_000), seconds=20 * DAY)

    (state,) = list(outage(0, after=0, until=TICK, engine=engine))

    assert state.budget.covered_seconds == 30 * DAY
    assert state.budget.left == pytest.approx(0.5, abs=1e-4)


def test_a_downtime_is_not_covered() -> None:
    """A minute a week ago and a minute now are two minutes of a window, not a week."""
    engine = Engine([SHOP], interval=TICK)
    for _ in outage(0, after=0, until=MINUTE, engine=engine):
        pass
    ((_, _, tracker),) = engine.iter_trackers()
    kept = tracker.take_checkpoint()
    assert kept is not None
    after = Engine([SHOP], interval=TICK)
    after.restore_checkpoints(SHOP, [kept], T0 + 7 * DAY, counters=False)

    now = T0 + 7 * DAY + TICK
    snapshot = after.record_tick(now, [IntervalCounts(now, {SHOP.id: SloCounts({(): EventCounts(1, 50)})})])

    assert snapshot.states[0].budget.covered_seconds == MINUTE + TICK
    assert AlertKind.EXHAUSTED not in {each.kind for each in alert_candidates(snapshot, now, {})}
