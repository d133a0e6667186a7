"""Outages of any shape, by the conditions of the rules, after a clean record and under even traffic."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from math import inf, isinf

from msgspec import Struct

from sloctl.explain.timeline import (
    OutageAlert,
    enabled_rows,
    evaluation_delay,
    simulate_outage,
    spent_alert_name,
)
from sloctl.model import PolicyRow, Severity, Slo
from sloctl.simulate.shapes import ConstantOutage, OutageShape
from sloctl.slo import burn
from sloctl.slo.lowering import event_seconds
from sloctl.slo.policy import alert_threshold, error_floor, exhaustion_row
from sloctl.slo.resolutions import COARSE_STEP, SEVERITY_STEP

# The search looks this often, seconds, and over a long time this many times; what it finds it then brackets
# to the second.
_SEARCH_STEP = 15
_MOST_LOOKS = 20_000


class OutageSimulation(Struct, frozen=True):
    """One shape of outage and what it does; *exhausted_after* seconds are infinite where the budget lasts."""

    shape: OutageShape
    exhausted_after: float
    alerts: tuple[OutageAlert, ...]

    def first_of(self, severity: Severity) -> OutageAlert | None:
        """Return the first burn alert of a severity to fire, None where none does."""
        firing = [
            alert
            for alert in self.alerts
            if alert.severity is severity and alert.policy_row is not None and not alert.fires_after.is_never
        ]
        return min(firing, key=lambda alert: alert.fires_after.latest, default=None)


class SloSimulation(Struct, frozen=True):
    """All simulated outages of one SLO; *per_second* are events, None where unknown."""

    slo: Slo
    per_second: float | None
    outages: tuple[OutageSimulation, ...]


def simulate_slo(slo: Slo, shapes: tuple[OutageShape, ...], per_second: float | None = None) -> SloSimulation:
    """Simulate every shape on *slo*; *per_second* are the events of one budget."""
    seconds = event_seconds(slo)
    event_rate = per_second if seconds is None else 1 / seconds
    return SloSimulation(slo, event_rate, tuple(simulate_shape(slo, shape, event_rate) for shape in shapes))


def simulate_shape(slo: Slo, shape: OutageShape, event_rate: float | None) -> OutageSimulation:
    """Simulate one shape: a constant share in closed form, any other by search."""
    if isinstance(shape, ConstantOutage):
        outage = simulate_outage(slo, shape.share, event_rate)
        return OutageSimulation(shape, outage.exhausted_after, outage.alerts)
    return search_outage(slo, shape, event_rate)


def search_outage(slo: Slo, shape: OutageShape, event_rate: float | None) -> OutageSimulation:
    """Find when each alert fires and, if the outage ends just then, when it resolves."""
    search = OutageSearch(slo, shape, event_rate)
    alerting, window = slo.alerting, slo.window.seconds
    exhausted_after = find_first(lambda at: shape.bad_seconds(at) >= window * slo.budget, window)
    alerts = [search.find_burn_alert(row) for row in enabled_rows(alerting)]
    if alerting.exhausting is not None and (steady := exhaustion_row(alerting.policy)) is not None:
        soon = find_first(lambda at: search.is_exhausting(steady, at), window)
        alerts.append(search.look_at("exhausting", Severity.TICKET, soon))
    if alerting.exhausted is not None:
        alerts.append(search.look_at("exhausted", Severity.TICKET, exhausted_after))
    for step in alerting.spent_steps:
        limit = window * slo.budget * step.share
        spent = find_first(lambda at, limit=limit: shape.bad_seconds(at) >= limit, window)  # type: ignore[misc]
        alerts.append(search.look_at(spent_alert_name(step), step.severity, spent))
    return OutageSimulation(shape, exhausted_after, tuple(alerts))


class OutageSearch(Struct, frozen=True):
    """One outage on one SLO, and the conditions of its alerts at any second of it."""

    slo: Slo
    shape: OutageShape
    event_rate: float | None

    def find_burn_alert(self, row: PolicyRow) -> OutageAlert:
        """Find when *row* fires, and when it resolves after an outage that ends there."""
        # From then on the long lookback shows nothing that it has not shown.
        horizon = row.long + row.pending + self.shape.steady_after
        fires = find_first(lambda at: self.is_burning(row, at), horizon, row.pending)
        resolves = inf
        if not isinf(fires):
            resolves = find_first(lambda late: not self.is_burning(row, fires + late, ended=fires), row.long)
        return self.look_at(row.severity.value, row.severity, fires, row=row, false_after=resolves)

    def is_burning(self, row: PolicyRow, at: float, *, ended: float = inf) -> bool:
        """Tell whether *row* burns *at* seconds after the start of an outage that has *ended*."""
        slo = self.slo
        limit = alert_threshold(row, slo.window.seconds, slo.budget)
        long, short = (
            lookback_ratio(self.shape, at, lookback, ended=ended) for lookback in (row.long, row.short)
        )
        if not burn.is_firing(long, short, limit):
            return False
        if self.event_rate is None:
            return True
        events = self.event_rate * row.long
        if long * events < error_floor(slo.alerting.min_errors):
            return False
        if slo.alerting.confidence is None:
            return True
        bound = burn.wilson_lower_bound(long * events, events, burn.z_score(slo.alerting.confidence))
        return bound is not None and bound > float(limit)

    def is_exhausting(self, row: PolicyRow, at: float) -> bool:
        """Tell whether both lookbacks of *row* will spend what is left of the budget soon."""
        slo, window = self.slo, self.slo.window.seconds
        left = burn.budget_remaining(slo.budget, self.shape.bad_seconds(at) / window)
        slower = min(lookback_ratio(self.shape, at, lookback) for lookback in (row.long, row.short))
        seconds = burn.time_to_exhaustion(left, burn.burn_rate(slo.budget, slower), window)
        return (
            left is not None and left > 0 and seconds is not None and seconds < slo.alerting.exhausting_within
        )

    def look_at(
        self,
        name: str,
        severity: Severity,
        true_after: float,
        *,
        row: PolicyRow | None = None,
        false_after: float | None = None,
    ) -> OutageAlert:
        """Say when the rules see what is true after so many seconds, and what is spent by then."""
        shape, spendable = self.shape, float(self.slo.window.seconds * self.slo.budget)
        share = Fraction(shape.mean_share).limit_denominator(10**6)
        step = COARSE_STEP if row is None else SEVERITY_STEP[severity]
        delay = partial(evaluation_delay, self.slo, error_ratio=share, step=step)
        fires = delay(true_after)
        if fires.is_never:
            return OutageAlert(name, severity, row, fires, (0.0, 0.0), None)
        first, last = (shape.bad_seconds(at) / spendable for at in (fires.earliest, fires.latest))
        resolves = None if false_after is None else delay(false_after)
        return OutageAlert(name, severity, row, fires, (first, last), resolves)


def find_first(holds: Callable[[float], bool], horizon: float, pending: int = 0) -> float:
    """Find the seconds after which *holds* has held for *pending* seconds; infinite for never."""
    since: float | None = None
    step = max(_SEARCH_STEP, int(horizon) // _MOST_LOOKS)
    for at in range(0, int(horizon) + step, step):
        if not holds(at):
            since = None
            continue
        if since is None:
            since = next(moment for moment in range(max(0, at - step), at + 1) if holds(moment))
        if at - since >= pending:
            return since + pending
    return inf


def lookback_ratio(shape: OutageShape, at: float, lookback: int, *, ended: float = inf) -> float:
    """Return the share of bad events in the *lookback* seconds before *at*."""
    until, since = min(at, ended), min(at - lookback, ended)
    return (shape.bad_seconds(until) - shape.bad_seconds(since)) / lookback
