"""The snapshot: everything the sidecar knows at one tick, frozen; page, API, metrics and alerts read it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sloctl.model import Severity, Slo, SpentStep
from sloctl.sidecar.engine.buckets import EMPTY_SUM
from sloctl.sidecar.engine.contributors import Contributor
from sloctl.sidecar.engine.evaluation import (
    AlertEvaluation,
    BudgetState,
    LookbackBurn,
    SloPlan,
    evaluate_alerts,
    evaluate_budget,
    evaluate_burns,
)
from sloctl.sidecar.engine.excluded import ExclusionState
from sloctl.sidecar.sources import OTHERS, Group, UnsupportedSlo
from sloctl.slo.burn import is_burning
from sloctl.slo.health import AlertState, Health


@dataclass(frozen=True, slots=True)
class SloState:
    """One SLO, or one group of it, as of *last*; Unix seconds.

    *since* is the oldest data behind it; *contributors* are those of the whole SLO, in each of its groups.
    Of the time since *last*, *unwatched_seconds* passed while no sidecar ran: they tell nothing.
    *excluded* has the numbers with what exclusions leave out; None where the SLO has no exclusion.
    Outside the service hours *outside_until* is when they begin again; None within them, and without any.
    A *stale* state is older than the tick: an alert that fires in it may be over, and a quiet SLO may burn.
    """

    slo: Slo
    group: Group
    since: float | None
    last: float | None
    stale: bool
    errors: float
    events: float
    burns: tuple[LookbackBurn, ...]
    budget: BudgetState
    alerts: tuple[AlertEvaluation, ...]
    contributors: tuple[Contributor, ...] = ()
    unwatched_seconds: float = 0.0
    excluded: ExclusionState | None = None
    outside_until: int | None = None

    @property
    def group_labels(self) -> Mapping[str, str]:
        return dict(zip(self.slo.group_by, self.group, strict=False))

    @property
    def is_overflow(self) -> bool:
        """Whether this is all groups beyond the cap together."""
        return OTHERS in self.group

    @property
    def health(self) -> Health:
        """The worst that holds; a stale state is never fine, as what was quiet then is unknown now."""
        health = self._health_when_read()
        return Health.UNKNOWN if self.stale and health is Health.FINE else health

    def alert_for(self, severity: Severity) -> AlertEvaluation | None:
        """Give the page or the ticket; None where the SLO has no such alert."""
        return next((alert for alert in self.alerts if alert.severity is severity), None)

    def has_spent(self, step: SpentStep) -> bool | None:
        """Tell whether the share of *step* is spent; nobody is called for it outside the service hours."""
        if self.outside_until is not None and step.severity is Severity.PAGE:
            return False
        return self.budget.has_spent(step)

    def burn_over(self, lookback: int) -> LookbackBurn:
        return next(burn for burn in self.burns if burn.lookback == lookback)

    def _health_when_read(self) -> Health:
        firing = {alert.severity for alert in self.alerts if alert.state is AlertState.FIRING}
        spent = [step for step in self.slo.alerting.spent_steps if self.has_spent(step)]
        if Severity.PAGE in firing or any(step.severity is Severity.PAGE for step in spent):
            return Health.PAGING
        if Severity.TICKET in firing:
            return Health.TICKETED
        if self.budget.is_exhausted is None:
            return Health.UNKNOWN
        if self.budget.is_exhausted:
            return Health.EXHAUSTED
        if self.budget.exhausts_within(self.slo.alerting.exhausting_within):
            return Health.EXHAUSTING
        if self._is_burning():
            return Health.BURNING
        unknown = any(alert.state is AlertState.UNKNOWN for alert in self.alerts)
        return Health.UNKNOWN if unknown else Health.FINE

    def _is_burning(self) -> bool:
        """Tell whether it burns towards its page, or where it has none towards its ticket."""
        newest = self.burns[0].burn_rate
        # Most burn at less than that, and this is asked of every state at every tick.
        if newest is None or newest <= 1:
            return False
        alert = self.alert_for(Severity.PAGE) or self.alert_for(Severity.TICKET)
        rows = () if alert is None else alert.rows
        # Without alerts no factor says what is much.
        short_burns = [(row.short.burn_rate, float(row.factor)) for row in rows] or [(newest, 1.0)]
        return is_burning(newest, self.budget.steady_burn.burn_rate, short_burns)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All SLO states at one tick: *at* (Unix seconds) is None before the first.

    *source_issue* says why the source gave nothing this time, *store_issue* what a restart would lose, or has
    lost.
    """

    at: float | None
    states: tuple[SloState, ...]
    unsupported: tuple[UnsupportedSlo, ...] = ()
    source_issue: str | None = None
    store_issue: str | None = None

    @classmethod
    def without_data(cls, slos: Iterable[Slo], unsupported: tuple[UnsupportedSlo, ...] = ()) -> "Snapshot":
        """Make the snapshot before the first tick: every SLO, none of them read yet."""
        return cls(
            at=None,
            states=tuple(state_without_data(SloPlan.from_slo(slo)) for slo in slos),
            unsupported=unsupported,
        )

    def unsupported_reason(self, slo_id: str) -> str | None:
        """Say why the source can never count an SLO; None where it can."""
        return next((each.reason for each in self.unsupported if each.slo.id == slo_id), None)

    @property
    def has_data(self) -> bool:
        return any(state.last is not None for state in self.states)

    def worst_first(self) -> tuple[SloState, ...]:
        """Sort by health, then by budget left; an unknown budget counts as whole."""
        return tuple(
            sorted(
                self.states,
                key=lambda state: (
                    state.health,
                    1.0 if state.budget.left is None else state.budget.left,
                    state.slo.id,
                    state.group,
                ),
            )
        )

    def marked_stale(self, source_issue: str | None = None) -> "Snapshot":
        """Give the same numbers, marked as older than this tick."""
        states = tuple(
            state if state.stale or state.last is None else replace(state, stale=True)
            for state in self.states
        )
        return replace(self, states=states, source_issue=source_issue)


def state_without_data(plan: SloPlan) -> SloState:
    """Give the state of an SLO of which nothing is known."""
    burns = evaluate_burns(plan, [EMPTY_SUM] * len(plan.lookbacks))
    alerts = evaluate_alerts(plan, burns, covered_seconds=0.0)
    return SloState(
        slo=plan.slo,
        group=(),
        since=None,
        last=None,
        stale=False,
        errors=0.0,
        events=0.0,
        burns=burns,
        budget=evaluate_budget(plan, burns, alerts, covered_seconds=0.0),
        alerts=alerts,
    )
