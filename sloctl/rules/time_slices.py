"""Slices of time in PromQL: the minutes' events are recorded first, and of them whether a slice was good.

A slice ends on a multiple of its length. Rules look at some second of each minute: that of five which comes
right after the end of a slice counts it, the others count nothing, which is not the same as no data. A slice
of which some minutes are missing is judged by the others.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import structs

from sloctl import naming
from sloctl.duration import format_duration
from sloctl.model import PromQL, TimeSlice, WhenAbsent
from sloctl.promql import format_number, range_selector
from sloctl.rules.counts import count_rules, unchained_count_rules
from sloctl.rules.rule import RecordingRule
from sloctl.rules.scope import Scope
from sloctl.slo.resolutions import FINE_STEP

_RECORDED_AS: Final = {
    naming.event_count_metric(FINE_STEP): naming.SLICE_EVENTS,
    naming.error_count_metric(FINE_STEP): naming.SLICE_ERRORS,
}


def slice_rules(scope: Scope, slices: TimeSlice) -> list[RecordingRule]:
    """Record the events of the last minute and the bad ones, then the slice that they end."""
    counted = _record_as_counted(count_rules(_counted_scope(scope)))
    reach = slices.seconds - FINE_STEP // 2
    recorded = [
        scope.sum_by_group(f"sum_over_time({range_selector(scope.recorded_series(metric), reach)})")
        for metric in (naming.SLICE_EVENTS, naming.SLICE_ERRORS)
    ]
    total, bad = judge_slices(scope, slices, recorded[0], recorded[1])
    return [
        *counted,
        scope.rollup_rule(naming.event_count_metric(FINE_STEP), total),
        scope.rollup_rule(naming.error_count_metric(FINE_STEP), scope.bound_by_events(bad)),
    ]


def unchained_slice_counts(scope: Scope) -> list[RecordingRule]:
    """Build what slices are judged by for an engine whose rules see no others of their turn."""
    return _record_as_counted(unchained_count_rules(scope))


def _record_as_counted(rules: Iterable[RecordingRule]) -> list[RecordingRule]:
    return [structs.replace(rule, record=_RECORDED_AS.get(rule.record, rule.record)) for rule in rules]


def _counted_scope(scope: Scope) -> Scope:
    """Return the scope of what is counted in the slices, whose events the rules record beside them."""
    events = range_selector(scope.recorded_series(naming.SLICE_EVENTS), FINE_STEP // 2)
    return scope.with_raw_events(f"last_over_time({events})")


def whole_slice(counts: PromQL, slices: TimeSlice) -> PromQL:
    """Sum the *counts* of the minutes of a slice, where no rule has recorded them."""
    if slices.seconds == FINE_STEP:
        return f"({counts})"
    # A millisecond less, so that it is as many minutes at every phase.
    reach = f"{format_duration(slices.seconds - 1)}999ms"
    return f"sum_over_time(({counts})[{reach}:{format_duration(FINE_STEP)}])"


def judge_slices(scope: Scope, slices: TimeSlice, events: PromQL, errors: PromQL) -> tuple[PromQL, PromQL]:
    """Build slices and bad slices out of the *events* and *errors* of the slice that ends in this minute."""
    ends = f"(time() % {slices.seconds} < bool {FINE_STEP})" if slices.seconds > FINE_STEP else "1"
    is_event = "> bool 0" if slices.when_empty is WhenAbsent.IGNORE else ">= bool 0"
    total = f"({events} {is_event}) * {ends}"
    limit = format_number(1 - slices.good)
    bad = f"(({errors}\n/ {scope.match_group}\n({events} > 0)) > bool {limit}) * {ends}"
    if slices.when_empty is WhenAbsent.BAD:
        bad = f"{bad}\nor {scope.match_group} ({events} == bool 0) * {ends}"
    return total, bad
