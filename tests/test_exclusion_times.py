"""When an exclusion holds, by the clocks of its time zone."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import Exclusion, FixedTime, RecurringTime
from sloctl.slo.exclusions import (
    describe_time,
    exclusion_spans,
    merge_spans,
    parse_moment,
    zone_offsets,
)

BERLIN: Final = ZoneInfo("Europe/Berlin")
FIRST_SUNDAY: Final = ((6, 1),)


def berlin(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


def spans(time: FixedTime | RecurringTime, begin: int, end: int) -> list[tuple[int, int]]:
    return [(start, stop) for start, stop, _ in exclusion_spans(Exclusion("Why.", time), begin, end)]


def test_a_fixed_time_is_one_span() -> None:
    time = FixedTime(1000, 2000)

    assert spans(time, 0, 1000) == []
    assert spans(time, 0, 1001) == [(1000, 2000)]
    assert spans(time, 1999, 5000) == [(1000, 2000)]
    assert spans(time, 2000, 5000) == []


def test_a_reset_is_everything_before() -> None:
    assert spans(FixedTime(None, 2000), 1999, 5000) == [(0, 2000)]


def test_the_first_sunday_of_each_month() -> None:
    time = RecurringTime(FIRST_SUNDAY, 2 * HOUR, 2 * HOUR, "Europe/Berlin")

    found = spans(time, berlin("2026-09-01"), berlin("2027-01-01"))

    assert found == [
        (berlin(f"{day}T02:00"), berlin(f"{day}T04:00"))
        for day in ("2026-09-06", "2026-10-04", "2026-11-01", "2026-12-06")
    ]


def test_the_last_friday_of_a_month() -> None:
    time = RecurringTime(((4, -1),), 0, DAY, "Europe/Berlin")

    found = spans(time, berlin("2026-10-01"), berlin("2026-12-01"))

    assert found == [
        (berlin("2026-10-30"), berlin("2026-10-31")),
        (berlin("2026-11-27"), berlin("2026-11-28")),
    ]


def test_a_night_goes_on_after_midnight() -> None:
    time = RecurringTime(((0, None),), 22 * HOUR, 4 * HOUR, "Europe/Berlin")

    found = spans(time, berlin("2026-11-03T01:00"), berlin("2026-11-03T03:00"))

    assert found == [(berlin("2026-11-02T22:00"), berlin("2026-11-03T02:00"))]


def test_clocks_that_change_move_the_span() -> None:
    time = RecurringTime((), 12 * HOUR, HOUR, "Europe/Berlin")

    found = spans(time, berlin("2026-10-24"), berlin("2026-10-26"))

    assert [start for start, _ in found] == [
        int(datetime.fromisoformat("2026-10-24T10:00+00:00").timestamp()),
        int(datetime.fromisoformat("2026-10-25T11:00+00:00").timestamp()),
    ]


def test_a_zone_has_two_changes_a_year() -> None:
    offsets = zone_offsets("Europe/Berlin", 2026, 2027)

    assert [ahead for _, ahead in offsets] == [HOUR, 2 * HOUR, HOUR, 2 * HOUR, HOUR]
    assert offsets[1][0] == int(datetime.fromisoformat("2026-03-29T01:00+00:00").timestamp())


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01T01:00:00Z", HOUR),
        ("1970-01-01T01:00Z", HOUR),
        ("1970-01-01T02:01:00+01:00", HOUR + MINUTE),
        ("1970-01-01T01:00:00", None),
        ("1970-01-01", None),
        ("1970-01-01T01:00:00.5Z", None),
        ("noon", None),
    ],
)
def test_a_moment_has_an_offset(text: str, moment: int | None) -> None:
    assert parse_moment(text) == moment


def test_spans_that_touch_are_one() -> None:
    assert merge_spans([(5, 7), (1, 3), (3, 4), (6, 9)]) == [(1, 4), (5, 9)]


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (FixedTime(0, HOUR), "1970-01-01 00:00 UTC to 1970-01-01 01:00 UTC"),
        (FixedTime(None, HOUR), "everything before 1970-01-01 01:00 UTC"),
        (
            RecurringTime(((6, 1), (5, None)), 22 * HOUR, 4 * HOUR, "Europe/Berlin"),
            "first Sunday of a month, every Saturday 22:00 to 02:00 (Europe/Berlin)",
        ),
        (RecurringTime((), 0, DAY), "every day (UTC)"),
    ],
)
def test_a_time_is_said_in_words(time: FixedTime | RecurringTime, text: str) -> None:
    assert describe_time(time) == text
