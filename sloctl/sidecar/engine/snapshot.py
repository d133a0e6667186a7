"""The board: everything the sidecar knows at one tick, frozen. Views read it and compute nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sloctl.model import Severity, Slo
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
from sloctl.sidecar.sources import OTHERS, Group, UnsupportedSlo
from sloctl.slo.health import AlertState, Health


@dataclass(frozen=True, slots=True)
class SloState:
    """One SLO, or one group of it, as of *last*; Unix seconds.

    *since* is the oldest data behind it. *burning* is told of the SLO as a whole, in each of its groups.
    A *stale* entry shows what was true then: what it shows as firing may be over, what it shows as quiet may
    burn.
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

    @property
    def group_labels(self) -> Mapping[str, str]:
        return dict(zip(self.slo.group_by, self.group, strict=False))

    @property
    def is_overflow(self) -> bool:
        """Whether this is all groups beyond the cap together."""
        return OTHERS in self.group

    @property
    def health(self) -> Health:
        """A stale entry is never fine: what was quiet when it was last seen is unknown now."""
        standing = self._health_when_read()
        return Health.UNKNOWN if self.stale and standing is Health.FINE else standing

    def alert_for(self, severity: Severity) -> AlertEvaluation | None:
        """None where the SLO has no such alert."""
        return next((alert for alert in self.alerts if alert.severity is severity), None)

    def burn_over(self, lookback: int) -> LookbackBurn:
        return next(burn for burn in self.burns if burn.lookback == lookback)

    def _health_when_read(self) -> Health:
        firing = {alert.severity for alert in self.alerts if alert.state is AlertState.FIRING}
        if Severity.PAGE in firing:
            return Health.PAGING
        if Severity.TICKET in firing:
            return Health.TICKETED
        if self.budget.is_exhausted is None:
            return Health.UNKNOWN
        if self.budget.is_exhausted:
            return Health.EXHAUSTED
        if self.budget.exhausts_within(self.slo.alerting.exhausting_within):
            return Health.EXHAUSTING
        unknown = any(alert.state is AlertState.UNKNOWN for alert in self.alerts)
        return Health.UNKNOWN if unknown else Health.FINE


@dataclass(frozen=True, slots=True)
class Snapshot:
    """*at* is the tick, None before the first.

    *trouble* says why the source gave nothing this time, *store_trouble* what a restart would lose, or has.
    """

    at: float | None
    states: tuple[SloState, ...]
    unsupported: tuple[UnsupportedSlo, ...] = ()
    source_issue: str | None = None
    store_issue: str | None = None

    @classmethod
    def without_slos(cls) -> "Snapshot":
        return cls(at=None, states=())

    @classmethod
    def without_data(cls, slos: Iterable[Slo], refusals: tuple[UnsupportedSlo, ...] = ()) -> "Snapshot":
        """Every SLO, none of them read yet."""
        return cls(
            at=None,
            states=tuple(state_without_data(SloPlan.from_slo(slo)) for slo in slos),
            unsupported=refusals,
        )

    @property
    def has_data(self) -> bool:
        return any(entry.last is not None for entry in self.states)

    def worst_first(self) -> tuple[SloState, ...]:
        return tuple(sorted(self.states, key=_urgency_key))

    def marked_stale(self, trouble: str | None = None) -> "Snapshot":
        """The same numbers, no longer current."""
        entries = tuple(
            entry if entry.stale or entry.last is None else replace(entry, stale=True)
            for entry in self.states
        )
        return replace(self, states=entries, source_issue=trouble)


def state_without_data(measure: SloPlan) -> SloState:
    """An SLO of which nothing is known."""
    burned = evaluate_burns(measure, [EMPTY_SUM] * len(measure.lookbacks))
    return SloState(
        slo=measure.slo,
        group=(),
        since=None,
        last=None,
        stale=False,
        errors=0.0,
        events=0.0,
        burns=burned,
        budget=evaluate_budget(measure, burned),
        alerts=evaluate_alerts(measure, burned),
    )


def _urgency_key(entry: SloState) -> tuple[Health, float, str, Group]:
    left = entry.budget.left
    return entry.health, 1.0 if left is None else left, entry.slo.id, entry.group
