"""The pair of an SLO, counted in one scrape after another."""

from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloctl.model import (
    IDENTITY_LABELS,
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    Indicator,
    LabelMatcher,
    LatencyIndicator,
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
from sloctl.sidecar.sources.counting.counter_increases import Baseline, ScrapeIncreases, advance_baseline
from sloctl.sidecar.sources.counting.selector_index import SelectorIndex, matches_labels
from sloctl.sidecar.sources.counting.series import SeriesId
from sloctl.sidecar.sources.counting.series_weights import (
    SeriesWeights,
    SloGroup,
    countable_pair,
    metric_names,
)
from sloctl.sidecar.sources.counting.tally import HeldCounts, Tally, merge_tallies, tally_samples
from sloctl.sidecar.sources.scrape.exposition import ExpositionParser
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import LATENCY, slo


def requests(labels: str, errors: int) -> str:
    """Two series of a process."""
    return f'requests_total{{{labels},status="200"}} 7\nrequests_total{{{labels},status="500"}} {errors}\n'


FAST = LatencyIndicator(Selector("request_seconds"), Fraction("0.3"))


def counts(counted: Slo, *expositions: str | None) -> dict[Group, EventCounts]:
    """What the last of several scrapes adds."""
    return each(counted, *expositions)[-1]


def each(counted: Slo, *expositions: str | None) -> list[dict[Group, EventCounts]]:
    """What each of several scrapes adds; None is one that failed.

    What the first shows was there for a minute when the second comes.
    """
    return timed(counted, {60.0 + n * 5.0 if n else 0.0: text for n, text in enumerate(expositions)})


def last_tally(counted: Slo, *expositions: str) -> Tally:
    pair = countable_pair(counted)
    assert not isinstance(pair, UnsupportedSlo)
    exposition, weights = ExpositionParser(metric_names(pair), {}), SeriesWeights([(counted, pair)])
    baseline, scrape = Baseline(), ScrapeIncreases()
    for number, text in enumerate(expositions):
        baseline, scrape = advance_baseline(baseline, exposition.parse_samples(f"{text}\n"), number * 60.0)
    return tally_samples(scrape, weights, {})


def timed(counted: Slo, expositions: Mapping[float, str | None]) -> list[dict[Group, EventCounts]]:
    """What each scrape adds, by its time."""
    pair = countable_pair(counted)
    assert not isinstance(pair, UnsupportedSlo)
    exposition, weights = ExpositionParser(metric_names(pair), {}), SeriesWeights([(counted, pair)])
    baseline, added = Baseline(), list[dict[Group, EventCounts]]()
    held: HeldCounts = {}
    overdrawn: Mapping[SloGroup, float] = {}
    for at, text in expositions.items():
        if text is None:
            baseline = baseline.after_interruption()
            continue
        baseline, scrape = advance_baseline(baseline, exposition.parse_samples(f"{text}\n"), at)
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


def test_new_series_are_events_as_well_as_errors() -> None:
    old = 'requests_total{uri="/",status="200"} 7'
    born = [f'requests_total{{uri="/{number}",status="500"}} 1' for number in range(20)]

    assert counts(slo(), old, "\n".join([old, *born])) == {(): EventCounts(error=20, total=20)}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # A reload that adds a label.
        (requests('instance="i"', 5000), requests('instance="i",version="v2"', 5000)),
        # Another process behind a collector, whose own was there.
        (requests('exported_instance="p1"', 9), requests('exported_instance="p2"', 3000)),
        (requests('pod="p1"', 9), requests('pod="p1"', 9) + requests('pod="p2"', 3000)),
        (requests('cluster="a"', 9), requests('cluster="a"', 9) + requests('cluster="b"', 3000)),
    ],
    ids=["renamed", "collected", "second pod", "second cluster"],
)
def test_series_of_a_process_that_was_not_there_invent_nothing(before: str, after: str) -> None:
    assert counts(slo(), before, after).get((), EventCounts(0, 0)) == EventCounts(error=0, total=0)


@pytest.mark.parametrize(("identity", "errors"), [(IDENTITY_LABELS, 0), (("job",), 20)])
def test_errors_of_another_target_are_born_by_job(identity: tuple[str, ...], errors: int) -> None:
    indicator = RatioIndicator(
        CountedSide.ERROR,
        (Selector("failed_total"),),
        (Selector("jobs_total"),),
        identity_labels=identity,
    )
    jobs = 'jobs_total{job="w",instance="q"} 100'
    failed = [f'failed_total{{job="w",instance="w",kind="{number}"}} 1' for number in range(20)]

    added = counts(slo(indicator=indicator), jobs, "\n".join([jobs.replace("100", "200"), *failed]))

    assert added == {(): EventCounts(error=errors, total=100)}


@pytest.mark.parametrize(("aborted", "errors"), [(0, 12), (5, 7), (12, 0), (50, 0)])
def test_what_is_taken_from_the_errors_leaves_none_below_zero(aborted: int, errors: int) -> None:
    indicator = RatioIndicator(
        CountedSide.ERROR,
        (Selector("failed_total"), Selector("rejected_total")),
        (Selector("jobs_total"),),
        minus=(Selector("aborted_total"),),
    )
    before = "jobs_total 100\nfailed_total 5\nrejected_total 0\naborted_total 3"
    after = f"jobs_total 200\nfailed_total 15\nrejected_total 2\naborted_total {3 + aborted}"

    added = counts(slo(indicator=indicator), before, after)

    assert added == {(): EventCounts(error=errors, total=100)}


def test_series_first_seen_within_a_minute_are_the_past() -> None:
    everything = 'requests_total{status="200"} 10000000\nrequests_total{status="500"} 200000'
    early = {0.0: 'requests_total{status="200"} 9999990', 5.0: everything}

    assert list(timed(slo(), early)[-1].values()) == [EventCounts(error=0, total=10)]


