"""Bounds of classic histograms as regular expressions over the label `le`.

PromQL cannot compare the values of labels, so which bounds lie below or near another is told by the shape of
their decimals, as the clients of Go, Java, Python, .NET and Rust print them.
"""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final

from sloctl.model import LabelMatcher, MatchOp
from sloctl.promql import format_number

_LABEL: Final = "le"
# A negative bound; and one so small that its client prints an exponent (Go from 1e-05 on, Java from 1.0E-4).
_NEGATIVE: Final = "-.+"
_TINY: Final = ".+[eE]-.+"
_SMALLEST_PLAIN: Final = Decimal("0.001")
# How far above a bound another one tells something about it.
_NEAR_FACTOR: Final = 10


def equal_bound(bound: Fraction) -> LabelMatcher:
    """Match *bound* itself: exporters spell a whole one `1` or `1.0`, Prometheus 3 always `1.0`."""
    text = format_number(bound)
    if "." in text or "e" in text:
        return LabelMatcher(_LABEL, MatchOp.EQUAL, text)
    return LabelMatcher(_LABEL, MatchOp.MATCH, rf"{text}(\.0)?")


def lower_bounds(bound: Fraction) -> tuple[LabelMatcher, ...]:
    """Match every bound below *bound*, above 0."""
    return (LabelMatcher(_LABEL, MatchOp.MATCH, _below(_decimal(bound))),)


def near_bounds(bound: Fraction) -> tuple[LabelMatcher, ...]:
    """Match every bound above *bound* up to ten times as high."""
    value = _decimal(bound)
    highest = value * _NEAR_FACTOR
    return (
        LabelMatcher(_LABEL, MatchOp.MATCH, f"{_below(highest)}|{_equal(highest)}"),
        LabelMatcher(_LABEL, MatchOp.NOT_MATCH, f"{_below(value)}|{_equal(value)}"),
    )


def _decimal(bound: Fraction) -> Decimal:
    return Decimal(format_number(bound))


def _digits(value: Decimal) -> tuple[str, str]:
    """Split into the digits before and behind the point, without closing zeros."""
    whole, _, part = format(value.normalize(), "f").partition(".")
    return whole, part


def _equal(value: Decimal) -> str:
    whole, part = _digits(value)
    return rf"{whole}[.]{part}0*" if part else rf"{whole}([.]0*)?"


@lru_cache(maxsize=256)  # the same few thresholds in all SLOs
def _below(value: Decimal) -> str:
    whole, part = _digits(value)
    forms = [_NEGATIVE]
    if value >= _SMALLEST_PLAIN:
        forms.append(_TINY)
    if lower := list(_lower_whole_numbers(whole)):
        forms.append(f"({'|'.join(lower)})([.][0-9]+)?")
    forms += _lower_fractions(whole, part)
    return "|".join(forms)


def _lower_whole_numbers(whole: str) -> Iterator[str]:
    """Yield forms of fewer digits, then forms that first differ in each digit."""
    if len(whole) > 1:
        yield "[0-9]" if len(whole) == 2 else f"[0-9]{{1,{len(whole) - 1}}}"
    for place, digit in enumerate(whole):
        lowest = 1 if place == 0 and len(whole) > 1 else 0
        if int(digit) > lowest:
            rest = len(whole) - place - 1
            free = f"[0-9]{{{rest}}}" if rest else ""
            yield f"{whole[:place]}[{lowest}-{int(digit) - 1}]{free}"


def _lower_fractions(whole: str, part: str) -> Iterator[str]:
    """Yield forms with the same whole number and less behind the point."""
    if part:
        yield f"{whole}([.]0*)?"
    for place, digit in enumerate(part):
        if place:
            yield f"{whole}[.]{part[:place]}0*"
        if int(digit):
            yield f"{whole}[.]{part[:place]}[0-{int(digit) - 1}][0-9]*"
