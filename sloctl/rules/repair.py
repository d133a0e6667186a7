"""Repair of what Prometheus could not evaluate, found once an hour in the raw counters.

Counters go on counting through a downtime; rollups do not. Where fine rollups are missing from the last six
hours, the difference between what the counters grew by and everything already counted is added as one coarse
rollup, marked with the part label. Nothing is ever taken back, so a repair is never negative.

Six hours of every scrape would cost more than all other rules together, so a repair reads each counter once
in five minutes. A subquery's instants are multiples of its step, whenever it is evaluated; the difference is
therefore taken at the last such instant: then the first and the last value read are the ends of the range,
increase() extrapolates nothing, and what is subtracted was counted in the same range.
"""

from typing import Final

from sloctl import naming
from sloctl.duration import HOUR, MINUTE, format_duration
from sloctl.model import PromQL
from sloctl.promql import join_operands, last_range, range_selector
from sloctl.rules.raw_increase import IncreaseRange, raw_increase
from sloctl.rules.rule import RecordingRule
from sloctl.rules.scope import Scope
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP

# A repair has nothing older than this; seconds.
REPAIR_REACH: Final = 6 * HOUR
# The range that is compared ends at the last multiple of five minutes.
REPAIR_SPAN: Final = REPAIR_REACH - COARSE_STEP
# A rollup a minute; two missing are not worth a repair.
COMPLETE_ROLLUPS: Final = REPAIR_SPAN // FINE_STEP - 2
# A millisecond more than the range, so that its first instant counts where ranges are open on the left.
_SUBQUERY_RANGE: Final = f"{format_duration(REPAIR_SPAN)}1ms:{format_duration(COARSE_STEP)}"


def repair_rules(scope: Scope) -> tuple[RecordingRule, ...]:
    """Build the repairs of events and errors; none for indicators that no counter remembers."""
    increase = raw_increase(scope, IncreaseRange(REPAIR_SPAN, _SUBQUERY_RANGE, _zero_per_group(scope)))
    if increase is None:
        return ()
    events, errors = increase
    return (
        _repair_rule(
            scope, naming.event_count_metric(COARSE_STEP), naming.event_count_metric(FINE_STEP), events
        ),
        _repair_rule(
            scope, naming.error_count_metric(COARSE_STEP), naming.error_count_metric(FINE_STEP), errors
        ),
    )


def _repair_rule(scope: Scope, coarse: str, fine: str, increase: PromQL) -> RecordingRule:
    part = {scope.style.part: "repair"}
    counted = scope.sum_by_group(f"sum_over_time({last_range(scope.recorded_series(fine), REPAIR_SPAN)})")
    # A minute less, so that a repair of the range right before this one is not counted as one of it.
    repaired = scope.sum_by_group(
        f"sum_over_time({range_selector(scope.recorded_series(coarse, **part), REPAIR_SPAN - MINUTE)})"
    )
    missing = f"(\n  {increase}\n  - {scope.match_group} {counted}\n)"
    terms = (
        # At the last multiple of five minutes: a millisecond less than those holds just one.
        f"last_over_time({last_range(missing, COARSE_STEP, resolution=COARSE_STEP)})",
        f"({repaired} or {scope.match_group} {_zero_per_group(scope)})",
    )
    uncounted = f"clamp_min(\n{join_operands(terms, f'- {scope.match_group}')},\n0\n)"
    return scope.rollup_rule(
        coarse, f"{uncounted} and {scope.match_group} ({_rollup_count(scope)} < {COMPLETE_ROLLUPS})", **part
    )


def _zero_per_group(scope: Scope) -> PromQL:
    """Give 0 for every group with a rollup in the range, though it may be gone by now."""
    return f"0 * {_rollup_count(scope)}" if scope.slo.group_by else "vector(0)"


def _rollup_count(scope: Scope) -> PromQL:
    return scope.sum_by_group(f"count_over_time({last_range(scope.fine_events, REPAIR_SPAN)})")
