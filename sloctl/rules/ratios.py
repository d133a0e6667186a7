"""Error ratios over every lookback, summed from rollups and recorded in the group of their step."""

from sloctl import naming
from sloctl.duration import format_duration
from sloctl.model import PromQL
from sloctl.rollup import COARSE, Rung
from sloctl.rules.group import RecordingRule
from sloctl.rules.scope import Scope, last, ranged


def coarse_rollups(scope: Scope) -> tuple[RecordingRule, ...]:
    """Fine rollups summed five at a time, however far the slow group's turns are behind the fast one's."""
    return (
        scope.rollup(naming.events(COARSE), f"sum_over_time({last(scope.events, COARSE)})"),
        scope.rollup(naming.errors(COARSE), f"sum_over_time({last(scope.errors, COARSE)})"),
    )


def ratio_rules(scope: Scope, step: int) -> list[RecordingRule]:
    """The ratios that rollups of *step* serve; where an alert counts bad events, their sum comes first."""
    rules = []
    for rung in scope.ladder.with_step(step):
        errors = _sum(scope, naming.errors(step), rung)
        if rung.lookback in counted_lookbacks(scope):
            rules.append(scope.rollup(naming.errors(rung.lookback), errors))
            errors = scope.sum(scope.own(naming.errors(rung.lookback)))
        rules.append(
            scope.published(
                naming.error_ratio(rung.lookback),
                # Without traffic there is no sample: 0/0 would be NaN, which a longer window never forgets.
                f"{errors}\n/\n({_sum(scope, naming.events(step), rung)} > 0)",
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


def _sum(scope: Scope, rollup: str, rung: Rung) -> PromQL:
    return scope.sum(f"sum_over_time({ranged(scope.own(rollup), rung.range)})")
