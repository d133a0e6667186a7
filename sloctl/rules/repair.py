"""Repair of what Prometheus could not evaluate, found twice an hour in the raw counters.

Counters go on counting through a downtime; rollups do not. Where fine rollups are missing from the last six
hours, the difference between what the counters grew by and everything already counted is added as one coarse
rollup, marked with the part label. Nothing is ever taken back, so a repair is never negative.

Six hours of every scrape would cost more than all other rules together, so a repair reads each counter once
in ten minutes. A subquery's instants are multiples of its step, whenever it is evaluated; the difference is
therefore taken at such an instant: then the first and the last value read are the ends of the range, and
increase() extrapolates nothing of a series that was there at both.

A repair never adds more than was missed, and sometimes less. The instant is at least a minute old, so that
the minutes up to it have been counted; of the rollups up to it and those up to a minute later the larger sum
is subtracted, as what the last seconds before it held may stand in either. Errors are bound by the events
that were added with them.
"""

from collections.abc import Callable
from typing import Final

from sloctl import naming
from sloctl.duration import MINUTE, format_duration
from sloctl.model import PromQL
from sloctl.promql import join_operands, last_range, range_selector
from sloctl.rules.raw_increase import IncreaseRange, raw_increase
from sloctl.rules.rule import RecordingRule
from sloctl.rules.scope import Scope
from sloctl.rules.service_hours import only_within_hours
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, REPAIR_REACH

# The group of repairs has its turn, and looks at each counter, once in so many seconds.
REPAIR_STEP: Final = 30 * MINUTE
LOOK_STEP: Final = 10 * MINUTE
# The range that is compared ends at the last look.
REPAIR_SPAN: Final = REPAIR_REACH - LOOK_STEP
# A rollup a minute; two missing are not worth a repair.
COMPLETE_ROLLUPS: Final = REPAIR_SPAN // FINE_STEP - 2
# A millisecond more than the range, so that its first instant counts where ranges are open on the left.
_LOOKS: Final = f"{format_duration(REPAIR_SPAN)}1ms"
_EVERY_LOOK: Final = f"{_LOOKS}:{format_duration(LOOK_STEP)}"
_EVERY_SECOND_LOOK: Final = f"{_LOOKS}:{format_duration(2 * LOOK_STEP)}"
# A histogram that was there for less than this may be overlooked.
_PROOF_LOOKS: Final = f"{_LOOKS}:30m"


def repair_rules(scope: Scope) -> tuple[RecordingRule, ...]:
    """Build the repairs of events and errors; none for indicators that no counter remembers."""
    zero = _zero_per_group(scope)
    increase = raw_increase(
        scope, IncreaseRange(REPAIR_SPAN, _EVERY_LOOK, _EVERY_SECOND_LOOK, _PROOF_LOOKS, zero)
    )
    if increase is None:
        return ()
    events, errors = increase
    events_metric, part = naming.event_count_metric(COARSE_STEP), {scope.style.part: "repair"}
    added = f"last_over_time({range_selector(scope.recorded_series(events_metric, **part), FINE_STEP // 2)})"
    events = _uncounted(scope, naming.event_count_metric, events)
    uncounted = _uncounted(scope, naming.error_count_metric, errors)
    known = f"({uncounted}\nor {scope.match_group} 0 * {added})"
    bound = f"({known} <= {scope.match_group} {added})\nor {scope.match_group} {added}"
    return (
        # The counters do not tell what of it was outside the service hours.
        scope.rollup_rule(events_metric, only_within_hours(scope, events, REPAIR_SPAN), **part),
        scope.rollup_rule(naming.error_count_metric(COARSE_STEP), bound, **part),
    )


def _uncounted(scope: Scope, metric: Callable[[int], str], increase: PromQL) -> PromQL:
    """Build what the counters grew by and no rollup of *metric* holds, where fine rollups are missing."""
    fine, coarse = metric(FINE_STEP), metric(COARSE_STEP)
    repairs = scope.recorded_series(coarse, **{scope.style.part: "repair"})
    # A minute less, so that a repair of the range right before this one is not counted as one of it.
    repaired = scope.sum_by_group(f"sum_over_time({range_selector(repairs, REPAIR_SPAN - MINUTE)})")
    rollups = f"sum_over_time({last_range(scope.recorded_series(fine), REPAIR_SPAN)}"
    later = f'label_replace({rollups} offset -1m), "slo_part", "later", "", "")'
    counted = scope.max_by_group(f"{rollups}) or {later}")
    missing = f"(\n  {increase}\n  - {scope.match_group} {counted}\n)"
    terms = (
        # At a multiple of ten minutes: a millisecond less than those holds just one.
        f"last_over_time({last_range(missing, LOOK_STEP, resolution=LOOK_STEP)} offset 1m)",
        f"({repaired} or {scope.match_group} {_zero_per_group(scope)})",
    )
    uncounted = f"clamp_min(\n{join_operands(terms, f'- {scope.match_group}')},\n0\n)"
    return f"{uncounted} and {scope.match_group} ({_rollup_count(scope)} < {COMPLETE_ROLLUPS})"


def _zero_per_group(scope: Scope) -> PromQL:
    """Give 0 for every group with a rollup in the range, though it may be gone by now."""
    return f"0 * {_rollup_count(scope)}" if scope.slo.group_by else "vector(0)"


def _rollup_count(scope: Scope) -> PromQL:
    return scope.sum_by_group(f"count_over_time({last_range(scope.fine_events, REPAIR_SPAN)})")
