"""The history of buckets: what every lookback holds, against sums over all events."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.sidecar.engine.buckets import BucketSum, TimeBuckets
from sloctl.sidecar.engine.history import WIDEST_BUCKET, CountHistory, tick_step
from sloctl.slo.resolutions import COARSE_STEP, EventCounts

START = 1_700_006_400  # a whole number of days
LOOKBACKS = (5 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, DAY, 3 * DAY, 30 * DAY)
# Half of the steps at the old edge of each lookback; seconds.
HALF_WIDTHS = {
    5 * MINUTE: 2.5,
    30 * MINUTE: 30,
    HOUR: 30,
    2 * HOUR: 30,
    6 * HOUR: 30,
    DAY: 450,
    3 * DAY: 450,
    30 * DAY: HOUR,
}


def month() -> CountHistory:
    return CountHistory(step=5, window=30 * DAY)


def between(ticks: Sequence[tuple[int, EventCounts]], begin: float, end: float) -> EventCounts:
    within = [counts for at, counts in ticks if begin < at <= end]
    return EventCounts(sum(counts.error for counts in within), sum(counts.total for counts in within))


def rolled_up(ticks: Sequence[tuple[int, EventCounts]], now: int, lookback: int, *, step: int) -> EventCounts:
    """As the rules sum: the steps that end after the lookback begins, by half a step."""
    ended = [(-(-at // step) * step, counts) for at, counts in ticks]
    return between(ended, now - lookback + step / 2, now)


# Seconds since the tick before, most often five; errors; good events.
TICKS = st.lists(
    st.tuples(
        st.one_of(st.just(5), st.sampled_from([5, 10, 60, 5 * MINUTE, 3 * HOUR, 2 * DAY, 29 * DAY])),
        st.integers(0, 5),
        st.integers(0, 50),
    ),
    min_size=1,
    max_size=200,
)


@given(TICKS, st.integers(0, 11))
def test_every_lookback_is_exact_but_for_half_a_bucket_at_its_old_edge(
    drawn: list[tuple[int, int, int]], offset: int
) -> None:
    history, at, ticks = month(), START + 5 * offset, list[tuple[int, EventCounts]]()
    for gap, errors, good in drawn:
        at += gap
        counts = EventCounts(errors, errors + good)
        ticks.append((at, counts))
        history.record_counts(at, counts)

    for lookback, seen in zip(LOOKBACKS, history.lookback_sums(at, LOOKBACKS), strict=True):
        half = HALF_WIDTHS[lookback]
        least = between(ticks, at - lookback + half, at)
        most = between(ticks, at - lookback - half, at)
        assert least.error <= seen.error <= most.error
        assert least.total <= seen.total <= most.total


@given(TICKS)
def test_at_a_whole_minute_the_fine_lookbacks_are_what_the_rules_sum(
    drawn: list[tuple[int, int, int]],
) -> None:
    history, at, ticks = month(), START, list[tuple[int, EventCounts]]()
    for gap, errors, good in drawn:
        at += gap
        ticks.append((at, EventCounts(errors, errors + good)))
        history.record_counts(*ticks[-1])
    minute = -(-at // MINUTE) * MINUTE

    for lookback, seen in zip(LOOKBACKS[:5], history.lookback_sums(minute, LOOKBACKS[:5]), strict=True):
        assert EventCounts(seen.error, seen.total) == rolled_up(ticks, minute, lookback, step=MINUTE)


@pytest.mark.parametrize("step", [1, 5, 60])
def test_over_a_month_of_even_traffic_each_ratio_is_the_one_of_the_rules_five_minutes(step: int) -> None:
    history = CountHistory(step=step, window=30 * DAY)
    minutes = range(START + MINUTE, START + 31 * DAY, MINUTE)
    ticks = [(at, EventCounts(error=1 + at // DAY % 3, total=1000)) for at in minutes]
    for at, counts in ticks:
        history.record_counts(at, counts)
    now = START + 31 * DAY - COARSE_STEP

    for lookback, seen in zip(LOOKBACKS[3:], history.lookback_sums(now, LOOKBACKS[3:]), strict=True):
        exact = rolled_up(ticks, now, lookback, step=COARSE_STEP)
        assert exact.error_ratio is not None
        assert seen.error / seen.total == pytest.approx(exact.error_ratio, rel=0.02)


def test_sums_do_not_drift() -> None:
    history = CountHistory(step=5, window=DAY)
    for n in range(1, 3 * DAY // 5):
        history.record_counts(START + 5 * n, EventCounts(error=0.1, total=0.3))
    now = START + 3 * DAY

    (seen,) = history.lookback_sums(now, [HOUR])

    assert seen.error == pytest.approx(0.1 * (HOUR // 5 - 1), rel=1e-6)
    assert seen.total == pytest.approx(0.3 * (HOUR // 5 - 1), rel=1e-6)


def test_a_month_of_counts_is_held_in_ten_kilobytes() -> None:
    history = month()
    for n in range(1, 30 * DAY // MINUTE):
        history.record_counts(START + n * MINUTE, EventCounts(1, 100))
    for n in range(1, 600):
        history.record_counts(START + 30 * DAY + 5 * n, EventCounts(1, 100))

    assert len(history.pack_base()) < 10_000


def test_no_data_is_not_the_same_as_no_events() -> None:
    history = month()
    history.record_counts(START, EventCounts(0, 0))

    assert history.lookback_sums(START, [5 * MINUTE]) == [BucketSum(5, 0, 0)]
    assert history.lookback_sums(START + HOUR, [5 * MINUTE]) == [BucketSum(0, 0, 0)]


def test_a_lookback_tells_how_much_of_it_was_seen() -> None:
    history = month()
    for n in range(1, 121):
        history.record_counts(START + 5 * n, EventCounts(0, 1))
    for n in range(1, 121):
        history.record_counts(START + HOUR + 5 * n, EventCounts(0, 1))

    (seen,) = history.lookback_sums(START + HOUR + 10 * MINUTE, [2 * HOUR])

    assert seen.seconds == 20 * MINUTE


def test_what_comes_late_is_added_to_the_step_of_its_time() -> None:
    history = month()
    history.record_counts(START, EventCounts(1, 10))
    history.record_counts(START + HOUR, EventCounts(1, 10))

    history.record_counts(START + 20 * MINUTE, EventCounts(5, 50))

    five, half, whole = history.lookback_sums(START + HOUR, [5 * MINUTE, 30 * MINUTE, 2 * HOUR])
    assert (five.error, half.error, whole.error) == (1, 1, 7)
    assert history.last == START + HOUR


@given(st.lists(st.integers(0, 31 * DAY), min_size=2, max_size=30))
def test_no_order_of_arrival_loses_or_doubles_what_lies_in_the_window(ages: list[int]) -> None:
    history, now = month(), START + 40 * DAY
    history.record_counts(now, EventCounts(1, 1))
    for age in ages:
        history.record_counts(now - age, EventCounts(1, 1))

    (seen,) = history.lookback_sums(now, [30 * DAY])

    kept = 1 + sum(age < 30 * DAY - HOUR for age in ages)
    at_most = 1 + sum(age < 30 * DAY for age in ages)
    assert kept <= seen.total <= at_most


@given(TICKS, TICKS)
def test_what_is_unpacked_goes_on_as_if_nothing_had_happened(
    before: list[tuple[int, int, int]], after: list[tuple[int, int, int]]
) -> None:
    """But for the five-minute lookback, whose edge is a minute's for five minutes."""
    went_on, at = month(), START
    for gap, errors, good in before:
        at += gap
        went_on.record_counts(at, EventCounts(errors, errors + good))
    assert went_on.since is not None
    restored = month()
    restored.unpack_history(
        went_on.pack_base(), went_on.minutes_after(went_on.base_minute), since=went_on.since, last=at
    )
    for gap, errors, good in after:
        at += gap
        went_on.record_counts(at, EventCounts(errors, errors + good))
        restored.record_counts(at, EventCounts(errors, errors + good))
    minute = -(-at // MINUTE) * MINUTE

    assert counts(restored.lookback_sums(minute, LOOKBACKS)) == counts(
        went_on.lookback_sums(minute, LOOKBACKS)
    )
    assert restored.since == went_on.since


def counts(sums: Sequence[BucketSum]) -> list[tuple[float, float]]:
    return [(seen.error, seen.total) for seen in sums]


@given(TICKS)
def test_a_history_moved_back_is_the_same_history_earlier(drawn: list[tuple[int, int, int]]) -> None:
    history, moved, at = month(), month(), START + 40 * DAY
    for gap, errors, good in drawn:
        at += gap
        history.record_counts(at, EventCounts(errors, errors + good))
        moved.record_counts(at, EventCounts(errors, errors + good))

    moved.move_back(12 * WIDEST_BUCKET)

    assert moved.lookback_sums(at - DAY, LOOKBACKS) == history.lookback_sums(at, LOOKBACKS)


def test_a_tick_step_divides_the_minute() -> None:
    assert [tick_step(interval) for interval in (0.25, 1, 5, 7, 13, 15, 45, 60, 300)] == [
        1,
        1,
        5,
        6,
        12,
        15,
        30,
        60,
        60,
    ]


def test_steps_between_two_that_are_known_hold_nothing() -> None:
    steps = TimeBuckets(60)
    for first, then in pairwise([7, 3, 9]):
        steps.add_sum(first, BucketSum(60, 0, 1))
        steps.add_sum(then, BucketSum(60, 0, 1))

    assert steps.filled_buckets() == [
        (3, BucketSum(120, 0, 2)),
        (7, BucketSum(60, 0, 1)),
        (9, BucketSum(60, 0, 1)),
    ]
