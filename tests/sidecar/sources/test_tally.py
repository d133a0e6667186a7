"""The pair of an SLO, counted in one scrape after another."""

from collections.abc import Mapping
from fractions import Fraction

import pytest

from sloctl.model import (
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    Indicator,
    LabelMatcher,
    MatchOp,
    NativeLatencyIndicator,
    ProbeIndicator,
    QueryIndicator,
    RatioIndicator,
    Selector,
    Slo,
    WhenAbsent,
    WindowQuery,
)
from sloctl.sidecar.sources import Group, UnsupportedSlo
from sloctl.sidecar.sources.counting.counter_increases import Baseline, advance_baseline
from sloctl.sidecar.sources.counting.selector_index import SelectorIndex, matches_labels
from sloctl.sidecar.sources.counting.series import SeriesId
from sloctl.sidecar.sources.counting.series_weights import (
    SeriesWeights,
    SloGroup,
    countable_pair,
    metric_names,
)
from sloctl.sidecar.sources.counting.tally import HeldCounts, merge_tallies, tally_samples
from sloctl.sidecar.sources.scrape.exposition import ExpositionParser
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import LATENCY, slo


def counts(counted: Slo, *expositions: str | None) -> dict[Group, EventCounts]:
    """What the last of several scrapes adds."""
    return each(counted, *expositions)[-1]


def each(counted: Slo, *expositions: str | None) -> list[dict[Group, EventCounts]]:
    """What each of several scrapes adds; None is one that failed."""
    pair = countable_pair(counted)
    assert not isinstance(pair, UnsupportedSlo)
    exposition, weights = ExpositionParser(metric_names(pair), {}), SeriesWeights([(counted, pair)])
    baseline, added = Baseline(), list[dict[Group, EventCounts]]()
    held: HeldCounts = {}
    overdrawn: Mapping[SloGroup, float] = {}
    for number, text in enumerate(expositions):
        if text is None:
            baseline = baseline.after_interruption()
            continue
        baseline, scrape = advance_baseline(baseline, exposition.parse_samples(f"{text}\n"), number * 5.0)
        tally = tally_samples(scrape, weights, held)
        settled, overdrawn = merge_tallies([tally], overdrawn)
        held = tally.held_counts
        added.append({group: found for (_, group), found in settled.items()})
    return added


def test_errors_are_the_series_that_the_error_selector_matches() -> None:
    before = 'requests_total{status="200"} 10\nrequests_total{status="503"} 1'
    after = 'requests_total{status="200"} 17\nrequests_total{status="503"} 4'

    assert counts(slo(), before, after) == {(): EventCounts(error=3, total=10)}


def test_the_first_ever_error_is_counted_although_its_series_is_new() -> None:
    after = 'requests_total{status="200"} 17\nrequests_total{status="503"} 1'

    assert counts(slo(), 'requests_total{status="200"} 10', after) == {(): EventCounts(error=1, total=8)}


def test_good_events_are_taken_from_the_total() -> None:
    indicator = RatioIndicator(
        CountedSide.GOOD, numerator=(Selector("good_total"),), total=(Selector("all_total"),)
    )

    assert counts(slo(indicator), "good_total 1\nall_total 1", "good_total 8\nall_total 11") == {
        (): EventCounts(error=3, total=10)
    }


@pytest.mark.parametrize("spelling", ["1", "1.0"])
def test_slow_requests_are_those_above_the_bucket_however_it_is_spelled(spelling: str) -> None:
    before, after = served(5, 5, spelling), served(12, 15, spelling)

    added = counts(slo(LATENCY), before, after)

    assert added == {(): EventCounts(error=3, total=10)}


def served(fast: float, count: float, bound: str = "1") -> str:
    return f'request_seconds_bucket{{le="{bound}"}} {fast}\nrequest_seconds_count {count}'


def test_an_event_seen_among_the_good_before_it_is_among_all_is_no_error_later() -> None:
    assert each(slo(LATENCY), served(5, 5), served(7, 6), served(7, 7))[1:] == [
        {(): EventCounts(error=0, total=1)},
        {(): EventCounts(error=0, total=1)},
    ]


def test_a_debt_of_errors_is_forgiven_after_a_scrape() -> None:
    assert each(slo(LATENCY), served(5, 5), served(9, 6), served(9, 7), served(9, 8))[1:] == [
        {(): EventCounts(error=0, total=1)},
        {(): EventCounts(error=0, total=1)},
        {(): EventCounts(error=1, total=1)},
    ]


@pytest.mark.parametrize("unreadable", ["NaN", "-1", "+Inf"])
def test_a_pair_waits_for_the_half_that_cannot_be_read(unreadable: str) -> None:
    broken = served(6, 8).replace(" 6", f" {unreadable}")

    assert each(slo(LATENCY), served(5, 5), broken, broken, served(9, 10))[1:] == [
        {},
        {},
        {(): EventCounts(error=1, total=5)},
    ]


def test_good_events_first_seen_after_a_failed_scrape_make_no_errors() -> None:
    indicator = RatioIndicator(
        CountedSide.GOOD, numerator=(Selector("good_total"),), total=(Selector("all_total"),)
    )

    assert counts(slo(indicator), "all_total 5", None, "all_total 15\ngood_total 8") == {
        (): EventCounts(error=2, total=10)
    }


