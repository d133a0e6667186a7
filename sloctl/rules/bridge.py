"""A bridge over the first weeks: another tool's recorded history, for windows that ours does not fill yet.

Sloth records its error ratio over five minutes under the labels of its own. What it recorded before our first
rollup is weighed by time into each long window: (our ratio × our time + their ratios × theirs) / both times.
Sloth kept no counts, so each of its five minutes weighs alike; that share shrinks until it is gone, and what
is left is the count of events. The rules without a bridge then record the very same.
"""

import re
from typing import Final

from msgspec import structs

from sloctl import naming
from sloctl.duration import DAY, format_duration
from sloctl.model import CalendarWindow, PromQL, Slo
from sloctl.naming import SLOTH_STYLE, LabelStyle
from sloctl.promql import quote_string, range_selector
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import RecordingRule, Rule, RuleGroup
from sloctl.rules.scope import STALENESS, Scope
from sloctl.slo.resolutions import COARSE_STEP

# How many seconds of the window Sloth's history fills, beside ours; recorded by the slow group.
BRIDGED_SECONDS: Final = "slo:bridged:seconds"
# Shorter lookbacks are full within a day.
_SHORTEST: Final = DAY


def bridged_rule_groups(slo: Slo, style: LabelStyle) -> tuple[RuleGroup, ...]:
    """Build the rules of one SLO with Sloth's history in their long windows; *style* is sloctl's own.

    In Sloth's style both tools would record the same series.
    """
    scope = Scope.from_slo(slo, style)
    seconds = scope.rollup_rule(BRIDGED_SECONDS, _their_seconds(scope, slo.window.seconds))
    groups = []
    for group in rule_groups(slo, style):
        rules: list[Rule] = []
        for rule in group.rules:
            rules.append(_bridge_rule(scope, rule))
            if isinstance(rule, RecordingRule) and rule.record == naming.ROLLUPS_SINCE:
                rules.append(seconds)
        groups.append(structs.replace(group, rules=tuple(rules)))
    return tuple(groups)


def _bridge_rule(scope: Scope, rule: Rule) -> Rule:
    if not isinstance(rule, RecordingRule):
        return rule
    # The running period of a calendar has a ratio of its own, which is not bridged.
    if rule.record == naming.PERIOD_COVERED and not isinstance(scope.slo.window, CalendarWindow):
        window = scope.slo.window.seconds
        bridged = scope.max_by_group(
            f"last_over_time({range_selector(scope.recorded_series(BRIDGED_SECONDS), STALENESS)})"
        )
        covered = f"clamp_max(({rule.expr}) + {scope.match_group} ({bridged}) / {window}, 1)\nor {rule.expr}"
        return structs.replace(rule, expr=covered)
    for resolution in scope.resolutions.with_step(COARSE_STEP):
        if resolution.lookback >= _SHORTEST and rule.record == naming.error_ratio_metric(resolution.lookback):
            return structs.replace(rule, expr=_bridged_ratio(scope, rule.expr, resolution.lookback))
    return rule


def _bridged_ratio(scope: Scope, ours: PromQL, lookback: int) -> PromQL:
    """Weigh both by the time they cover; where there is only one of them it is that one."""
    since = f"min(last_over_time({range_selector(_since(scope), STALENESS)}))"
    our_seconds = f"scalar(clamp_max(vector(time()) - on () {since}, {lookback}))"
    their_seconds = _their_seconds(scope, lookback)
    their_sum = scope.max_by_group(f"sum_over_time({_history(scope, lookback)})")
    return (
        f"((\n{ours}\n) * {our_seconds}\n+ {scope.match_group} {their_sum} * {COARSE_STEP})\n"
        f"/ {scope.match_group} ({their_seconds} + {our_seconds}) >= 0\n"
        f"or (\n{ours}\n)\n"
        f"or {their_sum} * {COARSE_STEP} / {scope.match_group} ({their_seconds})"
    )


def _their_seconds(scope: Scope, lookback: int) -> PromQL:
    return f"{scope.max_by_group(f'count_over_time({_history(scope, lookback)})')} * {COARSE_STEP}"


def _history(scope: Scope, lookback: int) -> PromQL:
    """Select what Sloth recorded within the lookback, before our first rollup; NaN is no ratio."""
    series = f"{naming.error_ratio_metric(COARSE_STEP)}{{{SLOTH_STYLE.id}=~{_sloth_id(scope.slo)}}}"
    before = f"vector(time()) < on () min({_since(scope)} @ end())"
    looks = f"{format_duration(lookback)}:{format_duration(COARSE_STEP)}"
    return f"(clamp_max({series} >= 0, 1) and on () ({before}))[{looks}]"


def _since(scope: Scope) -> PromQL:
    return scope.recorded_series(naming.ROLLUPS_SINCE)


def _sloth_id(slo: Slo) -> PromQL:
    """Match Sloth's id, whose names may have had upper case and underscores."""
    pattern = re.escape(SLOTH_STYLE.slo_id(slo)).replace(r"\-", "[-_]")
    return quote_string(f"(?i){pattern}")
