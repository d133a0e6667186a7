"""Durations, read and written as Prometheus does."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloctl.duration import format_duration, parse_bound, parse_duration


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


def test_a_bound_may_lie_between_milliseconds() -> None:
    bounds = {it: parse_bound(it) for it in ("268.435456ms", "1s431.655765ms", "300ms", "1m0.5ms")}

    assert bounds == {
        "268.435456ms": Fraction(268435456, 10**9),
        "1s431.655765ms": Fraction(1431655765, 10**9),
        "300ms": Fraction(3, 10),
        "1m0.5ms": 60 + Fraction(1, 2000),
    }


@pytest.mark.parametrize(
    "text", ["0.3s", "1.ms", ".5ms", "1ms2.5ms", "2.5ms1s", "1.5m2.5ms", "1e2.5ms", "1.2.5ms"]
)
def test_no_other_decimals_are_a_bound(text: str) -> None:
    with pytest.raises(ValueError, match="a number with a unit"):
        parse_bound(text)


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
