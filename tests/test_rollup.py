"""The ladder as a plan, and the ladder filled with numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.slo.policy import WORKBOOK_POLICY
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, EventCounts, Resolution, Rollups, build_resolutions


def test_a_page_stands_on_fine_rollups_and_everything_else_on_coarse_ones() -> None:
    plan = build_resolutions(WORKBOOK_POLICY, 30 * DAY)

    assert [rung.lookback for rung in plan.with_step(FINE_STEP)] == [5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR]
    assert [rung.lookback for rung in plan.with_step(COARSE_STEP)] == [2 * HOUR, DAY, 3 * DAY, 30 * DAY]


@pytest.mark.parametrize(
    ("rung", "seconds"),
    [
        (Resolution(5 * MINUTE, FINE_STEP), 4 * MINUTE + 30),
        (Resolution(6 * HOUR, FINE_STEP), 6 * HOUR - 30),
        (Resolution(30 * DAY, COARSE_STEP), 30 * DAY - 150),
    ],
)
def test_a_range_is_half_a_step_shorter_than_its_lookback(rung: Resolution, seconds: int) -> None:
    assert rung.range_seconds == seconds


def test_without_alerts_there_are_still_five_minutes_and_the_window() -> None:
    assert build_resolutions((), 30 * DAY).entries == (
        Resolution(5 * MINUTE, FINE_STEP),
        Resolution(30 * DAY, COARSE_STEP),
    )


def test_no_traffic_has_no_ratio() -> None:
    assert EventCounts(error=0, total=0).error_ratio is None


def test_no_step_with_data_is_no_counts_and_not_zero() -> None:
    rollups = Rollups(step=60, reach=HOUR)
    rollups.add_counts(30, EventCounts(error=1, total=2))

    assert rollups.sum_counts(60, 5 * MINUTE) == EventCounts(error=1, total=2)
    assert rollups.sum_counts(2 * HOUR, 5 * MINUTE) is None


def test_time_does_not_run_backwards() -> None:
    rollups = Rollups(step=60, reach=HOUR)
    rollups.add_counts(600, EventCounts(error=0, total=1))

    with pytest.raises(ValueError, match="come after"):
        rollups.add_counts(480, EventCounts(error=0, total=1))


@given(
    step=st.sampled_from([1, 5, 60]),
    arrivals=st.lists(st.tuples(st.integers(0, 90), st.integers(0, 50), st.integers(0, 50)), max_size=300),
    lookback=st.integers(1, 60).map(lambda minutes: minutes * MINUTE),
)
def test_any_lookback_is_the_sum_of_the_steps_that_end_in_it(
    step: int, arrivals: list[tuple[int, int, int]], lookback: int
) -> None:
    rollups, steps, now = Rollups(step=step, reach=HOUR), dict[int, tuple[int, int]](), 0
    for wait, error, good in arrivals:
        now += wait
        rollups.add_counts(now, EventCounts(error=error, total=error + good))
        end = -(-now // step) * step
        errors, totals = steps.get(end, (0, 0))
        steps[end] = (errors + error, totals + error + good)

    inside = [counts for end, counts in steps.items() if now - lookback + step / 2 < end <= now + step]

    expected = (
        EventCounts(sum(error for error, _ in inside), sum(total for _, total in inside)) if inside else None
    )
    assert rollups.sum_counts(now, lookback) == expected
