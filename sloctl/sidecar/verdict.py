"""What counts mean: burn rates, budget and alerts of one SLO. Pure; decides as the rules do."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from msgspec import Struct

from sloctl import burn
from sloctl.model import Alerting, PolicyRow, Severity, Slo
from sloctl.rollup import EventCounts, build_resolutions
from sloctl.sidecar.steps import Seen


class Burn(Struct, frozen=True):
    """How one lookback (seconds) looks; None where it holds no data, or no events.

    *covered* is how many seconds of it there are data of.
    """

    lookback: int
    counts: EventCounts | None
    error_ratio: float | None
    burn_rate: float | None
    covered: int


class State(Enum):
    """An alert that cannot be decided is unknown: neither quiet nor firing."""

    INACTIVE = "inactive"
    FIRING = "firing"
    UNKNOWN = "unknown"


class RowVerdict(Struct, frozen=True):
    """One row of the policy: both burn rates against the factor."""

    row: PolicyRow
    factor: Fraction
    long: Burn
    short: Burn
    state: State


@dataclass(frozen=True, slots=True)
class Alert:
    """A page or a ticket; *since* is the tick at which it began to fire."""

    severity: Severity
    state: State
    since: float | None
    rows: tuple[RowVerdict, ...]

    @property
    def loudest(self) -> RowVerdict | None:
        """The row that says most: one that fires, else the one nearest to it."""
        return max(self.rows, key=_loudness, default=None)


class Budget(Struct, frozen=True):
    """*left* is a share, negative when overspent; *time_to_exhaustion* seconds, infinite without burn."""

    left: float | None
    events_left: float | None
    time_to_exhaustion: float | None

    @property
    def exhausted(self) -> bool | None:
        return None if self.left is None else self.left <= 0

    def exhausting(self, within: int) -> bool | None:
        """Whether it is not gone yet and will be in less than *within* seconds."""
        if self.left is None or self.time_to_exhaustion is None:
            return None
        return self.left > 0 and self.time_to_exhaustion < within


@dataclass(frozen=True, slots=True)
class Threshold:
    """A row of the policy, its burn rate, and the error ratio above which it fires.

    *long* and *short* are the places of its lookbacks among all of the SLO.
    """

    row: PolicyRow
    factor: Fraction
    error_ratio: float
    long: int
    short: int


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What an SLO is measured by, worked out once: exact fractions are too slow for every tick.

    *lookbacks* are in seconds, from five minutes to the window; *steady* are the places among them that tell
    how long the budget lasts; *deviations* is the z of its confidence.
    """

    slo: Slo
    budget: float
    window: int
    lookbacks: tuple[int, ...]
    thresholds: tuple[tuple[Severity, tuple[Threshold, ...]], ...]
    steady: tuple[int, ...]
    deviations: float | None

    @classmethod
    def of(cls, slo: Slo) -> "Yardstick":
        alerting, window = slo.alerting, slo.window.seconds
        confidence, steady = alerting.confidence, burn.exhaustion_row(alerting.policy)
        lookbacks = tuple(rung.lookback for rung in build_resolutions(alerting.policy, window).entries)
        thresholds = [(severity, _thresholds(slo, severity, lookbacks)) for severity in _severities(alerting)]
        return cls(
            slo=slo,
            budget=float(slo.budget),
            window=window,
            lookbacks=lookbacks,
            thresholds=tuple((severity, rows) for severity, rows in thresholds if rows),
            steady=() if steady is None else (lookbacks.index(steady.long), lookbacks.index(steady.short)),
            deviations=None if confidence is None else burn.z_score(confidence),
        )


def burns(measure: Yardstick, sums: Sequence[Seen], before: Sequence[Burn] = ()) -> tuple[Burn, ...]:
    """How each lookback looks; one that looks as it did *before* is the same value."""
    budget = measure.budget
    if not before:
        return tuple(map(_burn, (budget,) * len(sums), measure.lookbacks, sums))
    return tuple(
        [
            was if _looks(was, seen) else _burn(budget, was.lookback, seen)
            for was, seen in zip(before, sums, strict=True)
        ]
    )


def budget(measure: Yardstick, burned: Sequence[Burn]) -> Budget:
    """The budget after a window at its error ratio so far, as the rules record it."""
    period = next(each for each in reversed(burned) if each.lookback == measure.window)
    left = burn.budget_remaining(measure.budget, period.error_ratio)
    return Budget(
        left=left,
        events_left=_events_left(measure, period.counts),
        time_to_exhaustion=_time_to_exhaustion(measure, left, burned),
    )


