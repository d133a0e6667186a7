"""Journeys in PromQL: a minute of every part is recorded, and of these the minute of the journey.

An SLO that is a part has rules with a turn of their own in each minute, so a journey looks half a minute
back: there each part has exactly one rollup in any minute, whatever its turn, on Prometheus 2 and 3. So a
journey is counted a minute behind its parts, and the minutes of its parts end up to a minute apart. Parts
that are journeys are behind themselves; the others wait for them.

A minute in which a part has no data is none: neither the part nor the journey is known to have been good.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias, assert_never

from sloctl import naming
from sloctl.duration import format_duration
from sloctl.model import CompositeIndicator, CompositeRule, JourneyPart, PromQL
from sloctl.promql import format_number, join_operands, metric_selector, quote_string, range_selector
from sloctl.rules.counts import unbound_counts
from sloctl.rules.rule import RecordingRule
from sloctl.rules.scope import Scope
from sloctl.slo.lowering import part_slo
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP

# How far back a journey looks for what its parts recorded in the minute before.
_LOOK_BACK: Final = FINE_STEP // 2

# The events and the errors of a part in one minute.
_PartCounts: TypeAlias = Callable[[JourneyPart], tuple[PromQL, PromQL]]


def journey_rules(scope: Scope, journey: CompositeIndicator) -> list[RecordingRule]:
    """Record the last minute of each part that is known by now, and the minute of the journey."""

    def inline_counts(part: JourneyPart) -> tuple[PromQL, PromQL]:
        recorded = scope.recorded_series(naming.INLINE_EVENTS, **{naming.JOURNEY_PART_LABEL: part.name})
        now = f"sum(last_over_time({range_selector(recorded, FINE_STEP // 2)}))"
        counted = Scope.from_slo(part_slo(scope.slo, part), scope.style, raw_events=now)
        events, errors = unbound_counts(counted)
        return events, counted.bound_by_events(errors)

    counted = (scope.recorded_series(metric) for metric in (naming.PART_EVENTS, naming.PART_ERRORS))
    now = [f"last_over_time({range_selector(series, FINE_STEP // 2)})" for series in counted]
    total, bad = combine_parts(journey, now[0], now[1])
    return [
        *_inline_rules(scope, journey, inline_counts),
        _union_rule(
            scope, naming.PART_EVENTS, journey.parts, lambda it: _recorded_part(scope, journey, it)[0]
        ),
        _union_rule(
            scope, naming.PART_ERRORS, journey.parts, lambda it: _recorded_part(scope, journey, it)[1]
        ),
        scope.rollup_rule(naming.event_count_metric(FINE_STEP), total),
        scope.rollup_rule(naming.error_count_metric(FINE_STEP), scope.bound_by_events(bad)),
    ]


def unchained_inline_rules(scope: Scope, journey: CompositeIndicator) -> list[RecordingRule]:
    """Count a journey's own parts of raw series alone, where rules see no others of their turn."""

    def inline_counts(part: JourneyPart) -> tuple[PromQL, PromQL]:
        slo = part_slo(scope.slo, part)
        events, _ = unbound_counts(Scope.from_slo(slo, scope.style))
        raw = Scope.from_slo(slo, scope.style, raw_events=f"({events})")
        return events, raw.bound_by_events(unbound_counts(raw)[1])

    return _inline_rules(scope, journey, inline_counts)


def combine_parts(journey: CompositeIndicator, events: PromQL, errors: PromQL) -> tuple[PromQL, PromQL]:
    """Build the events and the errors of a journey out of those of a minute of all its parts.

    Each part is a series under its name. Where one is missing there are none; where nothing happened, 0.
    """
    every = f"count({events}) == {len(journey.parts)}"
    ratios = f"{errors}\n/\n({events} > 0)"
    match journey.rule:
        case CompositeRule.SUM:
            return f"sum({events}) and on () ({every})", f"sum({errors})"
        case CompositeRule.WORST:
            bad = f"max(\n{ratios}\n)"
        case CompositeRule.WEIGHTED:
            weighed = f"* on ({naming.JOURNEY_PART_LABEL}) ({_weights(journey)})"
            bad = f"sum((\n{ratios}\n) {weighed})\n/\nsum(({events} > bool 0) {weighed})"
        case _:
            assert_never(journey.rule)
    return f"(sum({events}) > bool 0) and on () ({every})", bad


