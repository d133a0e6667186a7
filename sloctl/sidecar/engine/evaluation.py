"""What counts mean: burn rates, budget and alerts of one SLO. Pure; decides as the rules do."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from msgspec import Struct

from sloctl.model import PolicyRow, Severity, Slo
from sloctl.sidecar.engine.buckets import BucketSum
from sloctl.slo import burn
from sloctl.slo.health import AlertState
from sloctl.slo.policy import (
    alert_factor,
    alert_threshold,
    enabled_severities,
    error_floor,
    exhaustion_row,
    rows_of_severity,
)
from sloctl.slo.resolutions import EventCounts, build_resolutions


class LookbackBurn(Struct, frozen=True):
    """How one lookback (seconds) looks; None where it holds no data, or no events.

    *covered* is how many seconds of it there are data of.
    """

    lookback: int
    counts: EventCounts | None
    error_ratio: float | None
    burn_rate: float | None
    covered_seconds: int


class AlertRow(Struct, frozen=True):
    """One row of the policy: both burn rates against the factor."""

    policy_row: PolicyRow
    factor: Fraction
    long: LookbackBurn
    short: LookbackBurn
    state: AlertState


@dataclass(frozen=True, slots=True)
class AlertEvaluation:
    """A page or a ticket; *since* is the tick at which it began to fire."""

    severity: Severity
    state: AlertState
    since: float | None
    rows: tuple[AlertRow, ...]

    @property
    def worst_row(self) -> AlertRow | None:
        """The row that says most: one that fires, else the one nearest to it."""
        return max(self.rows, key=_row_urgency, default=None)


class BudgetState(Struct, frozen=True):
    """*left* is a share, negative when overspent; *time_to_exhaustion* seconds, infinite without burn."""

    left: float | None
    events_left: float | None
    time_to_exhaustion: float | None

    @property
    def is_exhausted(self) -> bool | None:
        return None if self.left is None else self.left <= 0

    def exhausts_within(self, within: int) -> bool | None:
        """Whether it is not gone yet and will be in less than *within* seconds."""
        if self.left is None or self.time_to_exhaustion is None:
            return None
        return self.left > 0 and self.time_to_exhaustion < within


@dataclass(frozen=True, slots=True)
class RowThreshold:
    """A row of the policy, its burn rate, and the error ratio above which it fires.

    *long* and *short* are the places of its lookbacks among all of the SLO.
    """

    policy_row: PolicyRow
    factor: Fraction
    error_ratio: float
    long_index: int
    short_index: int


@dataclass(frozen=True, slots=True)
class SloPlan:
    """What an SLO is measured by, worked out once: exact fractions are too slow for every tick.

    *lookbacks* are in seconds, from five minutes to the window; *steady* are the places among them that tell
    how long the budget lasts; *deviations* is the z of its confidence.
    """

    slo: Slo
    budget: float
    window: int
    lookbacks: tuple[int, ...]
    thresholds: tuple[tuple[Severity, tuple[RowThreshold, ...]], ...]
    steady_indexes: tuple[int, ...]
    confidence_z: float | None

    @classmethod
    def from_slo(cls, slo: Slo) -> "SloPlan":
        alerting, window = slo.alerting, slo.window.seconds
        confidence, steady = alerting.confidence, exhaustion_row(alerting.policy)
        lookbacks = tuple(rung.lookback for rung in build_resolutions(alerting.policy, window).entries)
        thresholds = [
            (severity, _row_thresholds(slo, severity, lookbacks)) for severity in enabled_severities(alerting)
        ]
        return cls(
            slo=slo,
            budget=float(slo.budget),
            window=window,
            lookbacks=lookbacks,
            thresholds=tuple((severity, rows) for severity, rows in thresholds if rows),
            steady_indexes=()
            if steady is None
            else (lookbacks.index(steady.long), lookbacks.index(steady.short)),
            confidence_z=None if confidence is None else burn.z_score(confidence),
        )


def evaluate_burns(
    measure: SloPlan, sums: Sequence[BucketSum], before: Sequence[LookbackBurn] = ()
) -> tuple[LookbackBurn, ...]:
    """How each lookback looks; one that looks as it did *before* is the same value."""
    budget = measure.budget
    if not before:
        return tuple(map(_lookback_burn, (budget,) * len(sums), measure.lookbacks, sums))
    return tuple(
        [
            was if _is_unchanged(was, seen) else _lookback_burn(budget, was.lookback, seen)
            for was, seen in zip(before, sums, strict=True)
        ]
    )


def evaluate_budget(measure: SloPlan, burned: Sequence[LookbackBurn]) -> BudgetState:
    """The budget after a window at its error ratio so far, as the rules record it."""
    period = next(each for each in reversed(burned) if each.lookback == measure.window)
    left = burn.budget_remaining(measure.budget, period.error_ratio)
    return BudgetState(
        left=left,
        events_left=_events_left(measure, period.counts),
        time_to_exhaustion=_time_to_exhaustion(measure, left, burned),
    )


def evaluate_alerts(measure: SloPlan, burned: Sequence[LookbackBurn]) -> tuple[AlertEvaluation, ...]:
    """The page and the ticket, where the SLO has them; not yet with the time since when they fire."""
    verdicts = [
        (severity, tuple([_row_verdict(measure, threshold, burned) for threshold in thresholds]))
        for severity, thresholds in measure.thresholds
    ]
    return tuple(
        [
            AlertEvaluation(severity, _combine_row_states([row.state for row in rows]), since=None, rows=rows)
            for severity, rows in verdicts
        ]
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


def _events_left(measure: SloPlan, counts: EventCounts | None) -> float | None:
    if counts is None or counts.error_ratio is None:
        return None
    return counts.total * measure.budget - counts.error


def _time_to_exhaustion(measure: SloPlan, left: float | None, burned: Sequence[LookbackBurn]) -> float | None:
    """Both lookbacks must agree that it burns, so the slower of the two tells the time."""
    times = [
        burn.time_to_exhaustion(left, burned[place].burn_rate, measure.window)
        for place in measure.steady_indexes
    ]
    known = [time for time in times if time is not None]
    return max(known, default=None) if len(known) == len(times) else None


def _row_thresholds(slo: Slo, severity: Severity, lookbacks: Sequence[int]) -> tuple[RowThreshold, ...]:
    window = slo.window.seconds
    return tuple(
        RowThreshold(
            row,
            alert_factor(row, window),
            float(alert_threshold(row, window, slo.budget)),
            long_index=lookbacks.index(row.long),
            short_index=lookbacks.index(row.short),
        )
        for row in rows_of_severity(slo.alerting.policy, severity)
    )


def _row_verdict(measure: SloPlan, threshold: RowThreshold, burned: Sequence[LookbackBurn]) -> AlertRow:
    long, short = burned[threshold.long_index], burned[threshold.short_index]
    state = _state(_row_fires(measure, threshold.error_ratio, long, short))
    return AlertRow(threshold.policy_row, threshold.factor, long, short, state)


def _row_fires(measure: SloPlan, threshold: float, long: LookbackBurn, short: LookbackBurn) -> bool | None:
    above = burn.is_firing(long.error_ratio, short.error_ratio, threshold)
    if not above or long.counts is None:
        return above
    enough = long.counts.error >= error_floor(measure.slo.alerting.min_errors)
    return enough and _confident(measure.confidence_z, long.counts, threshold)


def _confident(deviations: float | None, counts: EventCounts, threshold: float) -> bool:
    if deviations is None:
        return True
    bound = burn.wilson_lower_bound(counts.error, counts.total, deviations)
    return bound is not None and bound > threshold


def _state(fires: bool | None) -> AlertState:  # noqa: FBT001 - the answer of burn.firing, not a switch
    match fires:
        case None:
            return AlertState.UNKNOWN
        case True:
            return AlertState.FIRING
        case False:
            return AlertState.INACTIVE


def _combine_row_states(states: Sequence[AlertState]) -> AlertState:
    if AlertState.FIRING in states:
        return AlertState.FIRING
    return AlertState.UNKNOWN if AlertState.UNKNOWN in states else AlertState.INACTIVE


def _row_urgency(verdict: AlertRow) -> tuple[bool, float]:
    rates = (verdict.long.burn_rate, verdict.short.burn_rate)
    slower = min((rate for rate in rates if rate is not None), default=-1.0)
    return verdict.state is AlertState.FIRING, slower / float(verdict.factor)
