"""Every indicator as a pair of counts."""

from fractions import Fraction

import pytest

from sloctl.model import (
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    LabelMatcher,
    LatencyIndicator,
    MatchOp,
    ProbeIndicator,
    RatioIndicator,
    Selector,
    WhenAbsent,
    WindowQuery,
)
from sloctl.slo.lowering import CounterPair, counts_are_events, lower_indicator

ALL = (Selector("requests_total"),)
BAD = (Selector("errors_total"),)


def test_a_ratio_of_errors_counts_them() -> None:
    assert lower_indicator(RatioIndicator(CountedSide.ERROR, BAD, ALL)) == CounterPair(
        error=BAD, minus=(), total=ALL, count_new_series=True
    )


def test_a_ratio_of_good_events_counts_all_less_those() -> None:
    good = (Selector("good_total"),)

    assert lower_indicator(RatioIndicator(CountedSide.GOOD, good, ALL)) == CounterPair(
        error=ALL, minus=good, total=ALL, count_new_series=True
    )


def test_the_labels_that_decide_are_those_that_only_the_bad_or_the_good_are_matched_by() -> None:
    job = LabelMatcher("job", MatchOp.EQUAL, "api")
    server_error = LabelMatcher("status", MatchOp.MATCH, "5..")
    every, some = (Selector("requests_total", (job,)),), (Selector("requests_total", (job, server_error)),)

    for counted in CountedSide:
        pair = lower_indicator(RatioIndicator(counted, some, every))
        assert isinstance(pair, CounterPair)
        assert pair.deciding_labels == {"status"}


@pytest.mark.parametrize(
    ("threshold", "le"),
    [
        ("0.3", LabelMatcher("le", MatchOp.EQUAL, "0.3")),
        ("1", LabelMatcher("le", MatchOp.MATCH, r"1(\.0)?")),
        ("2.5", LabelMatcher("le", MatchOp.EQUAL, "2.5")),
    ],
)
def test_latency_is_the_count_less_the_bucket(threshold: str, le: LabelMatcher) -> None:
    job = LabelMatcher("job", MatchOp.EQUAL, "api")

    pair = lower_indicator(LatencyIndicator(Selector("request_seconds", (job,)), Fraction(threshold)))

    count = (Selector("request_seconds_count", (job,)),)
    bucket = (Selector("request_seconds_bucket", (job, le)),)
    assert isinstance(pair, CounterPair)
    assert (pair.error, pair.minus, pair.total) == (count, bucket, count)


def test_recorded_series_have_no_birth() -> None:
    pair = lower_indicator(RatioIndicator(CountedSide.ERROR, (Selector("job:errors:total"),), ALL))

    assert isinstance(pair, CounterPair)
    assert pair.count_new_series is False


def test_minutes_are_no_events_to_put_a_floor_under() -> None:
    assert counts_are_events(ConditionIndicator("up == bool 1", WhenAbsent.IGNORE)) is False
    assert counts_are_events(ErrorRatioIndicator(WindowQuery("x[$window]"))) is False
    assert counts_are_events(ProbeIndicator(Selector("probe_success"))) is True
