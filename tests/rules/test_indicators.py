"""What each indicator records, on the real rule engine: 120 events a minute unless a test says otherwise."""

from fractions import Fraction
from pathlib import Path

import pytest

from sloctl import compiler
from sloctl.model import (
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    Indicator,
    LatencyIndicator,
    NativeLatencyIndicator,
    ProbeIndicator,
    QueryIndicator,
    RatioIndicator,
    WhenAbsent,
)
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import read_condition, read_query, read_selector
from tests.real import MISSING, promtool_version
from tests.rules.promtool import Expectation, Trial, full_window, run_trials
from tests.rules.specimens import shop

EVENTS = "slo:sli_total:increase1m"
ERRORS = "slo:sli_error:increase1m"
# Half an hour of two events a second, a tenth of which fail, was missed and is repaired.
REPAIRED_IN_FULL = tuple(
    (f"abs(sum(sum_over_time({metric}{{slo_part='repair'}}[100m])) - {missed}) < bool {apart}", 1)
    for metric, missed, apart in (
        ("slo:sli_total:increase5m", 3600, 150),
        ("slo:sli_error:increase5m", 360, 15),
    )
)


def recorded(series: str, **labels: str) -> str:
    matchers = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    return f"round(max({series}{{{matchers}}}), 0.001)"


def run_trial(
    directory: Path,
    indicator: Indicator,
    series: dict[str, str],
    *expectations: tuple[str, float | None],
    minute: int = 20,
    **changes: object,
) -> str:
    slo = shop(indicator=indicator, **changes)
    trial = Trial("one minute", series, [Expectation(minute, expr, value) for expr, value in expectations])
    return run_trials(directory, compiler.compile_rules([slo], NATIVE_STYLE), [trial])


def test_a_ratio_of_errors_counts_errors(tmp_path: Path) -> None:
    indicator = RatioIndicator(CountedSide.ERROR, (read_selector('r{code="500"}'),), (read_selector("r"),))
    series = {'r{code="200", instance="a"}': "27+27x120", 'r{code="500", instance="a"}': "3+3x120"}

    outcome = run_trial(tmp_path, indicator, series, (recorded(EVENTS), 120), (recorded(ERRORS), 12))

    assert outcome == "SUCCESS"


def test_a_ratio_of_good_events_counts_the_rest(tmp_path: Path) -> None:
    indicator = RatioIndicator(
        CountedSide.GOOD, (read_selector("good_total"),), (read_selector("all_total"),)
    )
    series = {'good_total{instance="a"}': "27+27x120", 'all_total{instance="a"}': "30+30x120"}

    outcome = run_trial(tmp_path, indicator, series, (recorded(EVENTS), 120), (recorded(ERRORS), 12))

    assert outcome == "SUCCESS"


def test_a_ratio_without_any_good_event_is_all_errors(tmp_path: Path) -> None:
    indicator = RatioIndicator(
        CountedSide.GOOD, (read_selector("good_total"),), (read_selector("all_total"),)
    )

    outcome = run_trial(
        tmp_path, indicator, {'all_total{instance="a"}': "30+30x120"}, (recorded(ERRORS), 120)
    )

    assert outcome == "SUCCESS"


def test_several_selectors_add_up_though_their_labels_are_the_same(tmp_path: Path) -> None:
    indicator = RatioIndicator(
        CountedSide.ERROR,
        (read_selector("a_errors"), read_selector("b_errors"), read_selector("c_errors")),
        (read_selector("a_all"), read_selector("b_all")),
    )
    series = {
        'a_errors{i="1"}': "1+1x120",
        'b_errors{i="1"}': "2+2x120",
        'a_all{i="1"}': "10+10x120",
        'b_all{i="1"}': "20+20x120",
    }

    outcome = run_trial(tmp_path, indicator, series, (recorded(EVENTS), 120), (recorded(ERRORS), 12))

    assert outcome == "SUCCESS"


@pytest.mark.parametrize("bound", ["1", "1.0"])
def test_latency_reads_either_spelling_of_a_whole_bound(bound: str, tmp_path: Path) -> None:
    indicator = LatencyIndicator(read_selector("h_seconds"), Fraction(1))
    series = {
        'h_seconds_count{i="1"}': "30+30x120",
        f'h_seconds_bucket{{i="1", le="{bound}"}}': "27+27x120",
        'h_seconds_bucket{i="1", le="10"}': "30+30x120",
    }

    outcome = run_trial(tmp_path, indicator, series, (recorded(EVENTS), 120), (recorded(ERRORS), 12))

    assert outcome == "SUCCESS"


