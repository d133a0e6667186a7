"""Service hours in PromQL: what is counted outside them is counted as nothing, where it is counted.

A rollup of a minute outside the hours is recorded as 0 and not left out, so that it is neither taken for a
hole nor repaired. All that is summed from rollups is right as it is, at no cost: no window is masked.

A week is some spans, each a constant away from the Monday of 1970-01-05 by the clock of its zone: a moment
lies in one where what is left of it, divided by a week, is less than the length of the span. Of other zones
than UTC the rules carry the moments at which their clocks change, up to the end of the table.
"""

from collections.abc import Iterable
from functools import partial
from itertools import pairwise
from typing import Final

from msgspec import Struct, structs

from sloctl import naming
from sloctl.duration import DAY, WEEK, format_duration
from sloctl.model import UTC_ZONE, CompositeIndicator, ConditionIndicator, PromQL, Slo, WeekSpan
from sloctl.rules.clock_times import by_zone_offset, step_function
from sloctl.rules.rule import RecordingRule
from sloctl.rules.scope import Scope
from sloctl.slo.calendar import TABLE_END_YEAR, TABLE_START_YEAR
from sloctl.slo.exclusions import zone_offsets
from sloctl.slo.resolutions import FINE_STEP
from sloctl.slo.service_hours import EPOCH_IN_WEEK, active_spans, week_spans

_NOW: Final = "vector(time())"


class DailyRun(Struct, frozen=True):
    """So many *seconds* on so many *days* on end, from *start*, in seconds since Monday began."""

    start: int
    seconds: int
    days: int


def daily_runs(spans: Iterable[WeekSpan]) -> list[DailyRun]:
    """Join spans that are alike on days on end, so that the rules say them once."""
    runs: list[DailyRun] = []
    for span in spans:
        last = runs[-1] if runs else None
        if last and last.seconds == span.seconds and span.start == last.start + last.days * DAY:
            runs[-1] = DailyRun(last.start, last.seconds, last.days + 1)
        else:
            runs.append(DailyRun(span.start, span.seconds, 1))
    return runs


def keep_service_hours(scope: Scope, rules: Iterable[RecordingRule]) -> list[RecordingRule]:
    """Count nothing outside the hours: the events of a minute are 0 there, and so are its errors."""
    rules, slo = list(rules), scope.slo
    if not slo.active_hours:
        return rules
    mask = partial(mask_outside_hours, slo)
    if isinstance(slo.indicator, CompositeIndicator):
        mask = partial(_mask_journey, slo, slo.indicator)
    counted = {naming.event_count_metric(FINE_STEP)}
    if isinstance(slo.indicator, ConditionIndicator) and slo.time_slice is None:
        # All other errors are bound by the events.
        counted.add(naming.error_count_metric(FINE_STEP))
    return [structs.replace(rule, expr=mask(rule.expr)) if rule.record in counted else rule for rule in rules]


def mask_outside_hours(slo: Slo, counts: PromQL) -> PromQL:
    """Multiply the *counts* of a minute, or of a slice, by 0 unless all of it lies within the hours."""
    if not slo.active_hours:
        return counts
    if slo.time_slice is not None and slo.time_slice.seconds > FINE_STEP:
        # A slice ends on a multiple of its length, some seconds before the rules look.
        seconds = slo.time_slice.seconds
        return f"(\n{counts}\n)\n* ({_is_within(slo, seconds, f'(time() - time() % {seconds})')})"
    return f"(\n{counts}\n)\n* ({_is_within(slo, FINE_STEP + slo.scrape_interval, 'time()')})"


def _mask_journey(slo: Slo, journey: CompositeIndicator, counts: PromQL) -> PromQL:
    """Mask a journey, which is counted behind its parts, whose minutes end up to a minute apart."""
    moment = f"(time() - {journey.minutes_behind * FINE_STEP - FINE_STEP // 2})"
    return f"(\n{counts}\n)\n* ({_is_within(slo, 2 * FINE_STEP + slo.scrape_interval, moment)})"


def hours_rules(scope: Scope) -> list[RecordingRule]:
    """Record until when it is outside the hours; within them there is no sample, nor for an SLO without."""
    if not scope.slo.active_hours:
        return []
    until = f"vector(time() + {_until_start(scope.slo)}) > time()"
    return [scope.published_rule(naming.OUTSIDE_HOURS_UNTIL, until)]


def is_outside_hours(scope: Scope) -> PromQL:
    """Build a vector with a sample while it is outside the hours; no text for an SLO without any.

    After a restart of Prometheus nothing marks what was recorded before as over: it is compared with now.
    """
    if not scope.slo.active_hours:
        return ""
    return f"max({scope.recorded_series(naming.OUTSIDE_HOURS_UNTIL)}) > time()"


def unless_outside_hours(scope: Scope, condition: PromQL) -> PromQL:
    """Keep an alert's *condition* quiet outside the hours."""
    outside = is_outside_hours(scope)
    return f"(\n{condition}\n)\nunless on () ({outside})" if outside else condition


