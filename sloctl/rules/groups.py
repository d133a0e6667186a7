"""Slo → rule groups: a fast one that pages, a slow one for long lookbacks, and the repair."""

from typing import Final

from sloctl import naming
from sloctl.model import CompositeIndicator, Slo
from sloctl.naming import LabelStyle
from sloctl.rules.alerts import budget_alerts, burn_alerts, no_data_alerts, spent_alerts
from sloctl.rules.calendar import period_rules, slow_period_rules
from sloctl.rules.counts import count_rules
from sloctl.rules.journeys import journey_rules
from sloctl.rules.masks import phase_rules
from sloctl.rules.recording import (
    budget_rules,
    coarse_rollups,
    ratio_rules,
    since_rule,
    with_excluded_rules,
)
from sloctl.rules.repair import REPAIR_STEP, repair_rules
from sloctl.rules.rule import RecordingRule, Rule, RuleGroup
from sloctl.rules.scope import Scope
from sloctl.rules.service_hours import hours_rules, keep_service_hours
from sloctl.rules.time_slices import slice_rules
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP

# What Mimir takes in a group, as long as nobody raises `ruler_max_rules_per_rule_group`.
MAX_GROUP_RULES: Final = 20


def rule_groups(slo: Slo, style: LabelStyle) -> tuple[RuleGroup, ...]:
    """Build all that Prometheus evaluates for one SLO.

    Ratios and the alert that reads them share a group, so that no alert waits for another group's turn.
    """
    scope = Scope.from_slo(slo, style)
    fast: tuple[Rule, ...] = (
        *_fine_rollups(scope),
        *hours_rules(scope),
        *period_rules(scope),
        *phase_rules(scope),
        *ratio_rules(scope, FINE_STEP),
        *budget_rules(scope),
        *burn_alerts(scope, FINE_STEP),
        *budget_alerts(scope),
        *no_data_alerts(scope),
    )
    slow: tuple[Rule, ...] = (
        *coarse_rollups(scope),
        since_rule(scope),
        *slow_period_rules(scope),
        *ratio_rules(scope, COARSE_STEP),
        *burn_alerts(scope, COARSE_STEP),
    )
    objective: tuple[Rule, ...] = ()
    if len(fast) > MAX_GROUP_RULES:
        objective = tuple(rule for rule in fast if _is_constant(rule, style))
        fast = tuple(rule for rule in fast if rule not in objective)
    budget: tuple[Rule, ...] = tuple(spent_alerts(scope))
    if len(fast) > MAX_GROUP_RULES:
        # Of many page rows. These alerts wait for minutes anyhow; a turn later than what they read is well.
        late = (*budget_alerts(scope), *no_data_alerts(scope))
        fast = tuple(rule for rule in fast if rule not in late)
        budget = (*late, *budget)
    groups = (
        RuleGroup(f"slo:{slo.id}:fast", FINE_STEP, fast),
        RuleGroup(f"slo:{slo.id}:objective", FINE_STEP, objective),
        RuleGroup(f"slo:{slo.id}:budget", FINE_STEP, budget),
        RuleGroup(f"slo:{slo.id}:slow", COARSE_STEP, slow),
        RuleGroup(f"slo:{slo.id}:with-excluded", COARSE_STEP, with_excluded_rules(scope)),
        RuleGroup(f"slo:{slo.id}:repair", REPAIR_STEP, repair_rules(scope)),
    )
    return tuple(group for group in groups if group.rules)


def _fine_rollups(scope: Scope) -> list[RecordingRule]:
    """Record what happened in the last minute: events, or the slice of time that ended in it."""
    slices, indicator = scope.slo.time_slice, scope.slo.indicator
    if isinstance(indicator, CompositeIndicator):
        return keep_service_hours(scope, journey_rules(scope, indicator))
    return keep_service_hours(scope, count_rules(scope) if slices is None else slice_rules(scope, slices))


def _is_constant(rule: Rule, style: LabelStyle) -> bool:
    """Tell whether a rule records only what the spec says: it may be in any group."""
    constants = {naming.OBJECTIVE, naming.ERROR_BUDGET, naming.TIME_PERIOD, style.info_metric}
    return isinstance(rule, RecordingRule) and rule.record in constants