def test_the_first_requests_of_a_new_route_count_as_slow_only_where_they_were(tmp_path: Path) -> None:
    indicator = LatencyIndicator(read_selector("h_seconds"), Fraction("0.3"))
    series = {
        'h_seconds_count{instance="a", uri="/old"}': "30+30x120",
        'h_seconds_bucket{instance="a", uri="/old", le="0.3"}': "30+30x120",
        'h_seconds_count{instance="a", uri="/new"}': "_x79 5x40",
        'h_seconds_bucket{instance="a", uri="/new", le="0.3"}': "_x79 3x40",
    }

    outcome = run_trial(
        tmp_path, indicator, series, (f"round(sum(sum_over_time({ERRORS}[10m])), 0.001)", 2), minute=25
    )

    assert outcome == "SUCCESS"


def test_without_count_new_series_no_first_value_counts(tmp_path: Path) -> None:
    indicator = RatioIndicator(
        CountedSide.ERROR, (read_selector('r{code="500"}'),), (read_selector("r"),), count_new_series=False
    )
    series = {'r{code="200", instance="a"}': "30+30x120", 'r{code="500", instance="a"}': "_x79 7x40"}

    outcome = run_trial(tmp_path, indicator, series, (f"sum(sum_over_time({ERRORS}[10m]))", 0), minute=25)

    assert outcome == "SUCCESS"


def test_native_latency_counts_observations_above_the_threshold(tmp_path: Path) -> None:
    if promtool_version() < (3, 0):
        pytest.skip(
            f"{MISSING}promtool 3 (earlier ones cannot write native histograms; name one in $PROMTOOL)"
        )
    buckets = "{{schema:0 sum:20 count:10 offset:1 buckets:[8 2]}}"
    quiet = "{{schema:0 sum:0 count:0}}"
    series = {'h{uri="/busy"}': f"{buckets}+{buckets}x120", 'h{uri="/quiet"}': f"{quiet}x120"}

    outcome = run_trial(
        tmp_path,
        NativeLatencyIndicator(read_selector("h"), Fraction(2)),
        series,
        (recorded(EVENTS, uri="/busy"), 40),
        (recorded(ERRORS, uri="/busy"), 8),
        (recorded(ERRORS, uri="/quiet"), 0),
        ('count(slo:sli_error:ratio_rate5m{uri="/quiet"})', None),
        group_by=("uri",),
    )

    assert outcome == "SUCCESS"


@pytest.mark.parametrize(("value", "errors"), [("5x120", 0), ("15x120", 1)])
def test_a_condition_is_one_event_a_minute(value: str, errors: float, tmp_path: Path) -> None:
    indicator = ConditionIndicator(read_condition("lag < 10"), WhenAbsent.IGNORE)

    outcome = run_trial(
        tmp_path, indicator, {"lag": value}, (recorded(EVENTS), 1), (recorded(ERRORS), errors)
    )

    assert outcome == "SUCCESS"


@pytest.mark.parametrize(
    ("when_absent", "events", "errors"),
    [(WhenAbsent.IGNORE, None, None), (WhenAbsent.BAD, 1, 1), (WhenAbsent.GOOD, 1, 0)],
)
def test_a_condition_without_an_answer_counts_as_the_spec_says(
    when_absent: WhenAbsent, events: float | None, errors: float | None, tmp_path: Path
) -> None:
    indicator = ConditionIndicator(read_condition("lag < 10"), when_absent)

    outcome = run_trial(
        tmp_path, indicator, {"other": "1x120"}, (recorded(EVENTS), events), (recorded(ERRORS), errors)
    )

    assert outcome == "SUCCESS"


def test_a_condition_on_several_series_is_good_when_all_are(tmp_path: Path) -> None:
    indicator = ConditionIndicator(read_condition("lag < 10"), WhenAbsent.IGNORE)

    outcome = run_trial(
        tmp_path, indicator, {'lag{p="0"}': "5x120", 'lag{p="1"}': "15x120"}, (recorded(ERRORS), 1)
    )

    assert outcome == "SUCCESS"


def test_a_probe_counts_samples(tmp_path: Path) -> None:
    series = {'up{i="1"}': "1x120", 'up{i="2"}': "1 1 1 0 " * 30}

    outcome = run_trial(
        tmp_path,
        ProbeIndicator(read_selector("up")),
        series,
        (recorded(EVENTS), 8),
        (recorded("slo:sli_error:ratio_rate5m"), 0.125),
    )

    assert outcome == "SUCCESS"


def test_a_query_counts_what_it_returns(tmp_path: Path) -> None:
    indicator = QueryIndicator(
        CountedSide.GOOD,
        read_query("sum(increase(good[$window]))"),
        read_query("sum(increase(all[$window]))"),
    )

    outcome = run_trial(
        tmp_path,
        indicator,
        {"good": "27+27x120", "all": "30+30x120"},
        (recorded(EVENTS), 120),
        (recorded(ERRORS), 12),
    )

    assert outcome == "SUCCESS"


