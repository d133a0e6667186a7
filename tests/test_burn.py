"""The maths of error budgets, against the workbook's own tables and against itself."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import PolicyRow, Severity
from sloctl.promql import format_number
from sloctl.slo import burn
from sloctl.slo.policy import WORKBOOK_POLICY, alert_factor, alert_threshold, detection_time, workbook_policy

MONTH = 30 * DAY
BUDGET = Fraction(1, 1000)
FAST_PAGE = WORKBOOK_POLICY[0]


@pytest.mark.parametrize(
    ("days", "factors"),
    [
        (30, ["14.4", "6", "3", "1"]),
        (28, ["13.44", "5.6", "2.8", "0.9333333333333333"]),
        (90, ["43.2", "18", "9", "3"]),
    ],
)
def test_factors_are_derived_from_share_and_window(days: int, factors: list[str]) -> None:
    derived = [format_number(alert_factor(row, days * DAY)) for row in WORKBOOK_POLICY]

    assert derived == factors


def test_thresholds_print_without_the_noise_of_floats() -> None:
    thresholds = [format_number(alert_threshold(row, MONTH, BUDGET)) for row in WORKBOOK_POLICY]

    assert thresholds == ["0.0144", "0.006", "0.003", "0.001"]


@pytest.mark.parametrize(
    ("error_ratio", "seconds"),
    # Workbook, table 5-8: a total outage of a 99.9 % service is found in under a minute, 10 % in ten.
    [(1.0, 51.84), (0.1, 518.4), (0.0144, float("inf")), (0.001, float("inf"))],
)
def test_detection_time_is_the_share_of_the_lookback_that_must_burn(
    error_ratio: float, seconds: float
) -> None:
    threshold = alert_threshold(FAST_PAGE, MONTH, BUDGET)

    assert detection_time(FAST_PAGE, threshold, error_ratio) == pytest.approx(seconds)


def test_a_week_has_no_alert_that_fires_on_a_sustainable_burn() -> None:
    factors = [alert_factor(row, 7 * DAY) for row in workbook_policy(7 * DAY)]

    assert factors == [Fraction("3.36"), Fraction("1.4"), 1, 1]


def test_a_day_has_the_burn_rates_of_a_week() -> None:
    rows = workbook_policy(DAY)

    assert [alert_factor(row, DAY) for row in rows] == [Fraction("3.36"), Fraction("1.4"), 1]
    assert all(row.budget_share <= 1 for row in rows)


def test_a_month_has_the_workbooks_alerts() -> None:
    assert workbook_policy(MONTH) == WORKBOOK_POLICY


@pytest.mark.parametrize(
    ("long", "short", "expected"),
    [
        (0.02, 0.02, True),
        (0.0144, 0.02, False),
        (0.02, 0.0144, False),
        (None, 0.02, None),
        (0.02, None, None),
        (None, 0.0, False),
        (None, None, None),
    ],
)
def test_firing_needs_both_lookbacks_and_never_guesses(
    long: float | None, short: float | None, expected: bool | None
) -> None:
    assert burn.is_firing(long, short, Fraction("0.0144")) is expected


def test_firing_compares_the_doubles_prometheus_compares() -> None:
    # The double 0.006 is a little above 6/1000, so that an exact comparison would fire here.
    assert Fraction(6, 1000) < 0.006
    assert burn.is_firing(0.006, 0.006, Fraction(6, 1000)) is False


def test_the_unknown_stays_unknown() -> None:
    assert burn.burn_rate(BUDGET, None) is None
    assert burn.budget_remaining(BUDGET, None) is None
    assert burn.time_to_exhaustion(None, 1.0, MONTH) is None
    assert burn.time_to_exhaustion(0.5, None, MONTH) is None
    assert burn.wilson_lower_bound(0, 0, 1.645) is None


@pytest.mark.parametrize(
    ("left", "rate", "seconds"),
    [
        (1.0, 1.0, MONTH),
        (0.5, 14.4, 90_000),
        (0.5, 0.0, float("inf")),
        (0.5, 0.99, float("inf")),
        (-0.1, 3.0, 0),
        (0.0, 0.0, 0),
    ],
)
def test_time_to_exhaustion_is_what_is_left_at_this_rate(left: float, rate: float, seconds: float) -> None:
    assert burn.time_to_exhaustion(left, rate, MONTH) == pytest.approx(seconds)


def test_a_whole_window_at_the_objective_spends_the_whole_budget() -> None:
    assert burn.budget_remaining(BUDGET, 0.001) == pytest.approx(0)
    assert burn.burn_rate(BUDGET, 0.001) == pytest.approx(1)


def test_wilsons_bound_agrees_with_the_published_example() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 at 95 % two-sided, lower limit 0.2553.
    assert burn.wilson_lower_bound(81, 263, burn.z_score(Fraction("0.975"))) == pytest.approx(
        0.2553, abs=5e-5
    )


@given(
    total=st.integers(1, 10**6),
    share=st.floats(0, 1),
    threshold=st.floats(1e-5, 0.5),
    confidence=st.sampled_from(["0.8", "0.95", "0.999"]),
)
def test_the_rules_form_of_wilsons_bound_decides_the_same(
    total: int, share: float, threshold: float, confidence: str
) -> None:
    errors = round(share * total)
    ratio, z = errors / total, burn.z_score(Fraction(confidence))
    bound = burn.wilson_lower_bound(errors, total, z)
    assert bound is not None

    # What rules/alerts.py prints: above the threshold, and (r - t)^2 n > z^2 t (1 - t).
    by_score = ratio > threshold and (ratio - threshold) ** 2 * total > z * z * threshold * (1 - threshold)

    assert by_score == (bound > threshold) or bound == pytest.approx(threshold, rel=1e-9)


@given(
    share=st.fractions(Fraction(1, 100), 1),
    long=st.integers(10, 3 * 24 * 60),
    budget=st.fractions(Fraction(1, 100_000), Fraction(1, 2)),
    error_ratio=st.floats(1e-6, 1),
)
def test_at_its_detection_time_an_alert_has_burned_its_share(
    share: Fraction, long: int, budget: Fraction, error_ratio: float
) -> None:
    row = PolicyRow(Severity.PAGE, budget_share=share, long=long * MINUTE, short=MINUTE)
    seconds = detection_time(row, alert_threshold(row, MONTH, budget), error_ratio)

    burned = error_ratio * seconds / (float(budget) * MONTH)

    assert seconds == float("inf") or burned == pytest.approx(float(share))


def test_an_hour_long_outage_of_a_tenth_costs_what_the_workbook_says() -> None:
    # 10 % for an hour of a 99.9 % month: 100 x sustainable for 1/720 of the window.
    assert burn.burn_rate(BUDGET, 0.1) == pytest.approx(100)
    assert pytest.approx(0.1389, abs=1e-4) == 100 * HOUR / MONTH


@pytest.mark.parametrize(
    ("days", "page"), [(31, (1, 5)), (44, (1, 5)), (60, (2, 10)), (84, (3, 15)), (365, (12, 60))]
)
def test_above_thirty_days_lookbacks_grow_and_factors_stay(days: int, page: tuple[int, int]) -> None:
    policy = workbook_policy(days * DAY)

    assert [alert_factor(row, days * DAY) for row in policy] == [Fraction(72, 5), 6, 3, 1]
    assert (policy[0].long, policy[0].short) == (page[0] * 3600, page[1] * 60)


def test_a_page_at_98_percent_over_12_weeks_can_be_reached() -> None:
    thresholds = [alert_threshold(row, 84 * DAY, Fraction(2, 100)) for row in workbook_policy(84 * DAY)]

    assert [format_number(each) for each in thresholds] == ["0.288", "0.12", "0.06", "0.02"]


@pytest.mark.parametrize(
    ("newest", "steady", "short_burns", "burns"),
    [
        (1.5, 1.2, [(1.5, 14.4)], True),
        (1.2, 1.5, [(1.2, 14.4)], False),
        (70.0, 90.0, [(70.0, 14.4)], True),
        (2.0, 9.0, [(2.0, 14.4), (6.5, 6.0)], True),
        (1.0, 0.1, [(1.0, 14.4)], False),
        (0.0, 9.0, [(0.0, 14.4), (6.5, 6.0)], False),
        (1.5, None, [], True),
        (None, None, [(None, 14.4)], False),
    ],
)
def test_burning_is_rising_above_1_or_above_a_factor_of_its_short_lookback(
    newest: float | None, steady: float | None, short_burns: list[tuple[float | None, float]], burns: bool
) -> None:
    assert burn.is_burning(newest, steady, short_burns) is burns
