"""The resolution of each lookback."""

import pytest

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.slo.policy import WORKBOOK_POLICY
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, EventCounts, Resolution, build_resolutions


def test_a_page_stands_on_fine_rollups_and_everything_else_on_coarse_ones() -> None:
    plan = build_resolutions(WORKBOOK_POLICY, 30 * DAY)

    assert [it.lookback for it in plan.with_step(FINE_STEP)] == [
        5 * MINUTE,
        30 * MINUTE,
        HOUR,
        6 * HOUR,
    ]
    assert [it.lookback for it in plan.with_step(COARSE_STEP)] == [
        2 * HOUR,
        DAY,
        3 * DAY,
        30 * DAY,
    ]


@pytest.mark.parametrize(
    ("resolution", "seconds"),
    [
        (Resolution(5 * MINUTE, FINE_STEP), 4 * MINUTE + 30),
        (Resolution(6 * HOUR, FINE_STEP), 6 * HOUR - 30),
        (Resolution(30 * DAY, COARSE_STEP), 30 * DAY - 150),
    ],
)
def test_a_range_is_half_a_step_shorter_than_its_lookback(resolution: Resolution, seconds: int) -> None:
    assert resolution.range_seconds == seconds


def test_without_alerts_there_are_still_five_minutes_and_the_window() -> None:
    assert build_resolutions((), 30 * DAY).entries == (
        Resolution(5 * MINUTE, FINE_STEP),
        Resolution(30 * DAY, COARSE_STEP),
    )


def test_no_traffic_has_no_ratio() -> None:
    assert EventCounts(error=0, total=0).error_ratio is None
