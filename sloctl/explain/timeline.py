"""What an SLO means, in numbers: its budget, its alerts, and what an outage does to both. Pure.

An outage here is a constant share of bad events, after a clean record, under even traffic. Where the rules
look only now and then, a moment is a stretch: no sooner than, no later than.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import inf, isinf
from typing import Final

from msgspec import Struct

from sloctl.duration import MINUTE
from sloctl.explain.event_definition import EventDefinition, define_event
from sloctl.model import PolicyRow, Severity, Slo
from sloctl.rules.alerts import SEVERITY_STEP
from sloctl.slo import burn
from sloctl.slo.lowering import counts_are_events, lower_indicator
from sloctl.slo.policy import (
    alert_factor,
    alert_threshold,
    detection_time,
    enabled_severities,
    error_floor,
    exhaustion_row,
)
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP

OUTAGE_ERROR_RATIOS: Final = (Fraction(1), Fraction(1, 10), Fraction(1, 100))


class ThresholdExplanation(Struct, frozen=True):
    """A row of the policy in this SLO's numbers; *ratio* is the share of bad events that both must pass.

    *enough* is how many bad events suffice where the long lookback holds fewer than *below* events.
    """

    policy_row: PolicyRow
    factor: Fraction
    error_ratio: Fraction
    enough_bad_events: int
    below_events: int


class DelayRange(Struct, frozen=True):
    """Seconds: no sooner, no later; infinite is never."""

    earliest: float
    latest: float

    @property
    def is_never(self) -> bool:
        return isinf(self.earliest)


class OutageAlert(Struct, frozen=True):
    """What one outage does to one alert; *row* is None for those of the budget.

    *spent* are shares of the budget at both ends of *after*. *ends* is told from the end of the outage, for
    one that lasted until it fired; it is None where only the window's passing ends it.
    """

    alert_name: str
    severity: Severity
    policy_row: PolicyRow | None
    fires_after: DelayRange
    budget_spent: tuple[float, float]
    resolves_after: DelayRange | None


class SimulatedOutage(Struct, frozen=True):
    """A constant share *bad*; *gone_after* seconds, infinite where the budget sustains it."""

    error_ratio: Fraction
    exhausted_after: float
    alerts: tuple[OutageAlert, ...]


class SloExplanation(Struct, frozen=True):
    """*events* of one window, None where nobody told; *outage_seconds* of total outage spend the budget."""

    slo: Slo
    event_definition: EventDefinition
    window_events: float | None
    full_outage_seconds: float
    thresholds: tuple[ThresholdExplanation, ...]
    outages: tuple[SimulatedOutage, ...]


def explain_slo(slo: Slo, per_second: float | None = None) -> SloExplanation:
    """*per_second* are the events of one budget; told, so that floors on their number can be weighed."""
    rate = per_second if counts_are_events(lower_indicator(slo.indicator)) else 1 / MINUTE
    window = slo.window.seconds
    return SloExplanation(
        slo=slo,
        event_definition=define_event(slo.indicator),
        window_events=None if rate is None else rate * window,
        full_outage_seconds=float(window * slo.budget),
        thresholds=tuple(
            _threshold(slo, row)
            for row in slo.alerting.policy
            if row.severity in enabled_severities(slo.alerting)
        ),
        outages=tuple(_outage(slo, bad, rate) for bad in OUTAGE_ERROR_RATIOS),
    )


def _threshold(slo: Slo, row: PolicyRow) -> ThresholdExplanation:
    window = slo.window.seconds
    ratio = alert_threshold(row, window, slo.budget)
    enough = max(1, slo.alerting.min_errors)
    # The first number of events of which *enough* are no longer above the ratio.
    below = -(-enough // ratio)
    return ThresholdExplanation(row, alert_factor(row, window), ratio, enough, int(below))


def _outage(slo: Slo, bad: Fraction, rate: float | None) -> SimulatedOutage:
    gone = float(slo.window.seconds * slo.budget / bad) if bad >= slo.budget else inf
    return SimulatedOutage(bad, gone, (*_burn_alerts(slo, bad, rate), *_budget_alerts(slo, bad, gone)))


def _burn_alerts(slo: Slo, bad: Fraction, rate: float | None) -> Iterator[OutageAlert]:
    for row in slo.alerting.policy:
        if row.severity not in enabled_severities(slo.alerting):
            continue
        step, threshold = (
            SEVERITY_STEP[row.severity],
            alert_threshold(row, slo.window.seconds, slo.budget),
        )
        after = _evaluation_delay(slo, _fires_after(slo, row, bad=bad, rate=rate), bad=bad, step=step)
        ends = _evaluation_delay(slo, float(row.short * (1 - threshold / bad)), bad=bad, step=step)
        yield _outage_alert(slo, row.severity.value, row.severity, row=row, after=after, bad=bad, ends=ends)


def _budget_alerts(slo: Slo, bad: Fraction, gone: float) -> Iterator[OutageAlert]:
    """Both read the window's ratio, which is recorded every five minutes."""
    alerting, steady = slo.alerting, exhaustion_row(slo.alerting.policy)
    if alerting.exhausting is not None and steady is not None:
        seconds = _exhausting_after(gone, steady.long, alerting.exhausting_within)
        after = _evaluation_delay(slo, seconds, bad=bad, step=COARSE_STEP)
        yield _outage_alert(slo, "exhausting", Severity.TICKET, row=None, after=after, bad=bad, ends=None)
    if alerting.exhausted is not None:
        after = _evaluation_delay(slo, gone, bad=bad, step=COARSE_STEP)
        yield _outage_alert(slo, "exhausted", Severity.TICKET, row=None, after=after, bad=bad, ends=None)


