"""What counts mean: burn rates, budget and alerts of one SLO. Pure; decides as the rules do."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import TypeAlias

from sloctl import burn
from sloctl.model import Alerting, BurnAlert, Severity, Slo
from sloctl.rollup import Counts, ladder

# Counts of the last so many seconds; None where there are none.
Lookback: TypeAlias = Callable[[int], Counts | None]


@dataclass(frozen=True, slots=True)
class Burn:
    """How one lookback (seconds) looks; None where it holds no data, or no events."""

    lookback: int
    counts: Counts | None
    error_ratio: float | None
    burn_rate: float | None


class State(Enum):
    """An alert that cannot be decided is unknown: neither quiet nor firing."""

    INACTIVE = "inactive"
    FIRING = "firing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """One row of the policy: both burn rates against the factor."""

    row: BurnAlert
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


@dataclass(frozen=True, slots=True)
class Budget:
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


def lookbacks(slo: Slo) -> tuple[int, ...]:
    """Every lookback of *slo*, from five minutes to its window."""
    return tuple(rung.lookback for rung in ladder(slo.alerting.policy, slo.window.seconds).rungs)


def burns(slo: Slo, counts: Lookback) -> tuple[Burn, ...]:
    return tuple(_burn(slo, lookback, counts(lookback)) for lookback in lookbacks(slo))


def budget(slo: Slo, burned: Iterable[Burn]) -> Budget:
    """The budget after a window at its error ratio so far, as the rules record it."""
    by_lookback = {each.lookback: each for each in burned}
    period = by_lookback[slo.window.seconds]
    left = burn.budget_left(slo.budget, period.error_ratio)
    return Budget(
        left=left,
        events_left=_events_left(slo, period.counts),
        time_to_exhaustion=_time_to_exhaustion(slo, left, by_lookback),
    )


def alerts(slo: Slo, burned: Iterable[Burn]) -> tuple[Alert, ...]:
    """The page and the ticket, where the SLO has them; not yet with the time since when they fire."""
    by_lookback = {each.lookback: each for each in burned}
    return tuple(
        Alert(severity, _any_state(row.state for row in rows), since=None, rows=rows)
        for severity in _severities(slo.alerting)
        if (rows := tuple(_row_verdicts(slo, severity, by_lookback)))
    )


def _burn(slo: Slo, lookback: int, counts: Counts | None) -> Burn:
    ratio = counts.error_ratio if counts is not None else None
    return Burn(lookback, counts, ratio, burn.burn_rate(slo.budget, ratio))


def _events_left(slo: Slo, counts: Counts | None) -> float | None:
    if counts is None or counts.error_ratio is None:
        return None
    return counts.total * float(slo.budget) - counts.error


def _time_to_exhaustion(slo: Slo, left: float | None, burned: dict[int, Burn]) -> float | None:
    """Both lookbacks must agree that it burns, so the slower of the two tells the time."""
    row = burn.steady_row(slo.alerting.policy)
    if row is None:
        return None
    times = [
        burn.time_to_exhaustion(left, burned[lookback].burn_rate, slo.window.seconds)
        for lookback in (row.long, row.short)
    ]
    known = [time for time in times if time is not None]
    return max(known) if len(known) == len(times) else None


def _severities(alerting: Alerting) -> list[Severity]:
    texts = {Severity.PAGE: alerting.page, Severity.TICKET: alerting.ticket}
    return [severity for severity, text in texts.items() if text is not None]


def _row_verdicts(slo: Slo, severity: Severity, burned: dict[int, Burn]) -> Iterable[RowVerdict]:
    for row in slo.alerting.policy:
        if row.severity is severity:
            long, short = burned[row.long], burned[row.short]
            factor = burn.alert_factor(row, slo.window.seconds)
            yield RowVerdict(row, factor, long, short, _state(_fires(slo, row, long, short)))


def _fires(slo: Slo, row: BurnAlert, long: Burn, short: Burn) -> bool | None:
    threshold = burn.alert_threshold(row, slo.window.seconds, slo.budget)
    above = burn.firing(long.error_ratio, short.error_ratio, threshold)
    if not above or long.counts is None:
        return above
    # Counts are estimates: half an event of grace.
    enough = long.counts.error >= slo.alerting.min_errors - 0.5
    return enough and _confident(slo.alerting.confidence, long.counts, threshold)


def _confident(confidence: Fraction | None, counts: Counts, threshold: Fraction) -> bool:
    if confidence is None:
        return True
    z = burn.standard_deviations(confidence)
    bound = burn.wilson_lower_bound(counts.error, counts.total, z)
    return bound is not None and bound > float(threshold)


def _state(fires: bool | None) -> State:  # noqa: FBT001 - the answer of burn.firing, not a switch
    match fires:
        case None:
            return State.UNKNOWN
        case True:
            return State.FIRING
        case False:
            return State.INACTIVE


def _any_state(states: Iterable[State]) -> State:
    seen = set(states)
    if State.FIRING in seen:
        return State.FIRING
    return State.UNKNOWN if State.UNKNOWN in seen else State.INACTIVE


def _loudness(verdict: RowVerdict) -> tuple[bool, float]:
    rates = (verdict.long.burn_rate, verdict.short.burn_rate)
    slower = min((rate for rate in rates if rate is not None), default=-1.0)
    return verdict.state is State.FIRING, slower / float(verdict.factor)