def alerts(measure: Yardstick, burned: Sequence[Burn]) -> tuple[Alert, ...]:
    """The page and the ticket, where the SLO has them; not yet with the time since when they fire."""
    verdicts = [
        (severity, tuple([_row_verdict(measure, threshold, burned) for threshold in thresholds]))
        for severity, thresholds in measure.thresholds
    ]
    return tuple(
        [
            Alert(severity, _any_state([row.state for row in rows]), since=None, rows=rows)
            for severity, rows in verdicts
        ]
    )


def _looks(was: Burn, seen: Seen) -> bool:
    counts = was.counts
    if counts is None or was.covered != min(seen.seconds, was.lookback):
        return counts is None and seen.seconds == 0
    return counts.total == seen.total and counts.error == max(0.0, seen.error)


def _burn(budget: float, lookback: int, seen: Seen) -> Burn:
    if seen.seconds == 0:
        return Burn(lookback, None, None, None, covered=0)
    # A histogram scraped between two of its increments gives a negative error here and there.
    counts = EventCounts(error=max(0.0, seen.error), total=seen.total)
    ratio = counts.error_ratio
    return Burn(lookback, counts, ratio, burn.burn_rate(budget, ratio), covered=min(seen.seconds, lookback))


def _events_left(measure: Yardstick, counts: EventCounts | None) -> float | None:
    if counts is None or counts.error_ratio is None:
        return None
    return counts.total * measure.budget - counts.error


def _time_to_exhaustion(measure: Yardstick, left: float | None, burned: Sequence[Burn]) -> float | None:
    """Both lookbacks must agree that it burns, so the slower of the two tells the time."""
    times = [
        burn.time_to_exhaustion(left, burned[place].burn_rate, measure.window) for place in measure.steady
    ]
    known = [time for time in times if time is not None]
    return max(known, default=None) if len(known) == len(times) else None


def _severities(alerting: Alerting) -> list[Severity]:
    texts = {Severity.PAGE: alerting.page, Severity.TICKET: alerting.ticket}
    return [severity for severity, text in texts.items() if text is not None]


def _thresholds(slo: Slo, severity: Severity, lookbacks: Sequence[int]) -> tuple[Threshold, ...]:
    window = slo.window.seconds
    return tuple(
        Threshold(
            row,
            burn.alert_factor(row, window),
            float(burn.alert_threshold(row, window, slo.budget)),
            long=lookbacks.index(row.long),
            short=lookbacks.index(row.short),
        )
        for row in slo.alerting.policy
        if row.severity is severity
    )


def _row_verdict(measure: Yardstick, threshold: Threshold, burned: Sequence[Burn]) -> RowVerdict:
    long, short = burned[threshold.long], burned[threshold.short]
    state = _state(_fires(measure, threshold.error_ratio, long, short))
    return RowVerdict(threshold.row, threshold.factor, long, short, state)


def _fires(measure: Yardstick, threshold: float, long: Burn, short: Burn) -> bool | None:
    above = burn.is_firing(long.error_ratio, short.error_ratio, threshold)
    if not above or long.counts is None:
        return above
    # Counts are estimates: half an event of grace.
    enough = long.counts.error >= measure.slo.alerting.min_errors - 0.5
    return enough and _confident(measure.deviations, long.counts, threshold)


def _confident(deviations: float | None, counts: EventCounts, threshold: float) -> bool:
    if deviations is None:
        return True
    bound = burn.wilson_lower_bound(counts.error, counts.total, deviations)
    return bound is not None and bound > threshold


def _state(fires: bool | None) -> State:  # noqa: FBT001 - the answer of burn.firing, not a switch
    match fires:
        case None:
            return State.UNKNOWN
        case True:
            return State.FIRING
        case False:
            return State.INACTIVE


def _any_state(states: Sequence[State]) -> State:
    if State.FIRING in states:
        return State.FIRING
    return State.UNKNOWN if State.UNKNOWN in states else State.INACTIVE


def _loudness(verdict: RowVerdict) -> tuple[bool, float]:
    rates = (verdict.long.burn_rate, verdict.short.burn_rate)
    slower = min((rate for rate in rates if rate is not None), default=-1.0)
    return verdict.state is State.FIRING, slower / float(verdict.factor)