def part_queries(journey: CompositeIndicator, own_matcher: PromQL) -> tuple[PromQL, PromQL]:
    """Ask which part erred most within five minutes, for its error ratio; and which parts have no data.

    Most is by what it does to the journey: its ratio, by its weight where there are weights, or its errors.
    """
    by_part = f"by ({naming.JOURNEY_PART_LABEL})"
    reach = COARSE_STEP - FINE_STEP // 2
    errors, events = (
        f"sum {by_part} (sum_over_time({range_selector(f'{metric}{{{own_matcher}}}', reach)}))"
        for metric in (naming.PART_ERRORS, naming.PART_EVENTS)
    )
    ratio = f"{errors} / ({events} > 0)"
    by_rule = {
        CompositeRule.WORST: ratio,
        CompositeRule.WEIGHTED: f"{ratio} * on ({naming.JOURNEY_PART_LABEL}) ({_weights(journey)})",
        CompositeRule.SUM: errors,
    }
    # 1 for each part, whatever it weighs.
    names = " or ".join(label_part(part, "vector(1)") for part in journey.parts)
    known = f"last_over_time({range_selector(f'{naming.PART_EVENTS}{{{own_matcher}}}', COARSE_STEP)})"
    return (
        f"({ratio} > 0) and topk(1, {by_rule[journey.rule]})",
        f"({names}) unless on ({naming.JOURNEY_PART_LABEL}) {known}",
    )


def _weights(journey: CompositeIndicator) -> PromQL:
    """Give the weight of each part, as a series under its name."""
    weights = (label_part(part, f"vector({format_number(part.weight)})") for part in journey.parts)
    return " or ".join(weights)


def label_part(part: JourneyPart, expression: PromQL) -> PromQL:
    """Give what is counted of a part its name as a label."""
    return f'label_replace({expression}, "{naming.JOURNEY_PART_LABEL}", {quote_string(part.name)}, "", "")'


def _inline_rules(scope: Scope, journey: CompositeIndicator, counts: _PartCounts) -> list[RecordingRule]:
    """Record the last minute of the parts that no other rules count."""
    inline = [part for part in journey.parts if part.slo is None]
    if not inline:
        return []
    return [
        _union_rule(scope, naming.INLINE_EVENTS, inline, lambda it: counts(it)[0]),
        _union_rule(scope, naming.INLINE_ERRORS, inline, lambda it: counts(it)[1]),
    ]


def _union_rule(
    scope: Scope, record: str, parts: Iterable[JourneyPart], counted: Callable[[JourneyPart], PromQL]
) -> RecordingRule:
    return scope.rollup_rule(record, join_operands((label_part(it, counted(it)) for it in parts), "or"))


def _recorded_part(scope: Scope, journey: CompositeIndicator, part: JourneyPart) -> tuple[PromQL, PromQL]:
    """Read the minute of a part that all parts have recorded by now; without one side there is neither."""
    waiting = journey.minutes_behind - 1 - part.minutes_behind
    back = format_duration(_LOOK_BACK + waiting * FINE_STEP)
    if part.slo is None:
        own = {naming.JOURNEY_PART_LABEL: part.name}
        series = [
            scope.recorded_series(metric, **own) for metric in (naming.INLINE_EVENTS, naming.INLINE_ERRORS)
        ]
    else:
        identity = {scope.style.id: scope.style.slo_id(part.slo)}
        metrics = (naming.event_count_metric(FINE_STEP), naming.error_count_metric(FINE_STEP))
        series = [metric_selector(metric, identity) for metric in metrics]
    events, errors = (
        f"sum(last_over_time({range_selector(each, FINE_STEP)} offset {back}))" for each in series
    )
    return f"{events} and on () {errors}", errors
