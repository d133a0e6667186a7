"""How one SLO, or one group of it, stands: whoever told it."""

from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum
from typing import Final

from msgspec import Struct

from sloctl.duration import HOUR, MINUTE
from sloctl.model import Labels
from sloctl.slo.health import AlertState, Health

# What a person watches while an incident goes on.
STATUS_LOOKBACKS: Final = (5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR)


class AlertStatus(Struct, frozen=True):
    """A page or a ticket; *since* is Unix time, None where it does not fire or nobody knows."""

    state: AlertState
    since: float | None = None


class SloStatus(Struct, frozen=True):
    """*left* is a share of the budget, *gone_in* seconds, infinite where nothing burns; None is unknown.

    A *stale* line shows what was true when there were last data.
    """

    service: str
    name: str
    group: Labels
    health: Health
    stale: bool
    page: AlertStatus | None
    ticket: AlertStatus | None
    budget_left: float | None
    burn_rates: Mapping[int, float | None]
    time_to_exhaustion: float | None

    @property
    def id(self) -> str:
        return f"{self.service}/{self.name}"


class StatusReport(Struct, frozen=True):
    """All lines, the worst first, at *at* (Unix time; None before the source's first look)."""

    at: float | None
    slos: tuple[SloStatus, ...]

    def select_slos(self, names: Sequence[str]) -> "StatusReport":
        """Only SLOs, or services, of these names; raises KeyError with a name that nothing has."""
        if not names:
            return self
        known = {line.id for line in self.slos} | {line.service for line in self.slos}
        if unknown := [name for name in names if name not in known]:
            raise KeyError(unknown[0])
        return StatusReport(self.at, tuple(it for it in self.slos if it.id in names or it.service in names))


class FailOn(IntEnum):
    """What a gate does not let pass; each includes those before it."""

    PAGE = 0
    TICKET = 1
    EXHAUSTED = 2
    UNKNOWN = 3


class GateResult(Enum):
    """What a gate makes of a status."""

    FINE = "fine"
    FAILING = "failing"
    UNKNOWN = "unknown"


def sort_worst_first(lines: Sequence[SloStatus]) -> tuple[SloStatus, ...]:
    return tuple(
        sorted(
            lines,
            key=lambda it: (
                it.health,
                1.0 if it.budget_left is None else it.budget_left,
                it.id,
                sorted(it.group.items()),
            ),
        )
    )


def evaluate_gate(status: StatusReport, fail_on: FailOn) -> GateResult:
    """Unknown where nothing at all is known: a gate that sees nothing must not open."""
    if any(_fails_gate(line, fail_on) for line in status.slos):
        return GateResult.FAILING
    unknown = all(line.health is Health.UNKNOWN for line in status.slos)
    return GateResult.UNKNOWN if unknown else GateResult.FINE


def _fails_gate(line: SloStatus, fail_on: FailOn) -> bool:
    fires = (
        line.page is not None and line.page.state is AlertState.FIRING,
        line.ticket is not None and line.ticket.state is AlertState.FIRING,
        line.budget_left is not None and line.budget_left <= 0,
        line.health is not Health.FINE,
    )
    return any(fires[: fail_on + 1])
