"""The ladder as a plan, and the ladder filled with numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import WORKBOOK
from sloctl.rollup import COARSE, FINE, Counts, Rollups, Rung, ladder


def test_a_page_stands_on_fine_rollups_and_everything_else_on_coarse_ones() -> None:
    plan = ladder(WORKBOOK, 30 * DAY)

    assert [rung.lookback for rung in plan.with_step(FINE)] == [5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR]
    assert [rung.lookback for rung in plan.with_step(COARSE)] == [2 * HOUR, DAY, 3 * DAY, 30 * DAY]


@pytest.mark.parametrize(
    ("rung", "seconds"),
    [
        (Rung(5 * MINUTE, FINE), 4 * MINUTE + 30),
        (Rung(6 * HOUR, FINE), 6 * HOUR - 30),
        (Rung(30 * DAY, COARSE), 30 * DAY - 150),
    ],
)
def test_a_range_is_half_a_step_shorter_than_its_lookback(rung: Rung, seconds: int) -> None:
    assert rung.range == seconds


def test_without_alerts_there_are_still_five_minutes_and_the_window() -> None:
    assert ladder((), 30 * DAY).rungs == (Rung(5 * MINUTE, FINE), Rung(30 * DAY, COARSE))


def test_no_traffic_has_no_ratio() -> None:
    assert Counts(error=0, total=0).error_ratio is None


def test_no_step_with_data_is_no_counts_and_not_zero() -> None:
    rollups = Rollups(step=60, reach=HOUR)
    rollups.add(30, Counts(error=1, total=2))

    assert rollups.sum(60, 5 * MINUTE) == Counts(error=1, total=2)
    assert rollups.sum(2 * HOUR, 5 * MINUTE) is None


def test_time_does_not_run_backwards() -> None:
    rollups = Rollups(step=60, reach=HOUR)
    rollups.add(600, Counts(error=0, total=1))

    with pytest.raises(ValueError, match="come after"):
        rollups.add(480, Counts(error=0, total=1))


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
        rollups.add(now, Counts(error=error, total=error + good))
        end = -(-now // step) * step
        errors, totals = steps.get(end, (0, 0))
        steps[end] = (errors + error, totals + error + good)

    inside = [counts for end, counts in steps.items() if now - lookback + step / 2 < end <= now + step]

    expected = (
        Counts(sum(error for error, _ in inside), sum(total for _, total in inside)) if inside else None
    )
    assert rollups.sum(now, lookback) == expected