def test_an_error_ratio_weighs_each_minute_alike_and_skips_those_it_cannot_tell(tmp_path: Path) -> None:
    indicator = ErrorRatioIndicator(read_query("sum(rate(bad[$window])) / sum(rate(all[$window]))"))
    series = {"bad": "3+3x60 183x60", "all": "30+30x60 1830x60"}

    early = run_trial(tmp_path, indicator, series, (recorded(EVENTS), 1), (recorded(ERRORS), 0.1), minute=10)
    late = run_trial(
        tmp_path, indicator, series, (recorded(EVENTS), None), (recorded(ERRORS), None), minute=25
    )

    assert (early, late) == ("SUCCESS", "SUCCESS")


def test_a_group_without_errors_has_none_and_one_with_a_birth_has_that(tmp_path: Path) -> None:
    indicator = RatioIndicator(CountedSide.ERROR, (read_selector('r{code="500"}'),), (read_selector("r"),))
    series = {
        'r{code="200", uri="/calm"}': "30+30x120",
        'r{code="200", uri="/bad"}': "27+27x120",
        'r{code="500", uri="/bad"}': "3+3x120",
        'r{code="200", uri="/once"}': "30+30x120",
        'r{code="500", uri="/once"}': "_x75 4x60",
    } | full_window('uri="/calm"', 'uri="/bad"', 'uri="/once"')

    outcome = run_trial(
        tmp_path,
        indicator,
        series,
        (recorded(ERRORS, uri="/calm"), 0),
        (recorded(ERRORS, uri="/bad"), 12),
        (f'max(sum_over_time({ERRORS}{{uri="/once"}}[5m]))', 4),
        ('round(max(slo:period_error_budget_remaining:ratio{uri="/bad"}), 0.01)', -9),
        ("count(slo:period_error_budget_remaining:ratio)", 3),
        group_by=("uri",),
    )

    assert outcome == "SUCCESS"


def test_what_a_gap_hid_is_repaired_once_from_the_raw_counters(tmp_path: Path) -> None:
    indicator = RatioIndicator(CountedSide.ERROR, (read_selector('r{code="500"}'),), (read_selector("r"),))
    hours, gap = 7 * 240, 120
    resumed = hours + gap
    series = {
        'r{code="200", i="1"}': f"27+27x{hours - 1} _x{gap} {27 * (resumed + 1)}+27x240",
        'r{code="500", i="1"}': f"3+3x{hours - 1} _x{gap} {3 * (resumed + 1)}+3x240",
    }

    outcome = run_trial(
        tmp_path,
        indicator,
        series,
        *REPAIRED_IN_FULL,
        minute=500,
    )

    assert outcome == "SUCCESS"


@pytest.mark.parametrize(("aborted", "errors"), [(0, 48), (6, 24), (12, 0), (40, 0)])
def test_what_is_taken_from_the_errors_leaves_none_below_zero(
    aborted: int, errors: int, tmp_path: Path
) -> None:
    indicator = RatioIndicator(
        CountedSide.ERROR,
        (read_selector("failed"), read_selector("rejected")),
        (read_selector("t"),),
        minus=(read_selector("aborted"),),
    )
    series = {"t": "0+40x200", "failed": "0+10x200", "rejected": "0+2x200", "aborted": f"0+{aborted}x200"}

    outcome = run_trial(
        tmp_path,
        indicator,
        series,
        (f"round(sum({ERRORS}), 0.001)", errors),
        (f"round(sum({EVENTS}), 0.001)", 160),
        ("count(slo:sli_error:increase1m < 0)", None),
        ("sum(round(slo:sli_error:ratio_rate5m, 0.001))", errors / 160),
    )

    assert outcome == "SUCCESS"


def test_nothing_to_take_from_the_errors_takes_nothing(tmp_path: Path) -> None:
    indicator = RatioIndicator(
        CountedSide.ERROR, (read_selector("e"),), (read_selector("t"),), minus=(read_selector("never"),)
    )

    outcome = run_trial(
        tmp_path, indicator, {"t": "0+40x200", "e": "0+10x200"}, (f"round(sum({ERRORS}), 0.001)", 40)
    )

    assert outcome == "SUCCESS"


@pytest.mark.parametrize(
    ("counted", "part", "growth"), [(CountedSide.GOOD, "ok", 27), (CountedSide.ERROR, "bad", 3)]
)
def test_a_gap_of_groups_of_two_metrics_is_repaired_once(
    counted: CountedSide, part: str, growth: int, tmp_path: Path
) -> None:
    indicator = RatioIndicator(counted, (read_selector(part),), (read_selector("t"),))
    before, gap = 7 * 240, 120
    resumed = before + gap + 1
    series = {
        f'{metric}{{zone="a", i="1"}}': f"{each}+{each}x{before - 1} _x{gap} {each * resumed}+{each}x240"
        for metric, each in (("t", 30), (part, growth))
    }

    outcome = run_trial(
        tmp_path,
        indicator,
        series,
        *REPAIRED_IN_FULL,
        minute=500,
        group_by=("zone",),
    )

    assert outcome == "SUCCESS"
