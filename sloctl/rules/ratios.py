"""Error ratios over every lookback, summed from rollups and recorded in the group of their step."""

from sloctl import naming
from sloctl.duration import format_duration
from sloctl.model import PromQL
from sloctl.rules.rule import RecordingRule
from sloctl.rules.scope import Scope, last_range, range_selector
from sloctl.slo.resolutions import COARSE_STEP, Resolution


def coarse_rollups(scope: Scope) -> tuple[RecordingRule, ...]:
    """Fine rollups summed five at a time, however far the slow group's turns are behind the fast one's."""
    return (
        scope.rollup_rule(
            naming.event_count_metric(COARSE_STEP),
            f"sum_over_time({last_range(scope.fine_events, COARSE_STEP)})",
        ),
        scope.rollup_rule(
            naming.error_count_metric(COARSE_STEP),
            f"sum_over_time({last_range(scope.fine_errors, COARSE_STEP)})",
        ),
    )


def ratio_rules(scope: Scope, step: int) -> list[RecordingRule]:
    """The ratios that rollups of *step* serve; where an alert counts bad events, their sum comes first."""
    rules = []
    for rung in scope.resolutions.with_step(step):
        errors = _sum_rollups(scope, naming.error_count_metric(step), rung)
        if rung.lookback in counted_lookbacks(scope):
            rules.append(scope.rollup_rule(naming.error_count_metric(rung.lookback), errors))
            errors = scope.sum_by_group(scope.recorded_series(naming.error_count_metric(rung.lookback)))
        rules.append(
            scope.published_rule(
                naming.error_ratio_metric(rung.lookback),
                # Without traffic there is no sample: 0/0 would be NaN, which a longer window never forgets.
                f"{errors}\n/\n({_sum_rollups(scope, naming.event_count_metric(step), rung)} > 0)",
                **{scope.style.window: format_duration(rung.lookback)},
            )
        )
    return rules


def counted_lookbacks(scope: Scope) -> frozenset[int]:
    """Long lookbacks whose bad events an alert compares with a floor or weighs by confidence."""
    alerting = scope.slo.alerting
    if not alerting.min_errors and alerting.confidence is None:
        return frozenset()
    return frozenset(row.long for row in alerting.policy)


def _sum_rollups(scope: Scope, rollup: str, rung: Resolution) -> PromQL:
    return scope.sum_by_group(
        f"sum_over_time({range_selector(scope.recorded_series(rollup), rung.range_seconds)})"
    )
