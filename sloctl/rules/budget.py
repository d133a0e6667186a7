"""The objective and the budget as series, for people and dashboards; recorded every minute."""

from fractions import Fraction

from sloctl import naming
from sloctl.duration import DAY, format_duration
from sloctl.promql import format_number
from sloctl.rules.rule import RecordingRule
from sloctl.rules.scope import STALENESS, Scope, range_selector
from sloctl.slo.resolutions import COARSE_STEP


def budget_rules(scope: Scope) -> tuple[RecordingRule, ...]:
    slo, budget = scope.slo, format_number(scope.slo.budget)
    current = scope.max_by_group(scope.recorded_series(naming.error_ratio_metric(COARSE_STEP)))
    window_ratio = scope.recorded_series(naming.error_ratio_metric(slo.window.seconds))
    period = scope.max_by_group(f"last_over_time({range_selector(window_ratio, STALENESS)})")
    burned = scope.max_by_group(scope.recorded_series(naming.PERIOD_BURN_RATE))
    return (
        scope.published_rule(naming.OBJECTIVE, f"vector({format_number(slo.objective)})"),
        scope.published_rule(naming.ERROR_BUDGET, f"vector({budget})"),
        scope.published_rule(
            naming.TIME_PERIOD, f"vector({format_number(Fraction(slo.window.seconds, DAY))})"
        ),
        scope.published_rule(naming.CURRENT_BURN_RATE, f"{current} / {budget}"),
        scope.published_rule(naming.PERIOD_BURN_RATE, f"{period} / {budget}"),
        scope.published_rule(naming.BUDGET_REMAINING, f"1 - {burned}"),
        scope.published_rule(
            scope.style.info_metric,
            "vector(1)",
            **{
                scope.style.objective: f"{format_number(100 * slo.objective)}%",
                scope.style.window: format_duration(slo.window.seconds),
            },
        ),
    )
