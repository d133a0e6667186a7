"""The objective and the budget as series, for people and dashboards; recorded every minute."""

from fractions import Fraction

from sloctl import naming
from sloctl.decimals import decimal
from sloctl.duration import DAY, format_duration
from sloctl.rollup import COARSE
from sloctl.rules.group import RecordingRule
from sloctl.rules.scope import STALENESS, Scope, ranged


def budget_rules(scope: Scope) -> tuple[RecordingRule, ...]:
    slo, budget = scope.slo, decimal(scope.slo.budget)
    current = scope.max(scope.own(naming.error_ratio(COARSE)))
    period = scope.max(
        f"last_over_time({ranged(scope.own(naming.error_ratio(slo.window.seconds)), STALENESS)})"
    )
    burned = scope.max(scope.own(naming.PERIOD_BURN_RATE))
    return (
        scope.published(naming.OBJECTIVE, f"vector({decimal(slo.objective)})"),
        scope.published(naming.ERROR_BUDGET, f"vector({budget})"),
        scope.published(naming.TIME_PERIOD, f"vector({decimal(Fraction(slo.window.seconds, DAY))})"),
        scope.published(naming.CURRENT_BURN_RATE, f"{current} / {budget}"),
        scope.published(naming.PERIOD_BURN_RATE, f"{period} / {budget}"),
        scope.published(naming.BUDGET_REMAINING, f"1 - {burned}"),
        scope.published(
            scope.style.info,
            "vector(1)",
            **{
                scope.style.objective: f"{decimal(100 * slo.objective)}%",
                scope.style.window: format_duration(slo.window.seconds),
            },
        ),
    )
