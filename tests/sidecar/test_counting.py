"""The pair of an SLO, counted in one scrape after another."""

from fractions import Fraction

import pytest

from sloctl.model import (
    Condition,
    Counted,
    ErrorRatio,
    Indicator,
    Matcher,
    MatchOp,
    NativeLatency,
    Probe,
    Query,
    Ratio,
    Selector,
    Slo,
    WhenAbsent,
    WindowQuery,
)
from sloctl.rollup import Counts
from sloctl.sidecar.sources import Group, Refusal
from sloctl.sidecar.sources.counting import count, countable, matches, metrics
from sloctl.sidecar.sources.exposition import samples
from sloctl.sidecar.sources.increases import Baseline, advance
from tests.sidecar.specimens import LATENCY, slo


def counts(counted: Slo, *expositions: str) -> dict[Group, Counts]:
    """What the last of several scrapes adds."""
    pair = countable(counted)
    assert not isinstance(pair, Refusal)
    baseline, added = Baseline(), dict[Group, Counts]()
    for text in expositions:
        baseline, scrape = advance(baseline, samples(text, metrics(pair), {}))
        added = count(counted, pair, scrape)
    return added


def test_errors_are_the_series_that_the_error_selector_matches() -> None:
    before = 'requests_total{status="200"} 10\nrequests_total{status="503"} 1'
    after = 'requests_total{status="200"} 17\nrequests_total{status="503"} 4'

    assert counts(slo(), before, after) == {(): Counts(error=3, total=10)}


def test_the_first_ever_error_is_counted_although_its_series_is_new() -> None:
    after = 'requests_total{status="200"} 17\nrequests_total{status="503"} 1'

    assert counts(slo(), 'requests_total{status="200"} 10', after) == {(): Counts(error=1, total=8)}


def test_good_events_are_taken_from_the_total() -> None:
    indicator = Ratio(Counted.GOOD, part=(Selector("good_total"),), total=(Selector("all_total"),))

    assert counts(slo(indicator), "good_total 1\nall_total 1", "good_total 8\nall_total 11") == {
        (): Counts(error=3, total=10)
    }


@pytest.mark.parametrize("spelling", ["1", "1.0"])
def test_slow_requests_are_those_above_the_bucket_however_it_is_spelled(spelling: str) -> None:
    exposition = 'request_seconds_bucket{{le="{0}"}} {1}\nrequest_seconds_count {2}'

    added = counts(slo(LATENCY), exposition.format(spelling, 5, 5), exposition.format(spelling, 12, 15))

    assert added == {(): Counts(error=3, total=10)}


def test_each_group_has_its_own_counts() -> None:
    before = 'requests_total{route="/a",status="200"} 1\nrequests_total{route="/b",status="200"} 1'
    after = 'requests_total{route="/a",status="200"} 2\nrequests_total{route="/b",status="500"} 5'

    assert counts(slo(group_by=("route",)), before, after) == {
        ("/a",): Counts(error=0, total=1),
        ("/b",): Counts(error=5, total=5),
    }


def test_a_new_series_counts_nothing_when_the_spec_says_that_series_come_and_go() -> None:
    indicator = Ratio(Counted.ERROR, (Selector("bad_total"),), (Selector("all_total"),), newborn=False)

    assert counts(slo(indicator), "all_total 5", "all_total 7\nbad_total 40") == {
        (): Counts(error=0, total=2)
    }


def test_a_total_that_is_not_exposed_is_no_reading() -> None:
    assert counts(slo(), "other_total 1", "other_total 2") == {}


def test_a_probe_is_one_event_per_sample() -> None:
    exposition = 'up{zone="a"} 1\nup{zone="b"} 0'

    assert counts(slo(Probe(Selector("up"))), exposition) == {(): Counts(error=1, total=2)}


@pytest.mark.parametrize(
    ("matcher", "value", "held"),
    [
        (Matcher("status", MatchOp.MATCH, "5.."), "503", True),
        (Matcher("status", MatchOp.MATCH, "5.."), "1503", False),
        (Matcher("status", MatchOp.MATCH, "a|b"), "ab", False),
        (Matcher("status", MatchOp.NOT_MATCH, "5.."), "200", True),
        (Matcher("status", MatchOp.NOT_EQUAL, "200"), "200", False),
        (Matcher("absent", MatchOp.EQUAL, ""), "200", True),
        (Matcher("absent", MatchOp.NOT_MATCH, ".+"), "200", True),
    ],
)
def test_matchers_hold_as_in_prometheus(matcher: Matcher, value: str, *, held: bool) -> None:
    assert matches(Selector("requests_total", (matcher,)), {"status": value}) is held


PROMQL = WindowQuery("increase(x[$window])")


@pytest.mark.parametrize(
    ("indicator", "reason"),
    [
        (Condition("up > 0", WhenAbsent.BAD), "a condition is PromQL"),
        (Query(Counted.ERROR, PROMQL, PROMQL), "a query is PromQL"),
        (ErrorRatio(PROMQL), "an error ratio is PromQL"),
        (NativeLatency(Selector("x"), Fraction(1)), "a native histogram"),
        (Probe(Selector("up", (Matcher("a", MatchOp.MATCH, r"\pL"),))), r"cannot read the pattern '\\pL'"),
    ],
)
def test_what_a_scrape_cannot_count_is_refused_with_the_reason(indicator: Indicator, reason: str) -> None:
    refusal = countable(slo(indicator))

    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason
