"""Young rules on the real rule engine: what is spent is measured against the events of the whole window."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Final

from sloctl import compiler
from sloctl.duration import HOUR
from sloctl.model import CountedSide, RatioIndicator, RollingWindow
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import read_selector
from tests.rules.promtool import Expectation, Trial, run_trials
from tests.rules.specimens import shop

REQUESTS: Final = RatioIndicator(
    CountedSide.ERROR, (read_selector('r_total{code="500"}'),), (read_selector("r_total"),)
)
LEFT: Final = "max(slo:period_error_budget_remaining:ratio)"
COVERED: Final = "max(slo:period_covered:ratio)"
RATIO: Final = "max(slo:sli_error:ratio_rate30d)"
FIRING: Final = 'count(ALERTS{alertstate="firing"}) or on () vector(0)'


def counters(ok: str, bad: str) -> dict[str, str]:
    return {'r_total{code="200",uri="/a"}': ok, 'r_total{code="500",uri="/a"}': bad}


def between(minute: int, expr: str, low: float, high: float) -> Expectation:
    return Expectation(minute, f"({expr} >= bool {low}) * ({expr} <= bool {high})", 1)


def on_trial(directory: Path, series: Mapping[str, str], *expected: Expectation, **changes: object) -> str:
    slo = shop(**{"indicator": REQUESTS, "objective": Fraction(999, 1000), **changes})
    return run_trials(
        directory, compiler.compile_rules([slo], NATIVE_STYLE), [Trial("young", series, expected)]
    )


def test_a_burst_in_the_first_minutes_exhausts_nothing(tmp_path: Path) -> None:
    series = counters("0+1000x400", "0+88x10 880+1x400")

    told = on_trial(
        tmp_path,
        series,
        Expectation(3, 'count(ALERTS{alertname="SLOErrorBudgetExhausted"}) or on () vector(0)', 0),
        between(8, LEFT, 0.98, 1),
        between(8, RATIO, 0.02, 0.04),
    )

    assert told == "SUCCESS"


def test_groups_have_a_first_day_each(tmp_path: Path) -> None:
    series = counters("0+1000x400", "0+88x10 880+1x400")

    told = on_trial(tmp_path, series, between(8, f'{LEFT[:-1]}{{uri="/a"}})', 0.98, 1), group_by=("uri",))

    assert told == "SUCCESS"


def test_spending_grows_with_the_window(tmp_path: Path) -> None:
    told = on_trial(
        tmp_path,
        counters("0+999x1000", "0+1x1000"),
        between(60, LEFT, 0.46, 0.5),
        between(60, COVERED, 0.5, 0.55),
        between(119, LEFT, -0.01, 0.02),
        between(200, LEFT, -0.01, 0.01),
        window=RollingWindow(2 * HOUR),
    )

    assert told == "SUCCESS"


def test_the_first_minutes_are_told_as_such(tmp_path: Path) -> None:
    told = on_trial(tmp_path, counters("0+99x100", "0+1x100"), between(3, f"{COVERED} * 43200", 2, 9))

    assert told == "SUCCESS"


def test_hours_without_data_make_no_window_young(tmp_path: Path) -> None:
    told = on_trial(
        tmp_path,
        counters("0+999x300 _x480 400000+999x300", "0+1x300 _x480 400+1x300"),
        between(250, f"{COVERED} * 43200", 239, 256),
    )

    assert told == "SUCCESS"


def test_an_hour_within_the_objective_alerts_nobody(tmp_path: Path) -> None:
    # 1.5 times what the budget sustains, in a burst every two minutes.
    bursts = " ".join(f"{1.2 * number:.1f}x7" for number in range(50))
    series = counters("0+100x400", bursts)

    told = on_trial(tmp_path, series, *(Expectation(minute, FIRING, 0) for minute in range(1, 61)))

    assert told == "SUCCESS"


def test_ten_services_at_a_few_errors_alert_nobody_for_an_hour(tmp_path: Path) -> None:
    """At 0 to 0.15 % errors, each with its errors at once every two minutes, of an objective of 99.9 %."""
    services = [
        shop(
            name=f"s{number}",
            objective=Fraction(999, 1000),
            indicator=RatioIndicator(
                CountedSide.ERROR,
                (read_selector(f's{number}_total{{code="500"}}'),),
                (read_selector(f"s{number}_total"),),
            ),
        )
        for number in range(10)
    ]
    series: dict[str, str] = {}
    for number in range(10):
        bursts = " ".join(f"{1.2 * burst * number / 9:.2f}x7" for burst in range(50))
        series |= {f's{number}_total{{code="200"}}': "0+100x400", f's{number}_total{{code="500"}}': bursts}
    quiet = [Expectation(minute, FIRING, 0) for minute in range(1, 61)]
    covered = between(60, "count(slo:period_covered:ratio > 0 < 0.0016)", 10, 10)

    rules = compiler.compile_rules(services, NATIVE_STYLE)

    assert run_trials(tmp_path, rules, [Trial("ten services", series, [*quiet, covered])]) == "SUCCESS"


def test_an_outage_in_minute_three_pages_within_two(tmp_path: Path) -> None:
    series = counters("0+100x12 1200+70x400", "0+0x12 0+30x400")

    told = on_trial(
        tmp_path,
        series,
        Expectation(5, 'count(ALERTS{alertstate="firing",severity="page"})', 1),
        Expectation(5, 'count(ALERTS{alertstate="firing",severity="ticket"}) or on () vector(0)', 0),
    )

    assert told == "SUCCESS"
