"""Charts hold what the history holds, and end at the numbers of the snapshot."""

from collections.abc import Sequence

import pytest

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import Severity
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.engine.timeline import FiringPeriod, SloTimeline
from sloctl.sidecar.sources import IntervalCounts, SloCounts
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import slo

SHOP = slo()
# A multiple of all steps.
NOW = 1_700_006_400
GOOD, BAD = EventCounts(0, 100), EventCounts(50, 100)


def watched(*minutes: tuple[int, EventCounts]) -> tuple[Engine, SloState]:
    """Counts so many minutes ago, the oldest first, and good ones now."""
    engine = Engine([SHOP], interval=60)
    for ago, counts in minutes:
        engine.backfill_counts(SHOP, (), NOW - ago * MINUTE, counts)
    snapshot = engine.record_tick(NOW, [IntervalCounts(NOW, {SHOP.id: SloCounts({(): GOOD})})])
    return engine, snapshot.states[0]


def drawn(engine: Engine, state: SloState, seconds: int, *, until: int = NOW) -> SloTimeline:
    timeline = engine.slo_timeline(state, begin=until - seconds, end=until)
    assert timeline is not None
    return timeline


def outage(begins: int, ends: int) -> list[tuple[int, EventCounts]]:
    """Two hours of traffic, bad between so many minutes ago."""
    return [(ago, BAD if ends <= ago < begins else GOOD) for ago in range(120, 0, -1)]


def test_the_budget_goes_from_all_of_it_to_what_the_snapshot_says() -> None:
    engine, state = watched(*outage(90, 80))

    points = drawn(engine, state, 2 * HOUR).points

    assert points[0].budget_left == 1
    assert points[-1].budget_left == pytest.approx(state.budget.left)
    assert sorted((point.budget_left or 0 for point in points), reverse=True) == [
        point.budget_left for point in points
    ]


def test_points_hold_every_event_once() -> None:
    engine, state = watched(*outage(90, 80))

    points = drawn(engine, state, 30 * DAY).points

    assert sum(point.counts.error for point in points) == 500
    assert sum(point.counts.total for point in points) == 12_100


def test_time_without_data_has_no_point() -> None:
    engine, state = watched((100, GOOD), (30, GOOD))

    points = drawn(engine, state, 2 * HOUR).points

    assert [(NOW - point.begin, NOW - point.end) for point in points] == [
        (101 * MINUTE, 100 * MINUTE),
        (31 * MINUTE, 30 * MINUTE),
        (MINUTE, 0),
    ]


def test_an_old_hour_is_one_point_of_two_hours() -> None:
    engine, state = watched((20 * 24 * 60, GOOD), (20 * 24 * 60 - 60, GOOD))

    points = drawn(engine, state, HOUR, until=NOW - 20 * DAY).points

    assert [point.end - point.begin for point in points] == [2 * HOUR]


def test_an_outage_fires_from_when_it_paged_to_when_both_lookbacks_are_clean() -> None:
    engine, state = watched(*outage(90, 80))

    fired = drawn(engine, state, 2 * HOUR).firing

    assert [each.severity for each in fired] == [Severity.TICKET, Severity.PAGE]
    # 30 minutes after its end the shorter lookback is clean; told to a point, five minutes here.
    assert fired[1] == FiringPeriod(Severity.PAGE, NOW - 90 * MINUTE, NOW - 55 * MINUTE)


def test_an_incident_of_twelve_days_ago_is_listed_as_one() -> None:
    day = DAY // MINUTE
    engine, state = watched(
        *((ago, GOOD) for ago in range(12 * day + 120, 12 * day + 30, -1)),
        *((ago, BAD) for ago in range(12 * day + 30, 12 * day, -1)),
        *((ago, GOOD) for ago in range(12 * day, 0, -10)),
    )

    pages = [each for each in engine.past_alerts(state) if each.severity is Severity.PAGE]

    # As fine as the history: buckets of two hours.
    assert [(each.begin, each.end) for each in pages] == [(NOW - 12 * DAY - 2 * HOUR, NOW - 12 * DAY)]


def test_nothing_fires_where_nothing_fails() -> None:
    engine, state = watched(*outage(0, 0))

    assert drawn(engine, state, 30 * DAY).firing == ()


def test_a_range_before_all_data_is_empty() -> None:
    engine, state = watched((10, GOOD))

    assert drawn(engine, state, HOUR, until=NOW - DAY).points == ()


def test_a_sparkline_tells_no_traffic_from_no_errors() -> None:
    engine, state = watched((25, BAD), (5, GOOD))

    rates = engine.recent_burn_rates(state, end=NOW, width=600, points=3)

    assert rates == [pytest.approx(500), None, 0]


@pytest.mark.parametrize(
    ("bad", "began"),
    [
        (range(10, 20), 19),
        # Errors that pause for less than five minutes are one outage, for longer they are two.
        ([*range(10, 20), *range(24, 30)], 29),
        ([*range(10, 20), *range(26, 30)], 19),
        ([], None),
    ],
)
def test_a_burn_began_with_its_first_minute(bad: Sequence[int], began: int | None) -> None:
    engine, state = watched(*((ago, BAD if ago in bad else GOOD) for ago in range(120, 0, -1)))

    assert engine.burn_start(state) == (None if began is None else NOW - (began + 1) * MINUTE)
