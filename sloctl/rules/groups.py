"""Slo → rule groups: a fast one that pages, a slow one for long lookbacks, and the hourly repair."""

from sloctl import naming
from sloctl.duration import HOUR
from sloctl.model import Slo
from sloctl.naming import LabelStyle
from sloctl.rules.alerts import budget_alerts, burn_alerts, no_data_alerts
from sloctl.rules.budget import budget_rules
from sloctl.rules.counts import events_and_errors
from sloctl.rules.ratios import coarse_rollups, ratio_rules
from sloctl.rules.repair import repair_rules
from sloctl.rules.rule import Rule, RuleGroup
from sloctl.rules.scope import Scope, build_scope
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP


def rule_groups(slo: Slo, style: LabelStyle) -> tuple[RuleGroup, ...]:
    """All that Prometheus evaluates for one SLO; ratios and their alert share a group: no phase delay."""
    this = build_scope(slo, style)
    groups = (_fast(this), _slow(this), RuleGroup(f"slo:{slo.id}:repair", HOUR, repair_rules(this)))
    return tuple(group for group in groups if group.rules)


def _fast(scope: Scope) -> RuleGroup:
    events, errors = events_and_errors(scope)
    rules: tuple[Rule, ...] = (
        scope.rollup_rule(naming.event_count_metric(FINE_STEP), events),
        scope.rollup_rule(naming.error_count_metric(FINE_STEP), errors),
        *ratio_rules(scope, FINE_STEP),
        *budget_rules(scope),
        *burn_alerts(scope, FINE_STEP),
        *budget_alerts(scope),
        *no_data_alerts(scope),
    )
    return RuleGroup(f"slo:{scope.slo.id}:fast", FINE_STEP, rules)


def _slow(scope: Scope) -> RuleGroup:
    rules: tuple[Rule, ...] = (
        *coarse_rollups(scope),
        *ratio_rules(scope, COARSE_STEP),
        *burn_alerts(scope, COARSE_STEP),
    )
    return RuleGroup(f"slo:{scope.slo.id}:slow", COARSE_STEP, rules)
