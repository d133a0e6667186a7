"""Counts in, snapshots out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from msgspec import structs

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import Severity, Slo
from sloctl.sidecar.engine.engine import MAX_GROUPS, Engine
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.sidecar.engine.tick_loop import poll_source
from sloctl.sidecar.sources import OTHERS, Group, IntervalCounts, SloCounts, SourceUnavailable
from sloctl.slo.health import AlertState, Health
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import LATENCY, slo

SHOP = slo()
T0 = 1_700_000_000.0


def only(snapshot: Snapshot) -> SloState:
    (state,) = snapshot.states
    return state


def ticked(engine: Engine, counted: Slo, ticks: list[tuple[float, EventCounts]]) -> Snapshot:
    snapshot = Snapshot.without_data([counted])
    for at, counts in ticks:
        snapshot = engine.record_tick(at, [read(at, counted, {(): counts})])
    return snapshot


def read(at: float, counted: Slo, groups: Mapping[Group, EventCounts]) -> IntervalCounts:
    return IntervalCounts(at, {counted.id: SloCounts(groups)})


def steady(
    counts: EventCounts, *, since: float, until: float, every: float
) -> list[tuple[float, EventCounts]]:
    return [(since + every * n, counts) for n in range(1, round((until - since) / every) + 1)]


def test_what_burns_seventy_times_too_fast_is_burning_before_it_pages() -> None:
    engine = Engine([SHOP], interval=5)
    for at, counts in steady(EventCounts(0, 50), since=T0 - 6 * HOUR, until=T0, every=5):
        engine.backfill_counts(SHOP, (), at, counts)

    seen = only(ticked(engine, SHOP, steady(EventCounts(50, 50), since=T0, until=T0 + 20, every=5)))

    assert round(seen.burns[0].burn_rate or 0) == 67
    assert (seen.health.label, seen.alert_for(Severity.PAGE).state) == ("burning", AlertState.INACTIVE)  # type: ignore[union-attr]


def test_what_has_stopped_to_burn_is_fine_though_longer_lookbacks_remember() -> None:
    engine = Engine([SHOP], interval=5)
    for at, counts in steady(EventCounts(0, 50), since=T0 - 6 * HOUR, until=T0, every=5):
        engine.backfill_counts(SHOP, (), at, counts)
    ticked(engine, SHOP, steady(EventCounts(50, 50), since=T0, until=T0 + 20, every=5))

    over = only(ticked(engine, SHOP, steady(EventCounts(0, 50), since=T0 + 20, until=T0 + 400, every=5)))

    assert over.burn_over(30 * MINUTE).burn_rate == pytest.approx(20 / 1.8, rel=0.01)
    assert over.health is Health.FINE


def test_without_any_alert_what_burns_above_1_is_burning() -> None:
    silent = structs.replace(SHOP, alerting=structs.replace(SHOP.alerting, page=None, ticket=None))
    engine = Engine([silent], interval=5)
    engine.backfill_counts(silent, (), T0 - 10 * DAY, EventCounts(0, 1e6), seconds=20 * DAY)

    seen = ticked(engine, silent, steady(EventCounts(1, 500), since=T0, until=T0 + 20, every=5))

    assert only(seen).health is Health.BURNING


def test_what_has_not_been_read_is_unknown_and_neither_good_nor_bad() -> None:
    state = only(Snapshot.without_data([SHOP]))

    assert (state.health, state.budget.left, state.burn_over(HOUR).burn_rate) == (Health.UNKNOWN, None, None)
    assert {alert.state for alert in state.alerts} == {AlertState.UNKNOWN}


def test_no_traffic_is_data_without_a_ratio() -> None:
    state = only(ticked(Engine([SHOP], interval=5), SHOP, [(T0, EventCounts(0, 0))]))

    assert (state.last, state.burn_over(HOUR).error_ratio, state.health) == (T0, None, Health.UNKNOWN)


def test_a_budget_is_what_the_errors_leave_of_it() -> None:
    engine = Engine([SHOP], interval=5)
    engine.backfill_counts(SHOP, (), T0 - 10 * DAY, EventCounts(0, 0), seconds=20 * DAY)

    snapshot = ticked(engine, SHOP, [(T0, EventCounts(error=0.5, total=1000))])

    assert only(snapshot).budget.left == 0.5
    assert only(snapshot).budget.events_left == 0.5


def test_a_total_outage_pages_from_the_tick_at_which_both_lookbacks_are_above() -> None:
    engine = Engine([SHOP], interval=5)
    for at, counts in steady(EventCounts(0, 50), since=T0 - 6 * HOUR, until=T0, every=5):
        engine.backfill_counts(SHOP, (), at, counts)

    snapshot = ticked(engine, SHOP, steady(EventCounts(50, 50), since=T0, until=T0 + 3 * MINUTE, every=5))

    page = only(snapshot).alert_for(Severity.PAGE)
    assert page is not None
    # 14.4 x 0.1 % of an hour is 51.84 s of outage: over at the eleventh tick.
    assert (page.state, page.since) == (AlertState.FIRING, T0 + 55)
    assert only(snapshot).health is Health.PAGING


def test_half_the_lowest_threshold_never_pages() -> None:
    ticks = steady(EventCounts(0.3, 100), since=T0, until=T0 + HOUR, every=15)

    snapshot = ticked(Engine([SHOP], interval=15), SHOP, ticks)

    page = only(snapshot).alert_for(Severity.PAGE)
    assert page is not None
    assert [row.state for row in page.rows] == [AlertState.INACTIVE, AlertState.INACTIVE]


def test_one_failed_request_of_a_quiet_service_pages_nobody() -> None:
    snapshot = ticked(Engine([SHOP], interval=5), SHOP, [(T0, EventCounts(error=1, total=2))])

    assert {alert.state for alert in only(snapshot).alerts} == {AlertState.INACTIVE}


def test_each_time_to_exhaustion_is_that_of_its_own_burn() -> None:
    """Thirty days without an error, then ten minutes at a hundred times the sustainable burn."""
    engine = Engine([SHOP], interval=60)
    for at, counts in steady(EventCounts(0, 1000), since=T0 - 30 * DAY, until=T0, every=MINUTE):
        engine.backfill_counts(SHOP, (), at, counts)

    ticks = steady(EventCounts(100, 1000), since=T0, until=T0 + 10 * MINUTE, every=60)
    state = only(ticked(engine, SHOP, ticks))

    budget, rate = state.budget, state.burn_over(HOUR).burn_rate
    assert budget.left is not None
    assert rate is not None
    assert rate == pytest.approx(100 / 6, rel=0.02)
    assert budget.time_to_exhaustion == pytest.approx(budget.left * 30 * DAY / 100)
    assert budget.steady_burn.burn_rate == rate
    assert budget.steady_time_to_exhaustion == pytest.approx(budget.left * 30 * DAY / rate)


def test_few_events_do_not_convince_an_slo_that_asks_for_confidence() -> None:
    convinced, unconvinced = slo(min_errors=0), slo(min_errors=0, confidence=Fraction(99, 100))

    states = [
        only(
            ticked(
                Engine([each], interval=60), each, [(T0, EventCounts(0, 0)), (T0 + 600, EventCounts(1, 50))]
            )
        )
        .alerts[0]
        .state
        for each in (convinced, unconvinced)
    ]

    assert states == [AlertState.FIRING, AlertState.INACTIVE]


def test_what_a_tick_leaves_out_keeps_its_last_state_marked_stale() -> None:
    engine = Engine([SHOP], interval=5)
    seen = ticked(engine, SHOP, [(T0, EventCounts(0, 10))])

    after = engine.record_tick(T0 + 5, [])

    assert only(after) == replace(only(seen), stale=True)


def test_a_stale_entry_is_never_fine() -> None:
    engine = Engine([SHOP], interval=5)
    seen = ticked(engine, SHOP, [(T0, EventCounts(0, 10))])

    assert only(seen).health is Health.FINE
    assert only(engine.record_tick(T0 + 5, [])).health is Health.UNKNOWN


class Broken:
    """A source behind which nobody answers."""

    async def read_counts(self, now: float) -> Sequence[IntervalCounts]:  # noqa: ARG002 - the shape of a Source
        raise SourceUnavailable("http://shop/metrics: no answer in time")


async def test_an_outage_of_the_target_keeps_the_last_answer() -> None:
    engine = Engine([SHOP], interval=5)
    snapshot = ticked(engine, SHOP, [(T0, EventCounts(10, 10))])

    after = await poll_source(Broken(), engine, snapshot, T0 + 5)

    assert after == snapshot.marked_stale("http://shop/metrics: no answer in time")
    assert only(after).stale


def test_groups_beyond_the_cap_share_one_entry() -> None:
    grouped = slo(group_by=("route",))
    engine = Engine([grouped], interval=5)

    snapshot = engine.record_tick(
        T0, [read(T0, grouped, {(f"/{n}",): EventCounts(0, 1) for n in range(MAX_GROUPS + 50)})]
    )

    others = snapshot.states[-1]
    assert (len(snapshot.states), others.group, others.is_overflow, others.events) == (
        MAX_GROUPS + 1,
        (OTHERS,),
        True,
        50,
    )


def test_a_group_without_data_for_a_whole_window_is_forgotten() -> None:
    grouped = slo(group_by=("route",))
    engine = Engine([grouped], interval=5)
    engine.record_tick(T0, [read(T0, grouped, {("/old",): EventCounts(0, 1)})])

    later = T0 + 31 * DAY
    snapshot = engine.record_tick(later, [read(later, grouped, {("/new",): EventCounts(0, 1)})])

    assert [state.group for state in snapshot.states] == [("/new",)]


def test_numbers_say_since_when_there_are_data() -> None:
    snapshot = ticked(
        Engine([SHOP], interval=5), SHOP, [(T0, EventCounts(0, 1)), (T0 + 5, EventCounts(0, 1))]
    )

    assert (only(snapshot).since, only(snapshot).last) == (T0 - 5, T0 + 5)


def test_a_source_that_catches_up_is_counted_minute_by_minute() -> None:
    engine = Engine([SHOP], interval=5)
    minutes = [read(T0 + n * MINUTE, SHOP, {(): EventCounts(n, 10)}) for n in range(1, 11)]

    snapshot = engine.record_tick(T0 + 10 * MINUTE, minutes)

    assert only(snapshot).burn_over(5 * MINUTE).counts == EventCounts(6 + 7 + 8 + 9 + 10, 50)
    assert only(snapshot).burn_over(HOUR).counts == EventCounts(55, 100)


def test_a_source_with_news_once_a_minute_is_fresh_in_between() -> None:
    patient = Engine([SHOP], interval=5, stale_after=2 * MINUTE)
    patient.record_tick(T0, [read(T0 - MINUTE, SHOP, {(): EventCounts(0, 10)})])

    between = only(patient.record_tick(T0 + 5, []))
    later = only(patient.record_tick(T0 + MINUTE + 5, []))

    assert (between.stale, later.stale) == (False, True)


def test_a_new_objective_keeps_history_and_a_new_indicator_does_not() -> None:
    engine = Engine([SHOP], interval=5)
    ticked(engine, SHOP, [(T0, EventCounts(5, 10))])

    assert engine.replace_slos([slo(objective=Fraction(9, 10))]) == ()
    kept = only(engine.record_tick(T0 + 5, []))
    (anew,) = engine.replace_slos([slo(LATENCY)])
    lost = only(engine.record_tick(T0 + 5, []))

    assert (kept.last, kept.slo.objective) == (T0, Fraction(9, 10))
    assert (lost.last, anew.indicator) == (None, LATENCY)


def test_data_cover_as_much_of_a_lookback_as_was_seen() -> None:
    ticks = steady(EventCounts(0, 1), since=T0, until=T0 + 10 * MINUTE, every=5)

    state = only(ticked(Engine([SHOP], interval=5), SHOP, ticks))

    assert (state.burn_over(5 * MINUTE).covered_seconds, state.burn_over(HOUR).covered_seconds) == (
        5 * MINUTE,
        10 * MINUTE,
    )


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), -float("inf"), 1e300])
def test_what_is_no_count_has_not_been_read(broken: float) -> None:
    engine = Engine([SHOP], interval=5)
    ticked(engine, SHOP, [(T0, EventCounts(0, 10))])

    state = only(ticked(engine, SHOP, [(T0 + 5, EventCounts(broken, 10)), (T0 + 10, EventCounts(0, broken))]))

    assert (state.stale, state.burn_over(HOUR).counts, state.events) == (True, EventCounts(0, 10), 10)


def test_a_source_whose_clock_is_ahead_makes_nothing_old() -> None:
    engine = Engine([SHOP], interval=5)
    ticked(engine, SHOP, [(T0, EventCounts(1, 10))])

    snapshot = engine.record_tick(T0 + 5, [read(T0 + 365 * DAY, SHOP, {(): EventCounts(1, 10)})])

    assert (only(snapshot).last, only(snapshot).burn_over(HOUR).counts) == (T0 + 5, EventCounts(2, 20))


def grouped_reading(at: float, slos: Sequence[Slo], groups: int) -> IntervalCounts:
    counts: dict[Group, EventCounts] = {(f"/{n}",): EventCounts(1, 10) for n in range(groups)}
    return IntervalCounts(at, {each.id: SloCounts(counts) for each in slos})


def test_groups_of_all_slos_together_have_a_limit() -> None:
    slos = [slo(name=f"slo-{n}", group_by=("route",)) for n in range(10)]
    engine = Engine(slos, interval=5, max_group_entries=25)

    snapshot = engine.record_tick(T0, [grouped_reading(T0, slos, 10)])

    others = [state for state in snapshot.states if state.is_overflow]
    assert (engine.group_entry_count, len(others)) == (25, 8)
    assert sum(state.events for state in snapshot.states) == 10 * 10 * 10
    assert engine.issue is not None
    assert "of 8 SLOs further groups share the entry (others)" in engine.issue


def test_an_expired_group_gives_its_entry_back() -> None:
    grouped = slo(group_by=("route",))
    engine = Engine([grouped], interval=5, max_group_entries=2)
    engine.record_tick(T0, [grouped_reading(T0, [grouped], 2)])

    engine.record_tick(T0 + 31 * DAY, [])

    assert engine.group_entry_count == 0


def test_an_slo_without_groups_needs_no_entry() -> None:
    engine = Engine([SHOP], interval=5, max_group_entries=0)

    assert only(ticked(engine, SHOP, [(T0, EventCounts(0, 10))])).group == ()
    assert engine.issue is None


def test_a_label_value_as_long_as_a_page_is_no_entry() -> None:
    grouped = slo(group_by=("route",))
    engine = Engine([grouped], interval=5)

    snapshot = engine.record_tick(T0, [read(T0, grouped, {("x" * 40_000,): EventCounts(1, 10)})])

    assert only(snapshot).group == (OTHERS,)


def test_a_tick_of_many_groups_gives_others_their_turn() -> None:
    slos = [slo(name=f"slo-{n}", group_by=("route",)) for n in range(10)]
    engine = Engine(slos, interval=5)

    pieces = list(engine.record_in_pieces(T0, [grouped_reading(T0, slos, 200)]))

    assert pieces.count(None) == 10
