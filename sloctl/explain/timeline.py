"""An SLO in numbers: its budget, its alerts, and what a simulated outage does to both.

An outage here is a constant share of bad events, after a clean record, under even traffic. As the rules look
only now and then, a moment is given as a range.
"""

from fractions import Fraction
from functools import partial
from math import inf, isinf
from typing import Final

from msgspec import Struct

from sloctl.explain.event_definition import EventDefinition, define_event
from sloctl.model import Alerting, CompositeIndicator, PolicyRow, Severity, Slo, SpentStep
from sloctl.naming import spent_share
from sloctl.slo import burn
from sloctl.slo.lowering import event_seconds
from sloctl.slo.policy import (
    alert_factor,
    alert_threshold,
    detection_time,
    enabled_severities,
    error_floor,
    exhaustion_row,
)
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, SEVERITY_STEP

OUTAGE_ERROR_RATIOS: Final = (Fraction(1), Fraction(1, 10), Fraction(1, 100))


class ThresholdExplanation(Struct, frozen=True):
    """A row of the policy in this SLO's numbers; both its lookbacks must exceed *error_ratio*.

    *enough_bad_events* suffice for that where the long lookback holds fewer than *below_events* events.
    """

    policy_row: PolicyRow
    factor: Fraction
    error_ratio: Fraction
    enough_bad_events: int
    below_events: int


class DelayRange(Struct, frozen=True):
    """The earliest and the latest number of seconds; infinite is never."""

    earliest: float
    latest: float

    @property
    def is_never(self) -> bool:
        return isinf(self.earliest)


class OutageAlert(Struct, frozen=True):
    """One alert during a simulated outage; *policy_row* is None for the alerts on the budget itself.

    *budget_spent* are shares of the budget at both ends of *fires_after*. *resolves_after* counts from the
    end of an outage that lasted until the alert fired; None where only the window's passing ends it.
    """

    alert_name: str
    severity: Severity
    policy_row: PolicyRow | None
    fires_after: DelayRange
    budget_spent: tuple[float, float]
    resolves_after: DelayRange | None


class SimulatedOutage(Struct, frozen=True):
    """An outage of a constant *error_ratio*; *exhausted_after* is infinite where the budget sustains it."""

    error_ratio: Fraction
    exhausted_after: float
    alerts: tuple[OutageAlert, ...]


class SloExplanation(Struct, frozen=True):
    """All that is to be said of one SLO.

    *window_events* are the events of one window, None where their rate is unknown; *full_outage_seconds* of
    nothing but bad events spend the budget.
    """

    slo: Slo
    event_definition: EventDefinition
    window_events: float | None
    full_outage_seconds: float
    thresholds: tuple[ThresholdExplanation, ...]
    outages: tuple[SimulatedOutage, ...]


