"""Calendar windows in PromQL: when the running period began, and sums of the rollups since then.

A rollup is summed where it ended after the start of the period. `time()` in a subquery is the time of each
of its instants, and `@ end()` that of the evaluation, so that a mask keeps the instants after the start,
which must have been recorded before. UTC is arithmetic; of other zones the rules carry a table of boundaries,
and know no period after its end.
"""

from itertools import pairwise
from typing import Final

from sloctl import naming
from sloctl.duration import DAY, WEEK, format_duration
from sloctl.model import UTC_ZONE, CalendarPeriod, CalendarWindow, PromQL
from sloctl.promql import join_operands, last_range, range_selector
from sloctl.rules.clock_times import step_function
from sloctl.rules.masks import (
    excluded_reach,
    excluded_times,
    fine_rollup,
    is_subtracted,
    mask_rollup,
    since_reset,
    subtracted_sums,
)
from sloctl.rules.rule import RecordingRule
from sloctl.rules.scope import STALENESS, Scope
from sloctl.rules.service_hours import active_seconds_between
from sloctl.slo.calendar import table_spans
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP

_MIDNIGHT: Final = f"time() - time() % {DAY}"
_MONTH_START: Final = f"({_MIDNIGHT} - {DAY} * (day_of_month() - 1))"
_MONTH_OF_QUARTER: Final = "((month() - 1) % 3)"
_UTC_STARTS: Final = {
    CalendarPeriod.WEEK: f"{_MIDNIGHT} - {DAY} * ((day_of_week() + 6) % 7)",
    CalendarPeriod.MONTH: _MONTH_START,
    # Less the month before where this is the second or third, and the one before that where it is the third.
    CalendarPeriod.QUARTER: (
        f"{_MONTH_START}\n"
        f"- {DAY} * ({_MONTH_OF_QUARTER} >= bool 1) * days_in_month({_MONTH_START} - {DAY})\n"
        f"- {DAY} * ({_MONTH_OF_QUARTER} >= bool 2) * days_in_month({_MONTH_START} - {32 * DAY})"
    ),
    CalendarPeriod.YEAR: f"{_MIDNIGHT} - {DAY} * (day_of_year() - 1)",
}


def period_rules(scope: Scope) -> list[RecordingRule]:
    """Record when the period of a calendar window began and when it ends; nothing for other windows."""
    window = scope.slo.window
    if not isinstance(window, CalendarWindow):
        return []
    start, end = _UTC_STARTS[window.period], _utc_end(scope, window.period)
    if window.time_zone != UTC_ZONE:
        start, end = _zone_edges(scope, window)
    return [
        scope.rollup_rule(naming.PERIOD_START, start),
        scope.rollup_rule(naming.PERIOD_END, end),
        scope.rollup_rule(naming.ROLLUPS_AGE, _rollups_age(scope)),
    ]


def slow_period_rules(scope: Scope) -> list[RecordingRule]:
    """Record the start from which the slow group sums, exact at its own turn: the fast one may be behind."""
    if not isinstance(scope.slo.window, CalendarWindow):
        return []
    start, end = _period_start(scope), scope.recorded_series(naming.PERIOD_END)
    return [scope.rollup_rule(naming.ROLLUPS_PERIOD_START, f"max({end} <= time()) or max({start})")]


def sum_since_start(scope: Scope, rollup: str, *, step: int, reach: int, start_metric: str) -> PromQL:
    """Sum the rollups of *step* seconds that ended in the running period, of the last *reach* seconds.

    *rollup* is their metric. Each instant sees the rollup of the step before it and no other: a millisecond
    less than the step keeps a rollup from being seen twice where ranges are closed. The offset lets the last
    instant see the newest one. Excluded times are left out.
    """
    start = scope.recorded_series(start_metric)
    excluded = excluded_times(scope.slo, rollup)
    is_coarse = step == COARSE_STEP
    seen = f"last_over_time({last_range(scope.recorded_series(rollup), step)})"
    counted = mask_rollup(
        seen,
        [each for each in excluded if not (is_coarse and is_subtracted(scope.slo, each))],
        excluded_reach(scope, step),
    )
    mask = f"on () (vector(time()) > on () {start} @ end())"
    subquery = f"[{format_duration(reach)}:{format_duration(step)}] offset -{format_duration(step)}"
    sums = [f"sum_over_time(({counted} and {mask}){subquery})"]
    if is_coarse:
        sums += subtracted_sums(scope, fine_rollup(rollup), start=f"scalar({start} @ end())")
    return scope.sum_by_group(join_operands(sums, "or"))


