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