def test_when_good_events_stop_being_exposed_all_are_errors() -> None:
    """As after a restart into an outage: nothing good has happened yet."""
    indicator = RatioIndicator(
        CountedSide.GOOD, numerator=(Selector("good_total"),), total=(Selector("all_total"),)
    )

    assert counts(slo(indicator), "all_total 50\ngood_total 50", "all_total 8") == {
        (): EventCounts(error=8, total=8)
    }


def test_each_group_has_its_own_counts() -> None:
    before = 'requests_total{route="/a",status="200"} 1\nrequests_total{route="/b",status="200"} 1'
    after = 'requests_total{route="/a",status="200"} 2\nrequests_total{route="/b",status="500"} 5'

    assert counts(slo(group_by=("route",)), before, after) == {
        ("/a",): EventCounts(error=0, total=1),
        ("/b",): EventCounts(error=5, total=5),
    }


def test_a_new_series_counts_nothing_when_the_spec_says_that_series_come_and_go() -> None:
    indicator = RatioIndicator(
        CountedSide.ERROR, (Selector("bad_total"),), (Selector("all_total"),), count_new_series=False
    )

    assert counts(slo(indicator), "all_total 5", "all_total 7\nbad_total 40") == {
        (): EventCounts(error=0, total=2)
    }


def test_a_total_that_is_not_exposed_counts_nothing() -> None:
    assert counts(slo(), "other_total 1", "other_total 2") == {}


@pytest.mark.parametrize("value", ["NaN", "2", "-1"])
def test_a_probe_that_is_neither_good_nor_bad_is_no_event(value: str) -> None:
    exposition = f'up{{zone="a"}} 1\nup{{zone="b"}} {value}'

    assert counts(slo(ProbeIndicator(Selector("up"))), exposition) == {(): EventCounts(error=0, total=1)}


def test_a_sample_of_a_probe_with_the_same_timestamp_is_the_same_event() -> None:
    probe = slo(ProbeIndicator(Selector("up")))

    assert each(probe, "up 0 1000", "up 0 1000", "up 0 2000")[1:] == [{}, {(): EventCounts(error=1, total=1)}]


def test_a_probe_is_one_event_per_sample() -> None:
    exposition = 'up{zone="a"} 1\nup{zone="b"} 0'

    assert counts(slo(ProbeIndicator(Selector("up"))), exposition) == {(): EventCounts(error=1, total=2)}


@pytest.mark.parametrize(
    ("matcher", "value", "held"),
    [
        (LabelMatcher("status", MatchOp.MATCH, "5.."), "503", True),
        (LabelMatcher("status", MatchOp.MATCH, "5.."), "1503", False),
        (LabelMatcher("status", MatchOp.MATCH, "a|b"), "ab", False),
        (LabelMatcher("status", MatchOp.NOT_MATCH, "5.."), "200", True),
        (LabelMatcher("status", MatchOp.NOT_EQUAL, "200"), "200", False),
        (LabelMatcher("absent", MatchOp.EQUAL, ""), "200", True),
        (LabelMatcher("absent", MatchOp.NOT_MATCH, ".+"), "200", True),
    ],
)
def test_matchers_hold_as_in_prometheus(matcher: LabelMatcher, value: str, *, held: bool) -> None:
    assert matches_labels(Selector("requests_total", (matcher,)), {"status": value}) is held


PROMQL = WindowQuery("increase(x[$window])")


@pytest.mark.parametrize(
    ("indicator", "reason"),
    [
        (ConditionIndicator("up > 0", WhenAbsent.BAD), "a condition is PromQL"),
        (QueryIndicator(CountedSide.ERROR, PROMQL, PROMQL), "a query is PromQL"),
        (ErrorRatioIndicator(PROMQL), "an error ratio is PromQL"),
        (NativeLatencyIndicator(Selector("x"), Fraction(1)), "a native histogram"),
        (
            ProbeIndicator(Selector("up", (LabelMatcher("a", MatchOp.MATCH, "(?=a)"),))),
            "a pattern of up cannot be matched here (invalid perl operator: (?=)",
        ),
    ],
)
def test_what_a_scrape_cannot_count_is_refused_with_the_reason(indicator: Indicator, reason: str) -> None:
    refusal = countable_pair(slo(indicator))

    assert isinstance(refusal, UnsupportedSlo)
    assert reason in refusal.reason
    assert refusal.reason.endswith("(the source `prometheus`), with the compiled rules")


def test_of_many_selectors_those_are_found_that_mean_a_series() -> None:
    job = LabelMatcher("job", MatchOp.EQUAL, "shop")
    by_route = [
        (Selector("a_total", (job, LabelMatcher("route", MatchOp.EQUAL, f"/{number}"))), number)
        for number in range(100)
    ]
    selecting = SelectorIndex(
        [*by_route, (Selector("a_total"), -1), (Selector("a_total", (job,)), -2), (Selector("b_total"), -3)]
    )

    assert sorted(selecting.find_matches(SeriesId("a_total", (("job", "shop"), ("route", "/7"))))) == [
        -2,
        -1,
        7,
    ]
    assert sorted(selecting.find_matches(SeriesId("a_total", (("job", "till"), ("route", "/7"))))) == [-1]