def period_error_ratio(scope: Scope, recorded: PromQL) -> PromQL:
    """Build the error ratio of the period so far: the *recorded* one, in its first minutes the fine rollups'.

    The slow group takes up to five minutes to get to its first turn in a period, and what it has recorded of
    the one before is read for ten.
    """
    errors, events = (
        sum_since_start(scope, rollup, step=FINE_STEP, reach=STALENESS, start_metric=naming.PERIOD_START)
        for rollup in (naming.error_count_metric(FINE_STEP), naming.event_count_metric(FINE_STEP))
    )
    elapsed = f"time() - {_period_start(scope)}"
    return (
        f"({recorded} and on () ({elapsed} > {STALENESS}))\n"
        f"or ({errors}\n/\n({events} > 0) and on () ({elapsed} <= {STALENESS}))"
    )


def covered_period_share(scope: Scope) -> PromQL:
    """Build the share of the whole period that is over and that there are rollups of."""
    start, end = _period_start(scope), scope.recorded_series(naming.PERIOD_END)
    age = scope.max_by_group(scope.recorded_series(naming.ROLLUPS_AGE))
    if scope.slo.active_hours:
        begin = f"clamp_min(time() - {age}, scalar(max({start})))"
        whole = active_seconds_between(scope.slo, f"max({start})", f"max({end})")
        return f"clamp_max({active_seconds_between(scope.slo, begin)}\n/ on () group_left () {whole}, 1)"
    elapsed = f"max(time() - {start})"
    return (
        f"clamp_max({age} / on () group_left () {elapsed}, 1)\n"
        f"* on () group_left () ({elapsed} / max({end} - {start}))"
    )


def period_seconds(scope: Scope) -> PromQL:
    """Build the length of the running period."""
    return f"max({scope.recorded_series(naming.PERIOD_END)} - {_period_start(scope)})"


def renewal_seconds(scope: Scope) -> PromQL:
    """Build the seconds until the budget is whole again."""
    return f"max({scope.recorded_series(naming.PERIOD_END)} - time())"


def _period_start(scope: Scope) -> PromQL:
    return scope.recorded_series(naming.PERIOD_START)


def _rollups_age(scope: Scope) -> PromQL:
    """Build the seconds since the first rollup; until the slow group has told, the fine ones are counted."""
    since = f"last_over_time({range_selector(scope.recorded_series(naming.ROLLUPS_SINCE), STALENESS)})"
    minutes = f"count_over_time({range_selector(scope.fine_events, COARSE_STEP - FINE_STEP // 2)})"
    told = f"time() - {since_reset(scope.slo, scope.min_by_group(since))}"
    return f"{told} or {scope.match_group} {FINE_STEP} * {scope.max_by_group(minutes)}"


def _utc_end(scope: Scope, period: CalendarPeriod) -> PromQL:
    start = _period_start(scope)

    def days_at(day: int) -> str:
        return f"days_in_month({start} + {day * DAY})"

    match period:
        case CalendarPeriod.WEEK:
            return f"{start} + {WEEK}"
        case CalendarPeriod.MONTH:
            return f"{start} + {DAY} * {days_at(0)}"
        case CalendarPeriod.QUARTER:
            return f"{start} + {DAY} * ({days_at(0)} + {days_at(35)} + {days_at(70)})"
        case CalendarPeriod.YEAR:
            # All other months together have 337 days; the 45th day lies in February.
            return f"{start} + {DAY} * (337 + {days_at(45)})"


def _zone_edges(scope: Scope, window: CalendarWindow) -> tuple[PromQL, PromQL]:
    """Build start and end of the running period out of the table of its zone.

    Weeks are alike but for the two of a year in which the clocks change: a start and a length for each run of
    like ones are a fifth of the text, and of the work.
    """
    spans = tuple(table_spans(window))
    limits = f"and on () (vector(time()) >= {spans[0].start} < {spans[-1].end})"
    if window.period is CalendarPeriod.WEEK:
        firsts = [spans[0], *(span for last, span in pairwise(spans) if span.seconds != last.seconds)]
        lengths = step_function([(span.start, span.seconds) for span in firsts])
        runs = step_function([(span.start, span.start) for span in firsts])
        start = f"time() - (time() - ({runs})) % ({lengths})"
        return f"vector(\n{start}\n)\n{limits}", f"{_period_start(scope)} + ({lengths})"
    start, end = (
        step_function([(span.start, getattr(span, edge)) for span in spans]) for edge in ("start", "end")
    )
    return f"vector(\n{start}\n)\n{limits}", f"vector(\n{end}\n)\n{limits}"
