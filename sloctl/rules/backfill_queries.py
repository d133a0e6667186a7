"""Queries over the raw series alone, for a time in which no rule ran: what the rules would have recorded."""

from typing import Final

from sloctl.duration import format_duration
from sloctl.model import CompositeIndicator, ConditionIndicator, Indicator, PromQL, Slo, WhenAbsent
from sloctl.naming import LabelStyle
from sloctl.promql import join_operands
from sloctl.rules.counts import unbound_counts
from sloctl.rules.journeys import combine_parts, label_part
from sloctl.rules.raw_increase import IncreaseRange, raw_increase
from sloctl.rules.scope import Scope
from sloctl.rules.service_hours import mask_outside_hours, only_within_hours
from sloctl.rules.time_slices import judge_slices, whole_slice
from sloctl.slo.lowering import part_slo

# Within which any scrape tells that Prometheus was watching; scrapes are seldom further apart than a minute.
_WATCHED_WITHIN: Final = "2m"


def backfill_rollups(slo: Slo, style: LabelStyle) -> tuple[PromQL, PromQL]:
    """Return the events and the errors of the minute before an instant, as the rules count them.

    Errors are still to be bound by the events (`bind_errors`), which the rules do with what they recorded.
    """
    if isinstance(slo.indicator, CompositeIndicator):
        journey, bad = _journey_rollups(slo, slo.indicator, style)
        return mask_outside_hours(slo, journey), bad
    events, _ = unbound_counts(Scope.from_slo(slo, style))
    # Errors may be a difference to the events: their expression stands for what nobody recorded.
    scope = Scope.from_slo(slo, style, raw_events=f"({events})")
    if slo.time_slice is None:
        return mask_outside_hours(slo, events), unbound_counts(scope)[1]
    errors = scope.bound_by_events(unbound_counts(scope)[1])
    slices, bad = judge_slices(
        scope, slo.time_slice, whole_slice(events, slo.time_slice), whole_slice(errors, slo.time_slice)
    )
    return mask_outside_hours(slo, slices), bad


def _journey_rollups(slo: Slo, journey: CompositeIndicator, style: LabelStyle) -> tuple[PromQL, PromQL]:
    """Combine what each part counted in the same minute, whose errors are bound first."""
    events, errors = [], []
    for part in journey.parts:
        single = part_slo(slo, part)
        of_part, bad = backfill_rollups(single, style)
        bound = Scope.from_slo(single, style, raw_events=f"({of_part})").bound_by_events(bad)
        events.append(label_part(part, f"sum({of_part})"))
        errors.append(label_part(part, f"sum({bound})"))
    return combine_parts(journey, *(f"({join_operands(each, 'or')})" for each in (events, errors)))


def watched_rollups(slo: Slo, style: LabelStyle) -> tuple[PromQL, PromQL]:
    """Return the events and the errors of a minute where Prometheus was watching, else no events.

    A condition that says what silence is would call the time before the first scrape, or a downtime of
    Prometheus, good or bad; the rules count nothing then. So such a minute counts only where anything at all
    was scraped.
    """
    events, errors = backfill_rollups(slo, style)
    if _judges_silence(slo.indicator):
        events = f"({events}) and on () (count(last_over_time(up[{_WATCHED_WITHIN}])) > 0)"
    return events, errors


def _judges_silence(indicator: Indicator) -> bool:
    """Tell whether a condition says what silence is, of a journey in any of its parts."""
    match indicator:
        case ConditionIndicator():
            return indicator.when_absent is not WhenAbsent.IGNORE
        case CompositeIndicator():
            return any(_judges_silence(part.indicator) for part in indicator.parts)
        case _:
            return False


def bind_errors(errors: float | None, events: float) -> float:
    """Keep errors within 0 and the events, as the rules do; None is none."""
    return min(max(errors or 0.0, 0.0), events)


def backfill_increase(slo: Slo, style: LabelStyle, seconds: int) -> tuple[PromQL, PromQL] | None:
    """Return the events and the errors of the *seconds* before an instant, holes included.

    For a hole: what the counters grew by from the last scrape before it to the first ones after it. Errors
    are still to be bound by the events. None for indicators that no counter remembers, and for queries whose
    count over a range is not by construction that of its minutes.
    """
    scope = Scope.from_slo(slo, style)
    events, _ = backfill_rollups(slo, style)
    zero = f"0 * ({events})" if slo.group_by else "vector(0)"
    reach = format_duration(seconds)
    increase = raw_increase(scope, IncreaseRange(seconds, reach, "", reach, zero))
    return None if increase is None else (only_within_hours(scope, increase[0], seconds), increase[1])
