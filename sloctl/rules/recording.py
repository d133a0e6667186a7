"""Published series and coarse rollups: what is recorded from the fine rollups.

Error ratios over every lookback are summed from rollups and recorded in the group of their step. Objective,
budget and burn rates are recorded every minute, for people and dashboards.
"""

from fractions import Fraction

from sloctl import naming
from sloctl.duration import DAY, format_duration
from sloctl.model import PromQL
from sloctl.promql import format_number, last_range, range_selector
from sloctl.rules.rule import RecordingRule
from sloctl.rules.scope import STALENESS, Scope
from sloctl.slo.resolutions import COARSE_STEP, Resolution


def coarse_rollups(scope: Scope) -> tuple[RecordingRule, ...]:
    """Sum five fine rollups into a coarse one, however far the slow group's turn is behind the fast one's."""
    return tuple(
        scope.rollup_rule(metric(COARSE_STEP), f"sum_over_time({last_range(fine, COARSE_STEP)})")
        for metric, fine in (
            (naming.event_count_metric, scope.fine_events),
            (naming.error_count_metric, scope.fine_errors),
        )
    )


def ratio_rules(scope: Scope, step: int) -> list[RecordingRule]:
    """Record the error ratios that rollups of *step* serve.

    Where an alert counts the bad events of a lookback, their sum is recorded first.
    """
    rules = []
    for resolution in scope.resolutions.with_step(step):
        lookback = resolution.lookback
        errors = _sum_rollups(scope, naming.error_count_metric(step), resolution)
        if lookback in counted_lookbacks(scope):
            rules.append(scope.rollup_rule(naming.error_count_metric(lookback), errors))
            errors = scope.sum_by_group(scope.recorded_series(naming.error_count_metric(lookback)))
        rules.append(
            scope.published_rule(
                naming.error_ratio_metric(lookback),
                # Without traffic there is no sample: 0/0 would be NaN, which a longer window never forgets.
                f"{errors}\n/\n({_sum_rollups(scope, naming.event_count_metric(step), resolution)} > 0)",
                **{scope.style.window: format_duration(lookback)},
            )
        )
    return rules


def counted_lookbacks(scope: Scope) -> frozenset[int]:
    """Return the long lookbacks whose bad events an alert compares with a floor or weighs by confidence."""
    alerting = scope.slo.alerting
    if not alerting.min_errors and alerting.confidence is None:
        return frozenset()
    return frozenset(row.long for row in alerting.policy)


def budget_rules(scope: Scope) -> tuple[RecordingRule, ...]:
    """Record the objective, the budget, how fast it burns and what is left of it."""
    slo, budget = scope.slo, format_number(scope.slo.budget)
    current = scope.max_by_group(scope.recorded_series(naming.error_ratio_metric(COARSE_STEP)))
    window_ratio = scope.recorded_series(naming.error_ratio_metric(slo.window.seconds))
    period = scope.max_by_group(f"last_over_time({range_selector(window_ratio, STALENESS)})")
    burned = scope.max_by_group(scope.recorded_series(naming.PERIOD_BURN_RATE))
    series = {
        naming.OBJECTIVE: f"vector({format_number(slo.objective)})",
        naming.ERROR_BUDGET: f"vector({budget})",
        naming.TIME_PERIOD: f"vector({format_number(Fraction(slo.window.seconds, DAY))})",
        naming.CURRENT_BURN_RATE: f"{current} / {budget}",
        naming.PERIOD_BURN_RATE: f"{period} / {budget}",
        naming.BUDGET_REMAINING: f"1 - {burned}",
    }
    described = {
        scope.style.objective: f"{format_number(100 * slo.objective)}{scope.style.objective_unit}",
        scope.style.window: format_duration(slo.window.seconds),
    }
    return (
        *(scope.published_rule(metric, expression) for metric, expression in series.items()),
        scope.published_rule(scope.style.info_metric, "vector(1)", **described),
    )


def _sum_rollups(scope: Scope, rollup: str, resolution: Resolution) -> PromQL:
    return scope.sum_by_group(
        f"sum_over_time({range_selector(scope.recorded_series(rollup), resolution.range_seconds)})"
    )
