"""The state of an SLO in words, for the page and for a terminal."""

from math import isinf
from typing import Final

from sloctl.duration import DAY, format_duration, humanize_duration
from sloctl.formatting import (
    UNKNOWN,
    describe_period,
    describe_window,
    format_availability,
    format_burn_rate,
    format_count,
    format_error_ratio,
    format_percent,
    format_time_to_exhaustion,
)
from sloctl.model import CalendarWindow, ExclusionEffect, Severity, Slo
from sloctl.promql import format_number
from sloctl.sidecar.engine.contributors import Contributor
from sloctl.sidecar.engine.evaluation import AlertEvaluation, AlertRow, LookbackBurn
from sloctl.sidecar.engine.excluded import ExclusionState
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.slo.exclusions import ExcludedSpan
from sloctl.slo.health import AlertState, Health
from sloctl.slo.policy import error_floor, settles_after
from sloctl.slo.service_hours import describe_outside
from sloctl.timestamps import format_near_time

# A lookback with data of so much of it is called full: its edges are those of buckets.
_FULL_SHARE: Final = 0.98
# Beside the words, for those who cannot tell red from green.
HEALTH_SHAPES: Final = {
    Health.PAGING: "■",
    Health.TICKETED: "▲",
    Health.EXHAUSTED: "◆",
    Health.EXHAUSTING: "◇",
    Health.BURNING: "△",
    Health.UNKNOWN: "?",
    Health.FINE: "○",
}


def describe_contributor(contributor: Contributor) -> str:
    """Write `98.0 % of errors have uri=/pay`."""
    share = format_percent(contributor.share_of_errors)
    return f"{share} of errors have {contributor.label}={contributor.value or '(none)'}"


def describe_objective(slo: Slo) -> str:
    """Write `99.9 % over 30d`."""
    return f"{format_number(100 * slo.objective)} % over {describe_window(slo.window)}"


def describe_failures(burn: LookbackBurn) -> str:
    """Write `27 % of events fail: 773 of 2,808 over 5m`; nothing where there were none."""
    counts = burn.counts
    if counts is None or counts.total <= 0:
        return ""
    of_all = f"{format_count(counts.error)} of {format_count(counts.total)} {describe_burn_span(burn)}"
    if counts.error <= 0:
        return f"no event fails: {of_all}"
    return f"{format_error_ratio(counts.error / counts.total)} of events fail: {of_all}"


def describe_availability(state: SloState) -> str:
    """Write `99.981 % good`, of what is known of the window; nothing where that is nothing."""
    counts = state.burns[-1].counts
    if counts is None or counts.total <= 0:
        return ""
    return f"{format_availability(1 - counts.error / counts.total)} good"


def describe_coverage(state: SloState) -> str:
    """Write `data of 1m 22s` while that is less than the window; nothing once the window is full.

    That of a calendar is full when all of its period so far was watched.
    """
    covered, progress = state.budget.covered_seconds, state.budget.progress
    window = state.budget.window_seconds - (0.0 if progress is None else progress.remaining_seconds)
    if state.last is None or covered >= _FULL_SHARE * window:
        return ""
    return f"data of {humanize_duration(covered)}"


def describe_excluded_span(span: ExcludedSpan, at: float) -> str:
    """Write `Migration (now, until Sat 21 Nov 11:00 UTC; by anna)`."""
    exclusion = span.exclusion
    end = format_near_time(span.end, beside=at)
    if exclusion.is_reset:
        when = f"everything before {end}"
    elif span.start <= at < span.end:
        when = f"now, until {end}"
    else:
        when = f"{format_near_time(span.start, beside=at)} to {end}"
    effect = "; its errors count as good" if exclusion.effect is ExclusionEffect.GOOD else ""
    by = f"; by {exclusion.by}" if exclusion.by else ""
    return f"{exclusion.reason} ({when}{effect}{by})"


def describe_service_hours(state: SloState) -> str:
    """Write `outside service hours until Mon 08:00 UTC`; nothing within them."""
    return "" if state.outside_until is None else describe_outside(state.outside_until)


def describe_with_excluded(excluded: ExclusionState) -> str:
    """Write `with it 38 % left, 0.12 % of events bad`."""
    left, ratio = format_percent(excluded.budget_left), format_error_ratio(excluded.window_burn.error_ratio)
    return f"with it {left} left, {ratio} of events bad"


def describe_period_progress(state: SloState) -> str:
    """Write `18d 4h of the month left, 60.5 % of it`; nothing where the window is not of a calendar."""
    progress, window = state.budget.progress, state.slo.window
    if progress is None or not isinstance(window, CalendarWindow):
        return ""
    left, share = humanize_duration(progress.remaining_seconds), format_percent(progress.even_budget_left)
    return f"{left} of the {describe_period(window)} left, {share} of it"


