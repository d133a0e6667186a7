"""The first turn of the rules after a restart of Prometheus: nothing has marked earlier rollups as stale."""

from fractions import Fraction
from pathlib import Path

import pytest

from sloctl import compiler
from sloctl.model import CountedSide, Indicator, LatencyIndicator, QueryIndicator, RatioIndicator
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import read_query, read_selector
from tests.rules.promtool import Expectation, Trial, run_trials
from tests.rules.specimens import shop

BEFORE = 'slo:sli_total:increase1m{slo_id="shop/checkout", slo_service="shop", slo_name="checkout"}'
# A rollup of minute 1, then a hole, then the first scrape just before minute 3: one sample, no increase yet.
SERIES = {
    BEFORE: "_x4 120 _x20",
    'all_total{job="shop", instance="a"}': "_x12 5000+30x20",
    'good_total{job="shop", instance="a"}': "_x12 4900+30x20",
    'seconds_count{job="shop", instance="a"}': "_x12 5000+30x20",
    'seconds_bucket{job="shop", instance="a", le="0.3"}': "_x12 4900+30x20",
}


@pytest.mark.parametrize(
    "indicator",
    [
        RatioIndicator(CountedSide.GOOD, (read_selector("good_total"),), (read_selector("all_total"),)),
        RatioIndicator(CountedSide.ERROR, (read_selector("error_total"),), (read_selector("all_total"),)),
        LatencyIndicator(read_selector("seconds"), Fraction("0.3")),
        QueryIndicator(
            CountedSide.GOOD,
            read_query("sum(increase(good_total[$window]))"),
            read_query("sum(increase(all_total[$window]))"),
        ),
    ],
    ids=["good", "error", "latency", "query"],
)
def test_events_from_before_a_restart_are_not_errors_after_it(indicator: Indicator, tmp_path: Path) -> None:
    first_turn = Expectation(3, "slo:sli_error:increase1m", None)

    outcome = run_trials(
        tmp_path,
        compiler.compile_rules([shop(indicator=indicator)], NATIVE_STYLE),
        [Trial("restart", SERIES, [first_turn])],
    )

    assert outcome == "SUCCESS"
