"""Durations, read and written as Prometheus does."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloctl.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30d", 2_592_000),
        ("1h30m", 5400),
        ("300ms", Fraction(3, 10)),
        ("4w", 2_419_200),
        ("1y", 31_536_000),
        ("0s", 0),
    ],
)
def test_units_are_added(text: str, seconds: Fraction) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "1.5h", "5m1h", "1h1h", "-5m", "5 m", "1e3s", "5M", "٣m", "9999999999s"]
)
def test_anything_else_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="a number with a unit, like 30d, 5m or 300ms"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (270, "4m30s"),
        (2_592_000, "30d"),
        (2_419_200, "4w"),
        (2_591_850, "29d23h57m30s"),
        (75, "1m15s"),
    ],
)
def test_prometheus_spelling(seconds: int, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(0, 10**9))
def test_what_is_written_is_read_back(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds
