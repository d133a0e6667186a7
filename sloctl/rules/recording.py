"""Published series and coarse rollups: what is recorded from the fine rollups.

Error ratios over every lookback are summed from rollups and recorded in the group of their step. Objective,
budget and burn rates are recorded every minute, for people and dashboards.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Final

from msgspec import structs

from sloctl import naming
from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import CalendarWindow, PromQL, Slo
from sloctl.promql import aggregate_by, format_number, join_operands, last_range, range_selector
from sloctl.rules import calendar, masks
from sloctl.rules.rule import RecordingRule
from sloctl.rules.scope import STALENESS, Scope
from sloctl.rules.service_hours import active_seconds_between
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, Resolution

# Looks over the window for its first rollup. Six hours between them, at 30 days, are 1 % of the window.
_SINCE_LOOKS: Final = 120
# As a lookback of five minutes is read.
_FIRST_MINUTES: Final = COARSE_STEP - FINE_STEP // 2
# Up to four turns of the slow group in a row may be missed without a loss.
_MADE_GOOD: Final = 30 * MINUTE
# Bytes of a label's value; Mimir refuses more than 2,048.
_LONGEST_LABEL: Final = 1024


def coarse_rollups(scope: Scope) -> tuple[RecordingRule, ...]:
    """Sum five fine rollups into a coarse one, however far the slow group's turn is behind the fast one's.

    Where turns of the slow group were missed, what the last half an hour of coarse rollups has not summed is
    more than that, and is taken instead.
    """

    def summed(metric: Callable[[int], str]) -> PromQL:
        fine = scope.recorded_series(metric(FINE_STEP))
        earlier = scope.recorded_series(metric(COARSE_STEP), **{scope.style.part: ""})
        last = f"sum_over_time({last_range(fine, COARSE_STEP)})"
        late = (
            f"sum_over_time({last_range(fine, _MADE_GOOD)})"
            f" - sum_over_time({range_selector(earlier, _MADE_GOOD - COARSE_STEP // 2)})"
        )
        return f"{late} > {last}\nor {last}"

    metrics = (naming.event_count_metric, naming.error_count_metric)
    return tuple(scope.rollup_rule(metric(COARSE_STEP), summed(metric)) for metric in metrics)


def since_rule(scope: Scope) -> RecordingRule:
    """Record when the first rollup within the window began, so that what is covered can be told.

    The record of the last hours goes on; looks over the whole window find again what a longer hole made it
    forget, and what a backfill wrote. `time()` in a subquery is the time of each look: `timestamp()` of the
    rollups would take 20 times as long.
    """
    window, events = scope.slo.window.longest, scope.recorded_series(naming.event_count_metric(COARSE_STEP))
    between = max(window // _SINCE_LOOKS, COARSE_STEP)
    # A hole between two looks is a hole in the record too.
    record = range_selector(scope.recorded_series(naming.ROLLUPS_SINCE), max(HOUR, between))
    known = f"last_over_time({record})"
    ends = f"0 * {events} + time()"
    looks = f"{window}s:{between}s"
    alternatives = (
        f'label_replace({known}, "slo_part", "known", "", "")',
        f"min_over_time(({ends})[{looks}]) - {COARSE_STEP}",
        f"{ends} - {COARSE_STEP}",
    )
    since = aggregate_by("min", scope.slo.group_by, f"\n  {join_operands(alternatives, '  or')}\n")
    return scope.rollup_rule(naming.ROLLUPS_SINCE, since)


def ratio_rules(scope: Scope, step: int) -> list[RecordingRule]:
    """Record the error ratios that rollups of *step* serve.

    Where an alert counts the bad events of a lookback, their sum is recorded first.
    """
    rules = []
    for resolution in scope.resolutions.with_step(step):
        lookback = resolution.lookback
        errors = _sum_rollups(scope, naming.error_count_metric(step), resolution)
        events = _sum_rollups(scope, naming.event_count_metric(step), resolution)
        if lookback in counted_lookbacks(scope):
            rules.append(scope.rollup_rule(naming.error_count_metric(lookback), errors))
            errors = scope.sum_by_group(scope.recorded_series(naming.error_count_metric(lookback)))
        rules.append(
            scope.published_rule(
                scope.ratio_metric(lookback),
                _ratio_of_sums(scope, step, errors, events),
                **{scope.style.window: naming.lookback_name(scope.slo.window, lookback)},
            )
        )
    return rules


def with_excluded_rules(scope: Scope) -> tuple[RecordingRule, ...]:
    """Record what the numbers were if nothing were excluded, and which exclusions hold; none without any."""
    slo = scope.slo
    if not slo.exclusions:
        return ()
    alerting = structs.replace(slo.alerting, min_errors=0, confidence=None)
    whole = Scope.from_slo(structs.replace(slo, exclusions=(), alerting=alerting), scope.style)
    ratios = [
        structs.replace(rule, record=naming.error_ratio_with_excluded(rule.record))
        for step in (FINE_STEP, COARSE_STEP)
        for rule in ratio_rules(whole, step)
    ]
    window_ratio = naming.error_ratio_with_excluded(naming.window_ratio_metric(slo.window))
    burned = scope.max_by_group(scope.recorded_series(naming.PERIOD_BURN_RATE_WITH_EXCLUDED))
    covered = f"({_covered_share(whole)})"
    if isinstance(slo.window, CalendarWindow):
        covered = scope.max_by_group(scope.recorded_series(naming.PERIOD_COVERED))
    ratio = scope.max_by_group(scope.recorded_series(window_ratio))
    return (
        *ratios,
        scope.published_rule(naming.PERIOD_BURN_RATE_WITH_EXCLUDED, f"{ratio} / {format_number(slo.budget)}"),
        scope.published_rule(
            naming.BUDGET_REMAINING_WITH_EXCLUDED, f"1 - {burned} * {scope.match_group} {covered}"
        ),
        scope.published_rule(naming.EXCLUSION_ACTIVE, masks.active_exclusions(scope)),
    )


def _ratio_of_sums(scope: Scope, step: int, errors: PromQL, events: PromQL) -> PromQL:
    """Divide two sums. Without traffic there is no sample: a longer window never forgets the NaN of 0/0.

    What a subtraction leaves of nothing is a rounding of floats, on either side of it.
    """
    if step == COARSE_STEP and any(masks.is_subtracted(scope.slo, each) for each in scope.slo.exclusions):
        return f"clamp(\n{errors}\n/\n({events} > {format_number(masks.LEAST_EVENTS)}),\n0, 1)"
    return f"{errors}\n/\n({events} > 0)"


def counted_lookbacks(scope: Scope) -> frozenset[int]:
    """Return the long lookbacks whose bad events an alert compares with a floor or weighs by confidence."""
    alerting = scope.slo.alerting
    if not alerting.min_errors and alerting.confidence is None:
        return frozenset()
    return frozenset(row.long for row in alerting.policy)


def budget_rules(scope: Scope) -> tuple[RecordingRule, ...]:
    """Record the objective, the budget, how fast it burns and what is left of it.

    What is spent is measured against the events of the whole window: while it is not full, the burn rate so
    far counts for the part that is covered.
    """
    slo, budget = scope.slo, format_number(scope.slo.budget)
    current = scope.max_by_group(scope.recorded_series(naming.error_ratio_metric(COARSE_STEP)))
    window_ratio = scope.recorded_series(naming.window_ratio_metric(slo.window))
    period = scope.max_by_group(f"last_over_time({range_selector(window_ratio, STALENESS)})")
    covered_share, days = _covered_share(scope), f"vector({format_number(Fraction(slo.window.seconds, DAY))})"
    if isinstance(slo.window, CalendarWindow):
        period = f"({calendar.period_error_ratio(scope, period)})"
        covered_share, days = (
            calendar.covered_period_share(scope),
            f"{calendar.period_seconds(scope)} / {DAY}",
        )
    burned = scope.max_by_group(scope.recorded_series(naming.PERIOD_BURN_RATE))
    covered = scope.max_by_group(scope.recorded_series(naming.PERIOD_COVERED))
    series = {
        naming.OBJECTIVE: f"vector({format_number(slo.objective)})",
        naming.ERROR_BUDGET: f"vector({budget})",
        naming.TIME_PERIOD: days,
        naming.CURRENT_BURN_RATE: f"{current} / {budget}",
        naming.PERIOD_BURN_RATE: f"{period} / {budget}",
        naming.PERIOD_COVERED: covered_share,
        naming.BUDGET_REMAINING: f"1 - {burned} * {scope.match_group} {covered}",
    }
    described = {
        scope.style.objective: f"{format_number(100 * slo.objective)}{scope.style.objective_unit}",
        scope.style.window: naming.window_name(slo.window),
    }
    if description := recorded_description(slo):
        described[scope.style.description] = description
    return (
        *(scope.published_rule(metric, expression) for metric, expression in series.items()),
        scope.published_rule(scope.style.info_metric, "vector(1)", **described),
    )


def recorded_description(slo: Slo) -> str:
    """Return what an SLO's description is as a label, from which its alerts read it; empty where it is none.

    One that is a template of its alerts, or too long for a label, stands in each of them.
    """
    is_label = "{{" not in slo.description and len(slo.description.encode()) <= _LONGEST_LABEL
    return slo.description if is_label else ""


def _covered_share(scope: Scope) -> PromQL:
    """Build the share of the window since its first rollup.

    The slow group tells it from its first turn on; until then the fine rollups do, of which there are few.
    """
    slo, window = scope.slo, scope.slo.window.seconds
    since = f"last_over_time({range_selector(scope.recorded_series(naming.ROLLUPS_SINCE), STALENESS)})"
    begin = masks.since_reset(slo, scope.min_by_group(since))
    age, whole = f"time() - {begin}", str(window)
    if slo.active_hours:
        age = active_seconds_between(slo, begin)
        whole = f"scalar({active_seconds_between(slo, f'vector(time() - {window})')})"
    minutes = scope.max_by_group(f"count_over_time({range_selector(scope.fine_events, _FIRST_MINUTES)})")
    return f"clamp_max(({age} or {scope.match_group} {FINE_STEP} * {minutes}) / {whole}, 1)"


def _sum_rollups(scope: Scope, rollup: str, resolution: Resolution) -> PromQL:
    """Sum the rollups of a lookback. In that of an alert a repair counts only where all of it is as recent.

    A repair is stamped late: two hours of a downtime would be those of the two hours after it. The window and
    its budget count all of it. Excluded times count in none.
    """
    if isinstance(scope.slo.window, CalendarWindow) and resolution.lookback == scope.slo.window.longest:
        return calendar.sum_since_start(
            scope,
            rollup,
            step=resolution.step,
            reach=resolution.lookback,
            start_metric=naming.ROLLUPS_PERIOD_START,
        )

    def total(seconds: int, **part: str) -> PromQL:
        return _sum_counting(scope, rollup, resolution.step, seconds, **part)

    if resolution.step == FINE_STEP:
        return scope.sum_by_group(total(resolution.range_seconds))
    alerted = {lookback for row in scope.slo.alerting.policy for lookback in (row.long, row.short)}
    sums = [total(resolution.range_seconds)]
    if resolution.lookback in alerted:
        sums = [total(resolution.range_seconds, **{scope.style.part: ""})]
        if resolution.certain_range_seconds:
            sums.append(total(resolution.certain_range_seconds, **{scope.style.part: "repair"}))
    start = masks.rolling_start(resolution.lookback)
    subtracted = masks.subtracted_sums(scope, masks.fine_rollup(rollup), start=start)
    if not subtracted:
        return scope.sum_by_group(" or ".join(sums))
    return scope.sum_by_group(f"\n{join_operands([*sums, *subtracted], 'or')}\n")


def _sum_counting(scope: Scope, rollup: str, step: int, seconds: int, **part: str) -> PromQL:
    """Sum the rollups of a range of *seconds*, those masked that do not count and are not subtracted."""
    series = scope.recorded_series(rollup, **part)
    excluded = [
        each
        for each in masks.excluded_times(scope.slo, rollup)
        if not (step == COARSE_STEP and masks.is_subtracted(scope.slo, each))
    ]
    if excluded:
        return masks.masked_sum(scope, series, excluded, seconds=seconds + step // 2, step=step)
    return f"sum_over_time({range_selector(series, seconds)})"
