"""Rule groups for an engine whose rules don't see what others record in the same evaluation, as vmalert's.

vmalert hands each result to the storage and goes on. So rules that read each other are evaluated one stage
after another within the minute, each stage a group with an offset of its own into the interval. The first one
reads raw series alone: the errors are held against the events by the events' own expression.

VictoriaMetrics' `increase()` counts first values by itself, so births are left to it. The repair is left out:
in its subqueries a series lasts as long as their step, so it would add what was counted.
"""

from collections.abc import Callable
from itertools import groupby
from typing import Final
from zlib import crc32

from msgspec.structs import replace

from sloctl.duration import format_duration
from sloctl.model import CompositeIndicator, Indicator, LatencyIndicator, RatioIndicator, Slo
from sloctl.naming import LabelStyle
from sloctl.rules.counts import unchained_count_rules
from sloctl.rules.dependencies import evaluation_stages
from sloctl.rules.journeys import unchained_inline_rules
from sloctl.rules.repair import REPAIR_STEP
from sloctl.rules.rule import RecordingRule, RuleGroup
from sloctl.rules.scope import Scope
from sloctl.rules.service_hours import keep_service_hours
from sloctl.rules.time_slices import unchained_slice_counts

# Seconds from one stage to the next. A result is written within two seconds (`-remoteWrite.flushInterval`)
# and can be read a second or two later.
STAGE_SECONDS: Final = 8
# Groups that read what the first stage of another one has just recorded come so many stages later.
_TURNS: Final = {"slow": 1, "with-excluded": 2}
# Without it VictoriaMetrics answers as of half a minute ago (`-search.latencyOffset`): right for raw series,
# some of which arrive late, and too old for what the stage before has just recorded.
_UP_TO_NOW: Final = 'params: {nocache: ["1"]}'


def staged_rule_groups(
    slo: Slo, style: LabelStyle, build_groups: Callable[[Slo, LabelStyle], tuple[RuleGroup, ...]]
) -> tuple[RuleGroup, ...]:
    """Build the groups of one SLO anew, with a stage for each rule that must wait for another one."""
    slo = replace(slo, indicator=_without_births(slo.indicator))
    scope = Scope.from_slo(slo, style)
    counts = {rule.record: rule for rule in keep_service_hours(scope, _count_raw_series(scope))}
    # Not all SLOs at the same second; and the slow group after the rollups that it sums.
    start = crc32(slo.id.encode()) % STAGE_SECONDS
    stages: list[RuleGroup] = []
    for group in build_groups(slo, style):
        rules = tuple(
            counts.get(rule.record, rule) if isinstance(rule, RecordingRule) else rule for rule in group.rules
        )
        if group.interval != REPAIR_STEP:
            delay = _TURNS.get(group.name.rpartition(":")[2], 0) * STAGE_SECONDS
            stages += _stage_group(replace(group, rules=rules), start + delay, frozenset(counts))
    return tuple(stages)


def _count_raw_series(scope: Scope) -> list[RecordingRule]:
    """Build the rules of the first stage, in the place of those that read each other."""
    if isinstance(scope.slo.indicator, CompositeIndicator):
        return unchained_inline_rules(scope, scope.slo.indicator)
    return unchained_count_rules(scope) if scope.slo.time_slice is None else unchained_slice_counts(scope)


def _without_births(indicator: Indicator) -> Indicator:
    match indicator:
        case RatioIndicator() | LatencyIndicator():
            return replace(indicator, count_new_series=False)
        case CompositeIndicator():
            parts = (replace(part, indicator=_without_births(part.indicator)) for part in indicator.parts)
            return replace(indicator, parts=tuple(parts))
    return indicator


def _stage_group(group: RuleGroup, start: int, counting: frozenset[str]) -> list[RuleGroup]:
    """Split a group; in one of their own are those *counting* raw series, as of when these are complete."""
    staged = sorted(
        (
            (stage, not (isinstance(rule, RecordingRule) and rule.record in counting), position, rule)
            for position, (stage, rule) in enumerate(
                zip(evaluation_stages(group.rules), group.rules, strict=True)
            )
        ),
        key=lambda entry: entry[:3],
    )
    groups: list[RuleGroup] = []
    for (stage, is_chained), entries in groupby(staged, key=lambda entry: entry[:2]):
        offset = f"eval_offset: {format_duration(start + stage * STAGE_SECONDS)}"
        settings = (offset, _UP_TO_NOW) if is_chained else (offset,)
        name = f"{group.name}.{len(groups) + 1}" if groups else group.name
        groups.append(RuleGroup(name, group.interval, tuple(entry[3] for entry in entries), settings))
    return groups
