"""A latency whose threshold is no bound of the histogram is no data, never a total outage."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest

from sloctl import compiler
from sloctl.model import LatencyIndicator
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import read_selector
from sloctl.rules.backfill_queries import backfill_rollups
from tests.rules.promtool import Expectation, Trial, run_trials
from tests.rules.specimens import shop

LATENCY: Final = LatencyIndicator(read_selector("h"), Fraction("0.3"))
EVENTS: Final = "slo:sli_total:increase1m"
ERRORS: Final = "slo:sli_error:increase1m"
GROWING: Final = "0+10x200"


def histogram(bounds: Sequence[str], values: str = GROWING, labels: str = 'instance="i"') -> dict[str, str]:
    """A count that grows by 40 a minute, with the bounds."""
    buckets = {f'h_bucket{{{labels},le="{bound}"}}': values for bound in bounds}
    return {f"h_count{{{labels}}}": GROWING} | buckets


def on_trial(
    directory: Path,
    lines: dict[str, str],
    *expected: tuple[str, float | None],
    minute: int = 30,
    **changes: object,
) -> str:
    slo = shop(**{"indicator": LATENCY, **changes})
    trial = Trial(
        "histogram", lines, [Expectation(minute, f"round(sum({it}), 0.001)", of) for it, of in expected]
    )
    return run_trials(directory, compiler.compile_rules([slo], NATIVE_STYLE), [trial])


WITHOUT_THE_BOUND: Final = {
    "other bounds": histogram(["0.1", "0.5", "1.0", "+Inf"]),
    "a count alone": histogram([]),
    "float noise": histogram(["0.1", "0.30000000000000004", "0.5", "+Inf"]),
    "32-bit floats": histogram(["0.10000000149011612", "0.30000001192092896", "0.5", "+Inf"]),
    "milliseconds": histogram(["0.5"], "0x200")
    | histogram(["1", "5", "10", "25", "50", "100", "500", "+Inf"]),
    "milliseconds without small bounds": histogram(["5", "10", "25", "50", "100", "500", "1000", "+Inf"]),
    "OpenTelemetry's milliseconds": histogram(["0"], "0x200")
    | histogram(["5", "10", "25", "50", "75", "100", "250", "500", "+Inf"]),
    "no buckets but the last": histogram(["+Inf"]),
}


@pytest.mark.parametrize("case", WITHOUT_THE_BOUND)
def test_a_missing_bound_is_no_data(case: str, tmp_path: Path) -> None:
    nothing = [(it, None) for it in (EVENTS, ERRORS, "slo:sli_error:ratio_rate5m")]

    assert on_trial(tmp_path, WITHOUT_THE_BOUND[case], *nothing) == "SUCCESS"


def test_the_bound_that_is_there_counts(tmp_path: Path) -> None:
    lines = histogram(["0.5", "+Inf"]) | histogram(["0.3"], "0+9x200") | histogram(["0.1"], "0+2x200")

    assert on_trial(tmp_path, lines, (EVENTS, 40), (ERRORS, 4)) == "SUCCESS"


def test_a_threshold_is_read_in_the_unit_of_the_histogram(tmp_path: Path) -> None:
    lines = histogram(["500", "+Inf"]) | histogram(["300"], "0+9x200") | histogram(["100"], "0+2x200")
    in_milliseconds = LatencyIndicator(read_selector("h"), Fraction("0.3"), unit=Fraction(1, 1000))

    result = on_trial(tmp_path, lines, (EVENTS, 40), (ERRORS, 4), indicator=in_milliseconds)

    assert result == "SUCCESS"


def test_a_lazy_client_whose_requests_are_slow_counts(tmp_path: Path) -> None:
    lines = histogram(["0.5", "1", "+Inf"])

    assert on_trial(tmp_path, lines, (EVENTS, 40), (ERRORS, 40)) == "SUCCESS"


def test_a_lazy_bucket_counts_from_its_birth_on(tmp_path: Path) -> None:
    lines = histogram(["0.5", "1", "+Inf"]) | {'h_bucket{instance="i",le="0.3"}': "_x99 1+1x100"}

    before = on_trial(tmp_path, lines, (ERRORS, 40), minute=20)
    after = on_trial(tmp_path, lines, (ERRORS, 36), minute=40)

    assert (before, after) == ("SUCCESS", "SUCCESS")


def test_in_a_rollout_only_pods_with_the_bound_count(tmp_path: Path) -> None:
    lines = histogram(["0.1", "0.3", "+Inf"], labels='instance="old"') | histogram(
        ["0.1", "0.25", "0.5", "+Inf"], labels='instance="new"'
    )

    assert on_trial(tmp_path, lines, (EVENTS, 40), (ERRORS, 0)) == "SUCCESS"


def test_a_group_without_the_bound_is_no_data(tmp_path: Path) -> None:
    lines = histogram(["0.1", "0.3", "+Inf"], labels='uri="/a"') | histogram([], labels='uri="/b"')
    routes = (f'{EVENTS}{{uri="/a"}}', 40), (f'{EVENTS}{{uri="/b"}}', None)

    assert on_trial(tmp_path, lines, *routes, group_by=("uri",)) == "SUCCESS"


def test_the_repair_of_a_missing_bound_adds_nothing(tmp_path: Path) -> None:
    hole = f"0+10x{7 * 240 - 1} _x120 {10 * (7 * 240 + 120)}+10x240"
    lines = dict.fromkeys(histogram(["0.1", "0.5", "+Inf"]), hole)
    repairs = 'slo:sli_total:increase5m{slo_part="repair"}'

    assert on_trial(tmp_path, lines, (f"sum_over_time({repairs}[2h])", None), minute=500) == "SUCCESS"


NO_NUMBER: Final = {"NaN": "NaN", "infinite": "+Inf", "below everything": "-Inf"}
OF_TWO_PODS: Final = histogram(["+Inf"], labels='pod="a"') | histogram(["0.3", "+Inf"], labels='pod="b"')


@pytest.mark.parametrize("value", NO_NUMBER)
def test_a_bucket_that_is_no_number_for_a_scrape_makes_no_error(value: str, tmp_path: Path) -> None:
    said = f"0+10x81 {NO_NUMBER[value]} 830+10x110"
    lines = OF_TWO_PODS | {'h_bucket{pod="a",le="0.3"}': said}
    of_both = f"sum_over_time({ERRORS}[10m])"

    assert on_trial(tmp_path, lines, (of_both, 0), (EVENTS, 80), minute=26) == "SUCCESS"


@pytest.mark.parametrize("value", NO_NUMBER)
def test_a_bucket_that_is_never_a_number_is_no_data(value: str, tmp_path: Path) -> None:
    never = {'h_bucket{pod="a",le="0.3"}': f"{NO_NUMBER[value]} " * 200}
    alone = {series: values for series, values in OF_TWO_PODS.items() if "a" in series.partition("{")[2]}

    one_of_two = on_trial(tmp_path, OF_TWO_PODS | never, (EVENTS, 40), (ERRORS, 0))
    the_only_one = on_trial(tmp_path, alone | never, (EVENTS, None), (ERRORS, None))

    assert (one_of_two, the_only_one) == ("SUCCESS", "SUCCESS")


@pytest.mark.parametrize("value", NO_NUMBER)
def test_a_count_that_is_no_number_hides_no_errors_of_others(value: str, tmp_path: Path) -> None:
    lines = OF_TWO_PODS | {
        'h_bucket{pod="a",le="0.3"}': GROWING,
        'h_count{pod="a"}': f"{NO_NUMBER[value]} " * 200,
        'h_bucket{pod="b",le="0.3"}': "0+5x200",
    }

    assert on_trial(tmp_path, lines, (EVENTS, 40), (ERRORS, 20)) == "SUCCESS"


@pytest.mark.parametrize("phase", range(4))
@pytest.mark.parametrize("scrape", [15, 30, 60])
def test_no_phase_of_a_scrape_without_a_number_makes_an_error(
    scrape: int, phase: int, tmp_path: Path
) -> None:
    scrapes, minute = 40 + phase, 45 * scrape // 15
    bucket = {'h_bucket{instance="i",le="0.3"}': f"0+10x{scrapes} NaN {10 * scrapes + 20}+10x150"}
    lines = histogram(["+Inf"]) | bucket
    errors = Expectation(minute, f"sum(sum_over_time({ERRORS}[{minute}m]))", 0)
    slo = shop(indicator=LATENCY, scrape_interval=scrape)

    trial = Trial("a scrape", lines, [errors], scrape=f"{scrape}s")

    assert run_trials(tmp_path, compiler.compile_rules([slo], NATIVE_STYLE), [trial]) == "SUCCESS"


def test_the_repair_takes_no_bucket_without_a_number_for_an_outage(tmp_path: Path) -> None:
    hours = "0+10x2400"
    lines = {
        'h_count{instance="i"}': hours,
        'h_bucket{instance="i",le="0.3"}': "0+10x1800 " + "NaN " * 600,
        'h_bucket{instance="i",le="+Inf"}': hours,
    }
    repaired = f'sum_over_time({ERRORS.replace("1m", "5m")}{{slo_part="repair"}}[2h]) or on () vector(0)'

    assert on_trial(tmp_path, lines, (repaired, 0), minute=590) == "SUCCESS"


def test_a_backfill_takes_no_bucket_without_a_number_for_an_outage(tmp_path: Path) -> None:
    said = {'h_bucket{pod="a",le="0.3"}': "0+10x81 NaN 830+10x110"}
    events, errors = backfill_rollups(shop(indicator=LATENCY), NATIVE_STYLE)
    every_minute = f"max_over_time(({errors})[10m:15s])"

    result = on_trial(tmp_path, OF_TWO_PODS | said, (every_minute, 0), (events, 80), minute=26)

    assert result == "SUCCESS"
