"""The board: everything the sidecar knows at one tick, frozen. Views read it and compute nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from sloctl.model import Severity, Slo
from sloctl.sidecar.burning import Burning
from sloctl.sidecar.sources import OTHERS, Group, Refusal
from sloctl.sidecar.steps import NOTHING
from sloctl.sidecar.verdict import Alert, Budget, Burn, State, Yardstick, alerts, budget, burns


class Standing(IntEnum):
    """How an SLO stands, the worst first."""

    PAGING = 0
    TICKETED = 1
    EXHAUSTED = 2
    EXHAUSTING = 3
    UNKNOWN = 4
    FINE = 5


@dataclass(frozen=True, slots=True)
class Entry:
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
    burns: tuple[Burn, ...]
    budget: Budget
    alerts: tuple[Alert, ...]
    burning: tuple[Burning, ...] = ()

    @property
    def group_labels(self) -> Mapping[str, str]:
        return dict(zip(self.slo.group_by, self.group, strict=False))

    @property
    def is_overflow(self) -> bool:
        """Whether this is all groups beyond the cap together."""
        return OTHERS in self.group

    @property
    def standing(self) -> Standing:
        """A stale entry is never fine: what was quiet when it was last seen is unknown now."""
        standing = self._standing_when_seen()
        return Standing.UNKNOWN if self.stale and standing is Standing.FINE else standing

    def alert(self, severity: Severity) -> Alert | None:
        """None where the SLO has no such alert."""
        return next((alert for alert in self.alerts if alert.severity is severity), None)

    def burn(self, lookback: int) -> Burn:
        return next(burn for burn in self.burns if burn.lookback == lookback)

    def _standing_when_seen(self) -> Standing:
        firing = {alert.severity for alert in self.alerts if alert.state is State.FIRING}
        if Severity.PAGE in firing:
            return Standing.PAGING
        if Severity.TICKET in firing:
            return Standing.TICKETED
        if self.budget.exhausted is None:
            return Standing.UNKNOWN
        if self.budget.exhausted:
            return Standing.EXHAUSTED
        if self.budget.exhausting(self.slo.alerting.exhausting_within):
            return Standing.EXHAUSTING
        unknown = any(alert.state is State.UNKNOWN for alert in self.alerts)
        return Standing.UNKNOWN if unknown else Standing.FINE


@dataclass(frozen=True, slots=True)
class Board:
    """*at* is the tick, None before the first.

    *trouble* says why the source gave nothing this time, *store_trouble* what a restart would lose, or has.
    """

    at: float | None
    entries: tuple[Entry, ...]
    refusals: tuple[Refusal, ...] = ()
    trouble: str | None = None
    store_trouble: str | None = None

    @classmethod
    def empty(cls) -> "Board":
        return cls(at=None, entries=())

    @classmethod
    def unread(cls, slos: Iterable[Slo], refusals: tuple[Refusal, ...] = ()) -> "Board":
        """Every SLO, none of them read yet."""
        return cls(at=None, entries=tuple(unread(Yardstick.of(slo)) for slo in slos), refusals=refusals)

    @property
    def has_data(self) -> bool:
        return any(entry.last is not None for entry in self.entries)

    def worst_first(self) -> tuple[Entry, ...]:
        return tuple(sorted(self.entries, key=_badness))

    def marked_stale(self, trouble: str | None = None) -> "Board":
        """The same numbers, no longer current."""
        entries = tuple(
            entry if entry.stale or entry.last is None else replace(entry, stale=True)
            for entry in self.entries
        )
        return replace(self, entries=entries, trouble=trouble)


def unread(measure: Yardstick) -> Entry:
    """An SLO of which nothing is known."""
    burned = burns(measure, [NOTHING] * len(measure.lookbacks))
    return Entry(
        slo=measure.slo,
        group=(),
        since=None,
        last=None,
        stale=False,
        errors=0.0,
        events=0.0,
        burns=burned,
        budget=budget(measure, burned),
        alerts=alerts(measure, burned),
    )


def _badness(entry: Entry) -> tuple[Standing, float, str, Group]:
    left = entry.budget.left
    return entry.standing, 1.0 if left is None else left, entry.slo.id, entry.group
