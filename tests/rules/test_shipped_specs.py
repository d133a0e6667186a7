"""Every SLO in slos/, put on trial on the real rule engine."""

import math
from pathlib import Path

import pytest

from sloctl import compiler
from sloctl.model import ConditionIndicator, Severity, Slo, WhenAbsent
from sloctl.naming import NATIVE_STYLE
from sloctl.slo.lowering import CounterPair, lower_indicator
from sloctl.slo.policy import alert_threshold, detection_time
from sloctl.spec import read_specs
from tests.rules.promtool import Expectation, Trial, run_trials
from tests.rules.shipped import WORLDS
from tests.rules.stories import GoodAndBad, StoryPart

SLOS = Path("slos")
SHIPPED = read_specs((str(path), path.read_bytes()) for path in sorted(SLOS.glob("*.yaml"))).slos
FIRING = 'count(ALERTS{alertname="SLOErrorBudgetBurn", alertstate="firing", slo_severity="page"})'
RECORDED = (
    "slo:sli_error:ratio_rate5m",
    "slo:sli_error:ratio_rate1h",
    "slo:sli_error:ratio_rate30d",
    "slo:sli_error:increase1m",
    "slo:sli_total:increase1m",
    "slo:current_burn_rate:ratio",
    "slo:period_error_budget_remaining:ratio",
)

paged = pytest.mark.parametrize("slo", [it for it in SHIPPED if it.alerting.page], ids=lambda slo: slo.id)
every = pytest.mark.parametrize("slo", SHIPPED, ids=lambda slo: slo.id)
counted = pytest.mark.parametrize(
    "slo", [it for it in SHIPPED if isinstance(WORLDS[it.id], GoodAndBad)], ids=lambda slo: slo.id
)


def test_every_shipped_slo_has_a_world() -> None:
    assert {slo.id for slo in SHIPPED} == set(WORLDS)


@paged
def test_a_total_outage_pages_when_the_maths_says(slo: Slo, tmp_path: Path) -> None:
    fast = next(row for row in slo.alerting.policy if row.severity is Severity.PAGE)
    threshold = alert_threshold(fast, slo.window.seconds, slo.budget)
    outage = 6 * 60 + 15  # every lookback of a page is full and clean
    paged_at = outage + math.ceil(detection_time(fast, threshold, 1.0) / 60)
    story = [StoryPart(outage), StoryPart(60, failing=1.0)]
    firing = FIRING

    outcome = run_trials(
        tmp_path,
        compiler.compile_rules([slo], NATIVE_STYLE),
        [
            Trial(
                "outage",
                WORLDS[slo.id].series_of(story),
                [
                    # A condition looks once a minute, so it may be a whole look early.
                    Expectation(paged_at - 2, firing, None),
                    Expectation(paged_at + 1, firing, 1),
                ],
            ),
        ],
    )

    assert outcome == "SUCCESS"


@paged
def test_half_the_threshold_never_pages(slo: Slo, tmp_path: Path) -> None:
    slowest = min(
        alert_threshold(row, slo.window.seconds, slo.budget)
        for row in slo.alerting.policy
        if row.severity is Severity.PAGE
    )
    story = [StoryPart(8 * 60, failing=float(slowest) / 2)]

    outcome = run_trials(
        tmp_path,
        compiler.compile_rules([slo], NATIVE_STYLE),
        [
            Trial(
                "half",
                WORLDS[slo.id].series_of(story),
                [
                    Expectation(
                        479,
                        f"sum(count_over_time(ALERTS{{slo_severity='page', slo_id='{slo.id}'}}[8h]))",
                        None,
                    ),
                    Expectation(479, f"max(slo:sli_error:ratio_rate6h{{slo_id='{slo.id}'}}) > bool 0", 1),
                ],
            ),
        ],
    )

    assert outcome == "SUCCESS"


@every
def test_no_traffic_is_no_sample_and_never_nan(slo: Slo, tmp_path: Path) -> None:
    events = lower_indicator(slo.indicator)
    still = StoryPart(30, events=0) if isinstance(events, CounterPair) else StoryPart(30, failing=None)
    story = [StoryPart(30), still, StoryPart(30)]
    absent_is_bad = isinstance(events, ConditionIndicator) and events.when_absent is WhenAbsent.BAD

    outcome = run_trials(
        tmp_path,
        compiler.compile_rules([slo], NATIVE_STYLE),
        [
            Trial(
                "silence",
                WORLDS[slo.id].series_of(story),
                [
                    Expectation(55, "max(slo:sli_error:ratio_rate5m)", 1 if absent_is_bad else None),
                    Expectation(75, "max(slo:sli_error:ratio_rate5m)", 0),
                    *(
                        Expectation(minute, f"count({name} != {name})", None)
                        for minute in (20, 55, 75)
                        for name in RECORDED
                    ),
                ],
            ),
        ],
    )

    assert outcome == "SUCCESS"


@counted
def test_the_first_error_ever_is_counted(slo: Slo, tmp_path: Path) -> None:
    world = WORLDS[slo.id]
    assert isinstance(world, GoodAndBad)
    series = {world.good: "30+30x239", world.bad: "_x119 3x120"}

    outcome = run_trials(
        tmp_path,
        compiler.compile_rules([slo], NATIVE_STYLE),
        [
            Trial(
                "birth",
                series,
                [
                    Expectation(29, "sum(sum_over_time(slo:sli_error:increase1m[10m]))", 0),
                    Expectation(35, "sum(sum_over_time(slo:sli_error:increase1m[10m]))", 3),
                    Expectation(50, "sum(sum_over_time(slo:sli_error:increase1m[30m]))", 3),
                ],
            ),
        ],
    )

    assert outcome == "SUCCESS"


@counted
def test_a_new_pod_with_old_counters_adds_nothing(slo: Slo, tmp_path: Path) -> None:
    world = WORLDS[slo.id]
    assert isinstance(world, GoodAndBad)
    there = {world.good: "30+30x239"}
    new = {
        name.replace('"a:1"', '"b:1"'): f"_x119 {value}x120"
        for name, value in ((world.good, 90000), (world.bad, 5000))
    }

    outcome = run_trials(
        tmp_path,
        compiler.compile_rules([slo], NATIVE_STYLE),
        [
            Trial(
                "new pod",
                there | new,
                [
                    Expectation(40, "sum(sum_over_time(slo:sli_error:increase1m[30m]))", 0),
                    Expectation(40, "sum(slo:sli_total:increase1m)", 120),
                ],
            ),
        ],
    )

    assert outcome == "SUCCESS"
