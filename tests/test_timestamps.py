"""Moments as text, and the ticks of an axis of time."""

import pytest

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.timestamps import time_ticks

# Tuesday, 14 November 2023, 22:13:20 UTC.
NOW = 1_700_000_000


@pytest.mark.parametrize(
    ("seconds", "most", "texts"),
    [
        (30 * MINUTE, 7, ["21:45", "21:50", "21:55", "22:00", "22:05", "22:10"]),
        (3 * HOUR, 7, ["19:30", "20:00", "20:30", "21:00", "21:30", "22:00"]),
        # Midnight is told by its day.
        (DAY, 7, ["14 Nov", "06:00", "12:00", "18:00"]),
        (3 * DAY, 7, ["12 Nov", "12:00", "13 Nov", "12:00", "14 Nov", "12:00"]),
        (30 * DAY, 9, ["18 Oct", "22 Oct", "26 Oct", "30 Oct", "3 Nov", "7 Nov", "11 Nov"]),
    ],
)
def test_an_axis_has_a_few_round_ticks(seconds: int, most: int, texts: list[str]) -> None:
    assert [text for _, text in time_ticks(NOW - seconds, NOW, most=most)] == texts
