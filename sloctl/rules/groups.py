"""Slo → rule groups: a fast one that pages, a slow one for long lookbacks, and the hourly repair."""

from sloctl import naming
from sloctl.duration import HOUR
from sloctl.model import Slo
from sloctl.naming import LabelStyle
from sloctl.rules.alerts import budget_alerts, burn_alerts, no_data_alerts
from sloctl.rules.counts import events_and_errors
from sloctl.rules.recording import budget_rules, coarse_rollups, ratio_rules, since_rule
from sloctl.rules.repair import repair_rules
from sloctl.rules.rule import Rule, RuleGroup
from sloctl.rules.scope import Scope
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP


def rule_groups(slo: Slo, style: LabelStyle) -> tuple[RuleGroup, ...]:
    """Build all that Prometheus evaluates for one SLO.

    Ratios and the alert that reads them share a group, so that no alert waits for another group's turn.
    """
    scope = Scope.from_slo(slo, style)
    events, errors = events_and_errors(scope)
    fast: tuple[Rule, ...] = (
        scope.rollup_rule(naming.event_count_metric(FINE_STEP), events),
        scope.rollup_rule(naming.error_count_metric(FINE_STEP), errors),
        *ratio_rules(scope, FINE_STEP),
        *budget_rules(scope),
        *burn_alerts(scope, FINE_STEP),
        *budget_alerts(scope),
        *no_data_alerts(scope),
    )
    slow: tuple[Rule, ...] = (
        *coarse_rollups(scope),
        since_rule(scope),
        *ratio_rules(scope, COARSE_STEP),
        *burn_alerts(scope, COARSE_STEP),
    )
    groups = (
        RuleGroup(f"slo:{slo.id}:fast", FINE_STEP, fast),
        RuleGroup(f"slo:{slo.id}:slow", COARSE_STEP, slow),
        RuleGroup(f"slo:{slo.id}:repair", HOUR, repair_rules(scope)),
    )
    return tuple(group for group in groups if group.rules)
