"""The sums that the differential tests expect, against plain ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloctl.duration import HOUR, MINUTE
from sloctl.slo.resolutions import EventCounts
from tests.differential.rollups import Rollups


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