def describe_burn_span(burn: LookbackBurn) -> str:
    """Write `over 1h`, or `over 1h (data of 1m 22s)` where there are less."""
    span = f"over {format_duration(burn.lookback)}"
    if burn.counts is None or burn.covered_seconds >= _FULL_SHARE * burn.lookback:
        return span
    return f"{span} (data of {humanize_duration(burn.covered_seconds)})"


def format_outage_left(state: SloState) -> str:
    """Write how long everything may fail, or has failed too long, at the window's mean traffic: `15m 20s`."""
    left, slo = state.budget.left, state.slo
    if left is None:
        return UNKNOWN
    return humanize_duration(abs(left) * float(slo.budget) * state.budget.window_seconds)


def format_exhaustion_moment(state: SloState) -> str:
    """Write when the budget is gone at the burn of the last five minutes; nothing if not within a year."""
    seconds = state.budget.time_to_exhaustion
    if not seconds or seconds > 365 * DAY or state.last is None:
        return ""
    return format_near_time(state.last + seconds, beside=state.last)


def format_newest_exhaustion(state: SloState) -> str:
    """Write the time to exhaustion at the burn of the last five minutes."""
    return format_time_to_exhaustion(state.budget.time_to_exhaustion, _period_name(state))


def format_steady_exhaustion(state: SloState) -> str:
    """Write the time to exhaustion at the steady burn; nothing where neither burn spends the budget."""
    seconds = (state.budget.time_to_exhaustion, state.budget.steady_time_to_exhaustion)
    if all(each is None or each == 0 or isinf(each) for each in seconds):
        return ""
    return format_time_to_exhaustion(state.budget.steady_time_to_exhaustion, _period_name(state))


def _period_name(state: SloState) -> str:
    window = state.slo.window
    return window.period.value if isinstance(window, CalendarWindow) else ""


def describe_worst_row(alert: AlertEvaluation) -> str:
    """Describe the row that fires, else the one nearest to firing; nothing where there is no row."""
    row = alert.worst_row
    return "" if row is None else describe_row(row)


def describe_row(row: AlertRow) -> str:
    """Write `23× over 1h and 31× over 5m, pages above 14.4×`."""
    verb = "pages" if row.policy_row.severity is Severity.PAGE else "tickets"
    long, short = (
        f"{format_burn_rate(burn.burn_rate)} {describe_burn_span(burn)}" for burn in (row.long, row.short)
    )
    return f"{long} and {short}, {verb} above {format_factor(row)}×"


def format_factor(row: AlertRow) -> str:
    return format_number(round(row.factor, 2))


def explain_suppression(row: AlertRow, slo: Slo) -> str:
    """Say why a row does not fire although both of its burn rates are above its factor; mostly nothing."""
    above = all((burn.burn_rate or 0) > float(row.factor) for burn in (row.long, row.short))
    if row.state is not AlertState.INACTIVE or not above or row.long.counts is None:
        return ""
    if row.long.counts.error < error_floor(slo.alerting.min_errors):
        long = format_duration(row.policy_row.long)
        return f"held back: fewer than {slo.alerting.min_errors} bad events in {long}"
    if row.unsettled_seconds:
        covered = settles_after(row.policy_row) - row.unsettled_seconds
        return f"held back: data of {humanize_duration(covered)} are too few to be sure"
    if row.policy_row.pending and slo.alerting.confidence is None:
        return f"held back: not for {format_duration(row.policy_row.pending)} yet"
    return "held back: too few events to be sure"


def describe_recovery(alert: AlertEvaluation, at: float | None) -> str:
    """Write `stopped 4m ago, this page clears about 19:05 UTC` as of *at*; nothing while it goes on."""
    recovery = alert.recovery
    if recovery is None or at is None:
        return ""
    clears = format_near_time(recovery.clears_at, beside=at)
    stopped = humanize_duration(at - recovery.stopped_at)
    return f"stopped {stopped} ago, this {alert.severity.value} clears about {clears}"


def describe_burn_start(began: float, at: float) -> str:
    """Write `Began at 22:13 UTC, 4m ago`, as of *at* (Unix seconds)."""
    return f"Began at {format_near_time(began, beside=at)}, {humanize_duration(at - began)} ago"


def describe_alert(alert: AlertEvaluation, at: float | None) -> str:
    """Write `firing for 4m 10s`, `inactive` or `unknown`, as of *at* (Unix seconds)."""
    if alert.state is not AlertState.FIRING or alert.since is None or at is None:
        return alert.state.value
    return f"firing for {humanize_duration(at - alert.since)}"