def only_within_hours(scope: Scope, counts: PromQL, seconds: int) -> PromQL:
    """Keep what was counted in the last *seconds* where the hours held in all of them, else nothing."""
    if not scope.slo.active_hours:
        return counts
    looks = f"{format_duration(seconds)}:{format_duration(FINE_STEP)}"
    within = f"vector({_is_within(scope.slo, FINE_STEP, 'time()')})"
    return f"(\n{counts}\n)\nand on () (min_over_time({within}[{looks}]) > 0)"


def active_seconds_between(slo: Slo, begin: PromQL, end: PromQL = _NOW) -> PromQL:
    """Build the seconds within the hours between two vectors of moments; *end* has one sample.

    The clocks are taken as they are now. Where they changed in between, what lies right at the change is an
    hour off.
    """

    def counted(offset: int) -> PromQL:
        runs = daily_runs(week_spans(slo.active_hours))
        until, since = (
            " + ".join(_seconds_before(moment, run, offset) for run in runs) for moment in (end, begin)
        )
        return f"scalar({until}) - ({since})"

    return f"({by_zone_offset(_zone(slo), counted)})"


def _zone(slo: Slo) -> str:
    return slo.active_hours[0].time_zone


def _is_within(slo: Slo, reach: int, moment: PromQL) -> PromQL:
    """Build the scalar that is 1 where the *reach* seconds up to *moment* lie within the hours, else 0."""

    def within(offset: int) -> PromQL:
        return " + ".join(
            _is_in_run(_since(moment, run.start + reach, offset), run, run.seconds - reach)
            for run in daily_runs(week_spans(slo.active_hours))
            if run.seconds >= reach
        )

    return by_zone_offset(_zone(slo), within)


def _until_start(slo: Slo) -> PromQL:
    """Build the scalar of the seconds until the hours begin, 0 within them."""
    spans = week_spans(slo.active_hours)
    ends = [(span.start + span.seconds) % WEEK for span in spans]
    gaps = [
        WeekSpan(end, (following.start - end) % WEEK)
        for end, following in zip(ends, [*spans[1:], spans[0]], strict=True)
    ]

    def wait(offset: int) -> PromQL:
        # A second after the end, as at the end itself the hours still hold.
        return " + ".join(
            f"{_is_in_run(since := _since('time()', run.start + 1, offset), run, run.seconds - 2)}"
            f" * ({run.seconds - 1} - {_of_day(since, run)})"
            for run in daily_runs(gaps)
        )

    waits = by_zone_offset(_zone(slo), wait)
    return f"({waits}{_clock_change(slo)})"


def _clock_change(slo: Slo) -> PromQL:
    """Build by how much a start moves whose clocks change before it, added to the seconds until it."""
    if _zone(slo) == UTC_ZONE:
        return ""
    offsets = zone_offsets(_zone(slo), TABLE_START_YEAR, TABLE_END_YEAR)
    steps = [(0, 0)]
    for (_, before), (moment, _) in pairwise(offsets):
        spans = active_spans(slo.active_hours, moment - WEEK, moment + WEEK)
        if any(start < moment < end for start, end in spans):
            # Within the hours nothing is waited for.
            continue
        closed = max(end for _, end in spans if end <= moment)
        start = min(start for start, _ in spans if start >= moment)
        of_week = closed + before + EPOCH_IN_WEEK
        without_change = closed + min((span.start - of_week) % WEEK for span in week_spans(slo.active_hours))
        steps += [(closed + 1, start - without_change), (moment, 0)]
    return f" + ({step_function(steps, separator=' + ')})"


def _since(moment: PromQL, start: int, offset: int) -> PromQL:
    """Write the seconds since the last time that a week was *start* seconds old by its clocks."""
    return f"(({moment} + {(EPOCH_IN_WEEK + offset - start) % WEEK}) % {WEEK})"


def _is_in_run(since: PromQL, run: DailyRun, seconds: int) -> PromQL:
    """Write whether *since*, seconds since a run began, lies in the first *seconds* of one of its days."""
    condition = f"({since} <= bool {(run.days - 1) * DAY + seconds})"
    return condition if run.days == 1 else f"{condition} * ({_of_day(since, run)} <= bool {seconds})"


def _of_day(since: PromQL, run: DailyRun) -> PromQL:
    return since if run.days == 1 else f"{since} % {DAY}"


def _seconds_before(moment: PromQL, run: DailyRun, offset: int) -> PromQL:
    """Write the seconds of all occurrences of a run before *moment*, from some point in time on."""
    shift = (EPOCH_IN_WEEK + offset - run.start) % WEEK
    weeks = f"floor(({moment} + {shift}) / {WEEK}) * {run.days * run.seconds}"
    since = f"({moment} + {shift}) % {WEEK}"
    if run.days == 1:
        return f"{weeks} + clamp_max({since}, {run.seconds})"
    since = f"clamp_max({since}, {run.days * DAY})"
    return f"{weeks} + floor({since} / {DAY}) * {run.seconds} + clamp_max({since} % {DAY}, {run.seconds})"