def _outage_alert(
    slo: Slo,
    alert: str,
    severity: Severity,
    *,
    row: PolicyRow | None,
    after: DelayRange,
    bad: Fraction,
    ends: DelayRange | None,
) -> OutageAlert:
    spendable = float(slo.window.seconds * slo.budget)
    spent = (float(bad) * after.earliest / spendable, float(bad) * after.latest / spendable)
    return OutageAlert(alert, severity, row, after, spent, None if after.is_never else ends)


def _fires_after(slo: Slo, row: PolicyRow, *, bad: Fraction, rate: float | None) -> float:
    """Seconds by the formula, until the ratio, the floor on errors and the confidence are all reached."""
    threshold = alert_threshold(row, slo.window.seconds, slo.budget)
    above = detection_time(row, threshold, float(bad))
    if rate is None or isinf(above):
        return above
    floor = error_floor(slo.alerting.min_errors) / (rate * float(bad))
    after = max(above, floor, _confident_after(slo, row, bad=float(bad), rate=rate))
    return after if after <= row.long else inf


def _confident_after(slo: Slo, row: PolicyRow, *, bad: float, rate: float) -> float:
    """When Wilson's bound of the long lookback passes the threshold: found by halving, it only grows."""
    if slo.alerting.confidence is None:
        return 0.0
    threshold = float(alert_threshold(row, slo.window.seconds, slo.budget))
    deviations = burn.z_score(slo.alerting.confidence)
    events = rate * row.long

    def is_sure(seconds: float) -> bool:
        bound = burn.wilson_lower_bound(bad * rate * seconds, events, deviations)
        return bound is not None and bound > threshold

    if not is_sure(row.long):
        return inf
    low, high = 0.0, float(row.long)
    while high - low > 0.1:
        middle = (low + high) / 2
        low, high = (low, middle) if is_sure(middle) else (middle, high)
    return high


def _exhausting_after(gone: float, long: int, within: int) -> float:
    """When what is left lasts less than *within* at the rate of the long lookback, which fills as it goes on.

    Left after t is gone - t seconds of this outage; the lookback shows t / long of its rate, at most all.
    """
    if isinf(gone):
        return inf
    filling = gone * long / (within + long)
    return filling if filling <= long else gone - within


def _evaluation_delay(slo: Slo, seconds: float, *, bad: Fraction, step: int) -> DelayRange:
    """When rules that look every minute, and sum every *step*, see what is true after *seconds*.

    The newest scrape is up to an interval old. Where a minute is one event, bad ones are a minute divided by
    *bad* apart, and each is bad as a whole.
    """
    if counts_are_events(lower_indicator(slo.indicator)):
        early, late = 0.0, float(FINE_STEP)
    else:
        early = late = float(MINUTE / bad)
    late += slo.scrape_interval + (step if step > FINE_STEP else 0)
    return DelayRange(max(0.0, seconds - early), max(0.0, seconds) + late)