def explain_slo(slo: Slo, per_second: float | None = None) -> SloExplanation:
    """Explain *slo*; *per_second*, the events of one budget, lets floors on their number be weighed."""
    event = event_seconds(slo)
    event_rate = per_second if event is None else 1.0 / event
    window = slo.window.seconds
    thresholds = []
    for row in enabled_rows(slo.alerting):
        error_ratio = alert_threshold(row, window, slo.budget)
        enough = max(1, slo.alerting.min_errors)
        # The first number of events of which *enough* are no longer above the ratio.
        below = int(-(-enough // error_ratio))
        thresholds.append(ThresholdExplanation(row, alert_factor(row, window), error_ratio, enough, below))
    return SloExplanation(
        slo=slo,
        event_definition=define_event(slo),
        window_events=None if event_rate is None else event_rate * window,
        full_outage_seconds=float(window * slo.budget),
        thresholds=tuple(thresholds),
        outages=tuple(simulate_outage(slo, ratio, event_rate) for ratio in OUTAGE_ERROR_RATIOS),
    )


def simulate_outage(slo: Slo, error_ratio: Fraction, event_rate: float | None) -> SimulatedOutage:
    """Compute when each alert fires and resolves; *event_rate* per second, None where it is unknown."""
    alerting, full_outage = slo.alerting, slo.window.seconds * slo.budget
    exhausted_after = float(full_outage / error_ratio) if error_ratio >= slo.budget else inf
    alerts: list[OutageAlert] = []

    def add_alert(
        name: str,
        severity: Severity,
        row: PolicyRow | None,
        *,
        true_after: float,
        false_after: float | None = None,
    ) -> None:
        # Alerts on the budget itself read the ratio of the window.
        step = COARSE_STEP if row is None else SEVERITY_STEP[severity]
        delay = partial(evaluation_delay, slo, error_ratio=error_ratio, step=step)
        fires = delay(true_after)
        ratio, budget = float(error_ratio), float(full_outage)
        spent = (ratio * fires.earliest / budget, ratio * fires.latest / budget)
        resolves = None if fires.is_never or false_after is None else delay(false_after)
        alerts.append(OutageAlert(name, severity, row, fires, spent, resolves))

    for row in enabled_rows(alerting):
        threshold = alert_threshold(row, slo.window.seconds, slo.budget)
        add_alert(
            row.severity.value,
            row.severity,
            row,
            true_after=row.pending
            + burns_after(slo, row, error_ratio=float(error_ratio), event_rate=event_rate),
            false_after=float(row.short * (1 - threshold / error_ratio)),
        )
    # Both read the ratio of the window, which is recorded at the step of tickets.
    if alerting.exhausting is not None and (steady := exhaustion_row(alerting.policy)) is not None:
        soon = exhausting_after(
            exhausted_after, steady.long, within=alerting.exhausting_within, window=slo.window.seconds
        )
        add_alert("exhausting", Severity.TICKET, None, true_after=soon)
    if alerting.exhausted is not None:
        add_alert("exhausted", Severity.TICKET, None, true_after=exhausted_after)
    for step in alerting.spent_steps:
        add_alert(
            spent_alert_name(step),
            step.severity,
            None,
            true_after=spent_after(slo, step, error_ratio),
        )
    return SimulatedOutage(error_ratio, exhausted_after, tuple(alerts))


def spent_alert_name(step: SpentStep) -> str:
    """Name the alert on a share of the budget: `75% spent`."""
    return f"{spent_share(step)} spent"


def spent_after(slo: Slo, step: SpentStep, error_ratio: Fraction) -> float:
    """Compute the seconds after which a constant outage has spent the share of *step*; infinite for never.

    A budget that sustains the outage is spent up to the outage's share of it, when the window is full.
    """
    after = float(step.share * slo.window.seconds * slo.budget / error_ratio)
    return after if after <= slo.window.seconds else inf


def enabled_rows(alerting: Alerting) -> list[PolicyRow]:
    """Select the rows of the policy whose severity is not disabled."""
    enabled = enabled_severities(alerting)
    return [row for row in alerting.policy if row.severity in enabled]


def burns_after(slo: Slo, row: PolicyRow, *, error_ratio: float, event_rate: float | None) -> float:
    """Compute the seconds until ratio, floor on errors and confidence are all reached; infinite for never."""
    alerting, threshold = slo.alerting, alert_threshold(row, slo.window.seconds, slo.budget)
    after = detection_time(row, threshold, error_ratio)
    if event_rate is None or isinf(after):
        return after
    after = max(after, error_floor(alerting.min_errors) / (event_rate * error_ratio))
    if alerting.confidence is not None:
        after = max(
            after,
            confident_after(
                row, float(threshold), alerting.confidence, error_ratio=error_ratio, event_rate=event_rate
            ),
        )
    return after if after <= row.long else inf


def confident_after(
    row: PolicyRow, threshold: float, confidence: Fraction, *, error_ratio: float, event_rate: float
) -> float:
    """Search, by halving, when Wilson's bound on the long lookback, which only grows, passes *threshold*."""
    deviations, events = burn.z_score(confidence), event_rate * row.long

    def is_sure(seconds: float) -> bool:
        bound = burn.wilson_lower_bound(error_ratio * event_rate * seconds, events, deviations)
        return bound is not None and bound > threshold

    if not is_sure(row.long):
        return inf
    low, high = 0.0, float(row.long)
    while high - low > 0.1:
        middle = (low + high) / 2
        low, high = (low, middle) if is_sure(middle) else (middle, high)
    return high


def exhausting_after(exhausted_after: float, long: int, *, within: int, window: int) -> float:
    """Compute when the budget left lasts less than *within* at the burn of the long lookback; all in seconds.

    After t seconds exhausted_after - t of this outage are left, and the lookback shows t / long of its burn,
    at most all of it. Below a burn of 1, which is window / exhausted_after during the outage, nothing burns.
    """
    if isinf(exhausted_after):
        return inf
    filling = exhausted_after * long / min(within + long, window)
    return filling if filling <= long else exhausted_after - within


def evaluation_delay(slo: Slo, seconds: float, *, error_ratio: Fraction, step: int) -> DelayRange:
    """Compute when rules that look every minute, and sum every *step*, see what is true after *seconds*.

    The newest scrape is up to an interval old. Where a minute or a slice is one event, bad ones are its time
    divided by the error ratio apart, and each is bad as a whole. The minute of a journey is bad to a degree,
    and each of its levels reads what was recorded half a minute to a minute and a half before.
    """
    if isinstance(slo.indicator, CompositeIndicator):
        levels = slo.indicator.minutes_behind
        latest = (
            1.5 * levels * FINE_STEP + FINE_STEP + slo.scrape_interval + (step if step > FINE_STEP else 0)
        )
        return DelayRange(max(0.0, seconds) + 0.5 * levels * FINE_STEP, max(0.0, seconds) + latest)
    event = event_seconds(slo)
    if event is None:
        early, late = 0.0, float(FINE_STEP)
    else:
        early = late = float(event / error_ratio)
    late += slo.scrape_interval + (step if step > FINE_STEP else 0)
    return DelayRange(max(0.0, seconds - early), max(0.0, seconds) + late)