def test_an_identity_needs_no_label_to_be_there() -> None:
    assert counts(slo(), requests("", 9), requests("", 9) + requests('uri="/new"', 2)) == {
        (): EventCounts(error=2, total=9)
    }


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        ({"0.1": 9, "0.5": 9, "1.0": 9}, "no bucket with le=0.3; the nearest are 0.1 and 0.5"),
        ({"0.30000000000000004": 9}, "no bucket with le=0.3; the nearest are 0.30000000000000004"),
        ({"100": 9, "300": 9}, "no bucket with le=0.3; the nearest are 100"),
        ({"0.5": 9, "1.0": 0}, "no bucket with le=0.3; the nearest are 0.5"),
        ({}, "no bucket with le=0.3, and no finite bound at all"),
    ],
)
def test_a_histogram_without_the_bound_is_no_data(shown: Mapping[str, int], missing: str) -> None:
    later = {le: value and value + 10 for le, value in shown.items()}

    tally = last_tally(slo(FAST), observed(9, shown), observed(19, later))

    assert (dict(tally.sums), missing in tally.missing_bounds["shop/availability"]) == ({}, True)


def test_a_client_that_makes_buckets_once_they_count_goes_on_working() -> None:
    assert counts(slo(FAST), observed(9, {"0.5": 9, "1.0": 9}), observed(19, {"0.5": 19, "1.0": 19})) == {
        (): EventCounts(error=10, total=10)
    }


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
def test_a_bucket_that_is_no_number_waits_and_makes_no_error(value: str) -> None:
    lines = 'request_seconds_bucket{{le="0.3"}} {}\nrequest_seconds_count {}'
    of_scrapes = each(slo(FAST), lines.format(90, 100), lines.format(value, 110), lines.format(108, 120))

    assert of_scrapes == [{}, {}, {(): EventCounts(error=2, total=20)}]


def test_of_two_histograms_only_the_one_with_the_bound_counts() -> None:
    before, after = observed(9, {"0.3": 9}), observed(19, {"0.3": 18})
    other = 'request_seconds_count{pod="b"} %d\nrequest_seconds_bucket{pod="b",le="0.25"} 0'

    assert counts(slo(FAST), f"{before}\n{other % 7}", f"{after}\n{other % 90}") == {
        (): EventCounts(error=1, total=10)
    }


COUNTED = st.lists(
    st.dictionaries(
        st.sampled_from(["200", "500", "503"]),
        st.sampled_from(["0", "1", "7", "300", "NaN", "-1"]),
        max_size=3,
    ),
    min_size=2,
    max_size=12,
)


@given(COUNTED, st.sampled_from(["version", "instance"]))
def test_errors_lie_within_zero_and_the_events(shown: list[dict[str, str]], label: str) -> None:
    texts = [
        "\n".join(
            f'requests_total{{status="{code}",{label}="{number % 2}"}} {value}'
            for code, value in codes.items()
        )
        for number, codes in enumerate(shown)
    ]

    for groups in each(slo(), *texts):
        assert all(0 <= counted.error <= counted.total for counted in groups.values())


def test_an_error_seen_before_it_is_among_the_events_is_counted_with_them() -> None:
    indicator = RatioIndicator(CountedSide.ERROR, (Selector("bad_total"),), (Selector("all_total"),))

    assert each(slo(indicator), shown(0, 0), shown(1, 0), shown(1, 1))[1:] == [
        {(): EventCounts(error=0, total=0)},
        {(): EventCounts(error=1, total=1)},
    ]


def shown(bad: int, every: int) -> str:
    return f"bad_total {bad}\nall_total {every}"


def observed(count: int, buckets: Mapping[str, int]) -> str:
    lines = [f'request_seconds_bucket{{le="{le}"}} {value}' for le, value in buckets.items()]
    return "\n".join(
        [*lines, f'request_seconds_bucket{{le="+Inf"}} {count}', f"request_seconds_count {count}"]
    )


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


def test_a_threshold_is_read_in_the_unit_of_the_histogram() -> None:
    in_milliseconds = LatencyIndicator(LATENCY.histogram, Fraction(1), unit=Fraction(1, 1000))

    added = counts(slo(in_milliseconds), served(5, 5, "1000"), served(12, 15, "1000"))

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

    assert each(probe, "up 0 0", "up 0 0", "up 0 2000")[1:] == [{}, {(): EventCounts(error=1, total=1)}]


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


@pytest.mark.parametrize(
    ("bad", "every"), [("", '{uri="/a"}'), ('{uri="/a"}', "")], ids=["events alone", "errors alone"]
)
@pytest.mark.parametrize("side", CountedSide)
def test_a_group_label_on_one_side_alone_counts_nothing(side: CountedSide, bad: str, every: str) -> None:
    two = RatioIndicator(side, (Selector("part_total"),), (Selector("all_total"),))
    before = f"part_total{bad} 10\nall_total{every} 10"
    after = f"part_total{bad} 20\nall_total{every} 20"

    assert counts(slo(two, group_by=("uri",)), before, after) == {}


def test_groups_with_errors_before_their_events_hide_no_other() -> None:
    two = RatioIndicator(CountedSide.ERROR, (Selector("part_total"),), (Selector("all_total"),))
    series = 'part_total{uri="/a"}', 'part_total{uri="/b"}', "part_total", 'all_total{uri="/a"}', "all_total"
    before, after = ("\n".join(f"{each} {value}" for each in series) for value in (10, 13))

    assert counts(slo(two, group_by=("uri",)), before, after) == {
        ("/a",): EventCounts(error=3, total=3),
        ("",): EventCounts(error=3, total=3),
    }
