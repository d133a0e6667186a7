"""Evaluate what counts mean: burn rates, budget and alerts of one SLO. Pure; decides as the rules do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf
from typing import Final, TypeAlias

from msgspec import Struct, structs

from sloctl.model import CalendarWindow, PolicyRow, Severity, Slo, SpentStep
from sloctl.sidecar.engine.buckets import BucketSum
from sloctl.slo import burn
from sloctl.slo.calendar import PeriodSpan, period_at
from sloctl.slo.health import AlertState
from sloctl.slo.policy import (
    alert_factor,
    alert_threshold,
    enabled_severities,
    error_floor,
    exhaustion_row,
    rows_of_severity,
    settles_after,
    steady_row,
)
from sloctl.slo.resolutions import COARSE_STEP, EventCounts, build_resolutions

# Severity and pending time of a burn alert.
PendingKey: TypeAlias = tuple[Severity, int]


class LookbackBurn(Struct, frozen=True):
    """Counts, error ratio and burn rate over one *lookback* (seconds).

    *counts* is None where the lookback holds no data; ratio and rate are None also where it holds no events.
    *covered_seconds* is how much of the lookback there are data of.
    """

    lookback: int
    counts: EventCounts | None
    error_ratio: float | None
    burn_rate: float | None
    covered_seconds: int


# By the answer of burn.is_firing.
_ALERT_STATES: Final = {None: AlertState.UNKNOWN, True: AlertState.FIRING, False: AlertState.INACTIVE}


class AlertRow(Struct, frozen=True):
    """One row of the policy: both burn rates against the factor.

    *unsettled_seconds* is how much data the row lacks until its long lookback counts in full.
    """

    policy_row: PolicyRow
    factor: Fraction
    long: LookbackBurn
    short: LookbackBurn
    state: AlertState
    unsettled_seconds: float = 0.0

    @property
    def urgency_key(self) -> tuple[bool, float]:
        """Sort firing rows above others, then by the slower burn rate as a share of the factor."""
        rates = (self.long.burn_rate, self.short.burn_rate)
        slower = min((rate for rate in rates if rate is not None), default=-1.0)
        return self.state is AlertState.FIRING, slower / float(self.factor)


class Recovery(Struct, frozen=True):
    """When the last minute ended that was above an alert's threshold, and when the alert clears.

    Unix seconds; it clears then if no further errors come.
    """

    stopped_at: float
    clears_at: float


@dataclass(frozen=True, slots=True)
class AlertEvaluation:
    """A page or a ticket; *since* is the tick at which it began to fire.

    Of one that fires *recovery* says since when nothing is above its threshold; None while something is.
    """

    severity: Severity
    state: AlertState
    since: float | None
    rows: tuple[AlertRow, ...]
    recovery: Recovery | None = None

    @property
    def worst_row(self) -> AlertRow | None:
        """The row that fires, else the one nearest to firing."""
        return max(self.rows, key=lambda row: row.urgency_key, default=None)


class PeriodProgress(Struct, frozen=True):
    """A period of a calendar window as of *at*, Unix seconds, and how much of it so far was watched."""

    span: PeriodSpan
    at: float
    covered_seconds: float

    @property
    def remaining_seconds(self) -> float:
        """The seconds until the next period, with which the budget is whole again."""
        return max(0.0, self.span.end - self.at)

    @property
    def even_budget_left(self) -> float:
        """What would be left of the budget if it were spent evenly over the period."""
        return self.remaining_seconds / self.span.seconds


class BudgetState(Struct, frozen=True):
    """The error budget: *left* is a share of it, negative when overspent.

    *covered_seconds* is how much of the *window_seconds* the data behind it cover, its downtimes left out;
    the window of a calendar is the running period, of which *progress* says how much is over.
    Times are seconds, by slo/burn.py: of the burn over the last five minutes, and of *steady_burn*, which is
    the long lookback of the row that fires, else of the steady row. *confirmed_time_to_exhaustion*
    decides the exhausting alert: it is that of the slower of the alert's two lookbacks.
    """

    left: float | None
    covered_seconds: float
    window_seconds: int
    events_left: float | None
    time_to_exhaustion: float | None
    steady_burn: LookbackBurn
    steady_time_to_exhaustion: float | None
    confirmed_time_to_exhaustion: float | None
    progress: "PeriodProgress | None" = None

    def time_to_exhaustion_at(self, burn_rate: float | None) -> float | None:
        """Compute the seconds until the budget is gone at *burn_rate*, as `slo.burn` does."""
        renewed_in = None if self.progress is None else self.progress.remaining_seconds
        return burn.time_to_exhaustion(self.left, burn_rate, self.window_seconds, renewed_in=renewed_in)

    @property
    def is_exhausted(self) -> bool | None:
        return None if self.left is None else self.left <= 0

    def has_spent(self, step: SpentStep) -> bool | None:
        """Tell whether the share of *step* is spent; None where what is left is not known."""
        return None if self.left is None else self.left <= float(step.share_left)

    def exhausts_within(self, within: int) -> bool | None:
        """Tell whether budget is left, and both lookbacks spend it in less than *within* seconds."""
        if self.left is None or self.confirmed_time_to_exhaustion is None:
            return None
        return self.left > 0 and self.confirmed_time_to_exhaustion < within


@dataclass(frozen=True, slots=True)
class RowThreshold:
    """A row of the policy, its burn rate, and the error ratio above which it fires.

    Its long lookback counts in full after *settles_after* seconds of data.
    *long_index* and *short_index* are the places of its lookbacks among all of the SLO.
    """

    policy_row: PolicyRow
    factor: Fraction
    error_ratio: float
    settles_after: int
    long_index: int
    short_index: int


@dataclass(frozen=True, slots=True)
class SloPlan:
    """All that an SLO is evaluated by, computed once: exact fractions are too slow for every tick.

    *window* is the longest that it can be. *lookbacks* are in seconds, from five minutes to the window, and
    indexes are places among them:
    *steady_index* of the long lookback of the steady row, or of the window where there is no row,
    *exhaustion_indexes* of the lookbacks that decide the exhausting alert, which count in full after
    *exhaustion_settles_after* seconds of data. *confidence_z* is the z of the
    SLO's confidence.
    """

    slo: Slo
    budget: float
    window: int
    lookbacks: tuple[int, ...]
    thresholds: tuple[tuple[Severity, tuple[RowThreshold, ...]], ...]
    steady_index: int
    exhaustion_indexes: tuple[int, ...]
    exhaustion_settles_after: int
    confidence_z: float | None

    @classmethod
    def from_slo(cls, slo: Slo) -> "SloPlan":
        alerting, window = slo.alerting, slo.window.longest
        lookbacks = tuple(each.lookback for each in build_resolutions(alerting.policy, window).entries)
        thresholds = [
            (severity, _row_thresholds(slo, severity, lookbacks)) for severity in enabled_severities(alerting)
        ]
        steady, deciding = steady_row(alerting.policy), exhaustion_row(alerting.policy)
        return cls(
            slo=slo,
            budget=float(slo.budget),
            window=window,
            lookbacks=lookbacks,
            thresholds=tuple((severity, rows) for severity, rows in thresholds if rows),
            steady_index=lookbacks.index(window if steady is None else steady.long),
            exhaustion_indexes=()
            if deciding is None
            else (lookbacks.index(deciding.long), lookbacks.index(deciding.short)),
            exhaustion_settles_after=window if deciding is None else settles_after(deciding),
            confidence_z=None if alerting.confidence is None else burn.z_score(alerting.confidence),
        )

    def period_at(self, at: float) -> PeriodSpan | None:
        """Return the period of a calendar window that holds *at*; None for a window of another kind."""
        return period_at(self.slo.window, at) if isinstance(self.slo.window, CalendarWindow) else None


def evaluate_burns(
    plan: SloPlan, sums: Sequence[BucketSum], before: Sequence[LookbackBurn] = ()
) -> tuple[LookbackBurn, ...]:
    """Compute the burn of each lookback; one equal to that of *before* is the same object."""
    budget = plan.budget
    if not before:
        return tuple(map(_lookback_burn, (budget,) * len(sums), plan.lookbacks, sums))
    return tuple(
        [
            was if _is_unchanged(was, seen) else _lookback_burn(budget, was.lookback, seen)
            for was, seen in zip(before, sums, strict=True)
        ]
    )


def evaluate_alerts(
    plan: SloPlan, burns: Sequence[LookbackBurn], covered_seconds: float = inf
) -> tuple[AlertEvaluation, ...]:
    """Evaluate the page and the ticket, where the SLO has them; *since* is not set yet.

    *covered_seconds* is for how long there are data at all.
    """
    alerts = []
    for severity, thresholds in plan.thresholds:
        rows = tuple([_evaluate_row(plan, threshold, burns, covered_seconds) for threshold in thresholds])
        alerts.append(AlertEvaluation(severity, worst_state(rows), since=None, rows=rows))
    return tuple(alerts)


def worst_state(rows: Iterable[AlertRow]) -> AlertState:
    """Return the state of an alert of *rows*: it fires where one does, and is unknown where one is."""
    states = {row.state for row in rows}
    order = (AlertState.FIRING, AlertState.UNKNOWN, AlertState.INACTIVE)
    return next(each for each in order if each in states)


def mute_unknown(alert: AlertEvaluation) -> AlertEvaluation:
    """Take an alert that nothing decides for inactive: in an excluded time nothing is to be known."""
    if alert.state is not AlertState.UNKNOWN:
        return alert
    rows = tuple(
        structs.replace(row, state=AlertState.INACTIVE) if row.state is AlertState.UNKNOWN else row
        for row in alert.rows
    )
    return replace(alert, rows=rows, state=worst_state(rows))


def mute_alert(alert: AlertEvaluation) -> AlertEvaluation:
    """Take an alert for inactive, whatever burns: nobody is called outside the service hours."""
    rows = tuple(structs.replace(row, state=AlertState.INACTIVE) for row in alert.rows)
    return replace(alert, rows=rows, state=AlertState.INACTIVE)


def hold_back_pending(
    alert: AlertEvaluation, held_since: dict[PendingKey, float], at: float
) -> AlertEvaluation:
    """Keep rows that burn from firing until they have for their pending time, as `for` does in Prometheus.

    *held_since* says since when the rows of one pending time burn, and is brought up to *at*. Where it is
    empty after a restart, an alert that fired before it, by its *since*, goes on.
    """
    pendings = {row.policy_row.pending for row in alert.rows}
    if not any(pendings):
        return alert
    restarted = alert.since is not None and not any(severity is alert.severity for severity, _ in held_since)
    waiting = set[int]()
    for pending in pendings:
        key = alert.severity, pending
        state = worst_state(row for row in alert.rows if row.policy_row.pending == pending)
        if state is AlertState.INACTIVE:
            held_since.pop(key, None)
        elif state is AlertState.FIRING:
            began = alert.since - pending if restarted and alert.since is not None else at
            if at - held_since.setdefault(key, began) < pending:
                waiting.add(pending)
    rows = tuple(
        structs.replace(row, state=AlertState.INACTIVE)
        if row.policy_row.pending in waiting and row.state is AlertState.FIRING
        else row
        for row in alert.rows
    )
    return replace(alert, rows=rows, state=worst_state(rows))


def evaluate_budget(
    plan: SloPlan,
    burns: Sequence[LookbackBurn],
    alerts: Sequence[AlertEvaluation],
    covered_seconds: float = inf,
    *,
    progress: PeriodProgress | None = None,
) -> BudgetState:
    """Evaluate the budget after *covered_seconds* of the window at its error ratio so far.

    That of a calendar is spent by what was watched of the period in *progress*.
    """
    period = next(each for each in reversed(burns) if each.lookback == plan.window)
    window = plan.window if progress is None else progress.span.seconds
    watched = covered_seconds if progress is None else progress.covered_seconds
    covered = burn.covered_share(watched, window)
    left = burn.budget_remaining(plan.budget, period.error_ratio, covered)
    newest = next(each for each in burns if each.lookback == COARSE_STEP)
    firing = [row for alert in alerts if alert.state is AlertState.FIRING and (row := alert.worst_row)]
    steady = firing[0].long if firing else burns[plan.steady_index]
    # Both lookbacks must agree that it burns, so the slower of the two decides.
    settled = burn.covered_share(covered_seconds, plan.exhaustion_settles_after)
    rates = [burns[index].burn_rate for index in plan.exhaustion_indexes]
    known = [rate * settled for rate in rates if rate is not None]
    slower = min(known, default=None) if len(known) == len(rates) else None
    counts = period.counts
    expected = counts.total / covered if counts and covered > 0 else 0.0
    budget = BudgetState(
        left=left,
        covered_seconds=min(watched, window),
        window_seconds=window,
        events_left=None if left is None else left * plan.budget * expected,
        time_to_exhaustion=None,
        steady_burn=steady,
        steady_time_to_exhaustion=None,
        confirmed_time_to_exhaustion=None,
        progress=progress,
    )
    return structs.replace(
        budget,
        time_to_exhaustion=budget.time_to_exhaustion_at(newest.burn_rate),
        steady_time_to_exhaustion=budget.time_to_exhaustion_at(steady.burn_rate),
        confirmed_time_to_exhaustion=budget.time_to_exhaustion_at(slower),
    )


def _is_unchanged(was: LookbackBurn, seen: BucketSum) -> bool:
    counts = was.counts
    if counts is None or was.covered_seconds != min(seen.seconds, was.lookback):
        return counts is None and seen.seconds == 0
    return counts.total == seen.total and counts.error == max(0.0, seen.error)


def _lookback_burn(budget: float, lookback: int, seen: BucketSum) -> LookbackBurn:
    if seen.seconds == 0:
        return LookbackBurn(lookback, None, None, None, covered_seconds=0)
    # A histogram scraped between two of its increments gives a negative error here and there.
    counts = EventCounts(error=max(0.0, seen.error), total=seen.total)
    ratio = counts.error_ratio
    return LookbackBurn(
        lookback, counts, ratio, burn.burn_rate(budget, ratio), covered_seconds=min(seen.seconds, lookback)
    )


def _row_thresholds(slo: Slo, severity: Severity, lookbacks: Sequence[int]) -> tuple[RowThreshold, ...]:
    window = slo.window.seconds
    return tuple(
        RowThreshold(
            row,
            alert_factor(row, window),
            float(alert_threshold(row, window, slo.budget)),
            settles_after(row),
            long_index=lookbacks.index(row.long),
            short_index=lookbacks.index(row.short),
        )
        for row in rows_of_severity(slo.alerting.policy, severity)
    )


def _evaluate_row(
    plan: SloPlan, threshold: RowThreshold, burns: Sequence[LookbackBurn], covered_seconds: float
) -> AlertRow:
    long, short, limit = burns[threshold.long_index], burns[threshold.short_index], threshold.error_ratio
    unsettled = max(0.0, threshold.settles_after - covered_seconds)
    ratio = long.error_ratio
    if unsettled:
        ratio = burn.settled_ratio(ratio, covered_seconds, threshold.settles_after)
    fires = burn.is_firing(ratio, short.error_ratio, limit)
    if fires and (counts := long.counts) is not None:
        fires = counts.error >= error_floor(plan.slo.alerting.min_errors)
        if fires and plan.confidence_z is not None:
            bound = burn.wilson_lower_bound(counts.error, counts.total, plan.confidence_z)
            fires = bound is not None and bound > limit
    return AlertRow(threshold.policy_row, threshold.factor, long, short, _ALERT_STATES[fires], unsettled)
