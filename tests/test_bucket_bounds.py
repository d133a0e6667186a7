"""Bounds of histograms told apart by the text of their label."""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloctl.model import LabelMatcher, MatchOp
from sloctl.slo.bucket_bounds import equal_bound, lower_bounds, near_bounds

THRESHOLDS: Final = [
    Fraction(text)
    for text in (
        "0.001",
        "0.005",
        "0.1",
        "0.25",
        "0.3",
        "1",
        "1.05",
        "2.5",
        "7.5",
        "10",
        "25",
        "100",
        "120",
        "500",
    )
]
PRINTED: Final = (
    "0", "0.0", "-1", "1e-05", "1.0E-4", "0.005", "0.1", "0.25", "0.29999", "0.3", "0.30",
    "0.30000000000000004", "0.30000001192092896", "1", "1.0", "2.5", "3", "3.0", "7.5", "10", "10.0",
    "25", "99.99", "100", "1000",
)  # fmt: skip


def matches(matchers: tuple[LabelMatcher, ...], bound: str) -> bool:
    return all(bool(re.fullmatch(it.value, bound)) == (it.op is MatchOp.MATCH) for it in matchers)


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=str)
@given(drawn=st.decimals(min_value=0, max_value=20_000, places=4))
def test_matchers_order_bounds_as_numbers(threshold: Fraction, drawn: Decimal) -> None:
    for bound in (*PRINTED, format(drawn, "f"), format(drawn.normalize(), "f")):
        value = Fraction(bound)
        assert matches(lower_bounds(threshold), bound) == (value < threshold)
        assert matches(near_bounds(threshold), bound) == (threshold < value <= 10 * threshold)


@pytest.mark.parametrize("bound", ["+Inf", "Inf", "NaN"])
def test_no_number_lies_beside_any_threshold(bound: str) -> None:
    assert not any(matches(lower_bounds(it), bound) or matches(near_bounds(it), bound) for it in THRESHOLDS)


def test_a_whole_bound_is_read_in_either_spelling() -> None:
    assert equal_bound(Fraction(1)) == LabelMatcher("le", MatchOp.MATCH, r"1(\.0)?")
    assert equal_bound(Fraction("0.3")) == LabelMatcher("le", MatchOp.EQUAL, "0.3")
