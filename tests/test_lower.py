"""Every indicator as a pair of counts."""

from fractions import Fraction

import pytest

from sloctl.lower import CounterPair, counts_are_events, lower
from sloctl.model import (
    Condition,
    Counted,
    ErrorRatio,
    Latency,
    Matcher,
    MatchOp,
    Probe,
    Ratio,
    Selector,
    WhenAbsent,
    WindowQuery,
)

ALL = (Selector("requests_total"),)
BAD = (Selector("errors_total"),)


def test_a_ratio_of_errors_counts_them() -> None:
    assert lower(Ratio(Counted.ERROR, BAD, ALL)) == CounterPair(error=BAD, minus=(), total=ALL, newborn=True)


def test_a_ratio_of_good_events_counts_all_less_those() -> None:
    good = (Selector("good_total"),)

    assert lower(Ratio(Counted.GOOD, good, ALL)) == CounterPair(
        error=ALL, minus=good, total=ALL, newborn=True
    )


@pytest.mark.parametrize(
    ("threshold", "le"),
    [
        ("0.3", Matcher("le", MatchOp.EQUAL, "0.3")),
        ("1", Matcher("le", MatchOp.MATCH, r"1(\.0)?")),
        ("2.5", Matcher("le", MatchOp.EQUAL, "2.5")),
    ],
)
def test_latency_is_the_count_less_the_bucket(threshold: str, le: Matcher) -> None:
    job = Matcher("job", MatchOp.EQUAL, "api")

    pair = lower(Latency(Selector("request_seconds", (job,)), Fraction(threshold)))

    count = (Selector("request_seconds_count", (job,)),)
    bucket = (Selector("request_seconds_bucket", (job, le)),)
    assert pair == CounterPair(error=count, minus=bucket, total=count, newborn=True)


def test_recorded_series_have_no_birth() -> None:
    pair = lower(Ratio(Counted.ERROR, (Selector("job:errors:total"),), ALL))

    assert isinstance(pair, CounterPair)
    assert pair.newborn is False


def test_minutes_are_no_events_to_put_a_floor_under() -> None:
    assert counts_are_events(Condition("up == bool 1", WhenAbsent.IGNORE)) is False
    assert counts_are_events(ErrorRatio(WindowQuery("x[$window]"))) is False
    assert counts_are_events(Probe(Selector("probe_success"))) is True
