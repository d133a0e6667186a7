"""How one SLO, or one group of it, stands: whoever told it."""

from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum
from typing import Final

from msgspec import Struct

from sloctl.duration import HOUR, MINUTE
from sloctl.model import Labels

# What a person watches while an incident goes on.
LOOKBACKS: Final = (5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR)


class Standing(IntEnum):
    """The worst first."""

    PAGING = 0
    TICKETED = 1
    EXHAUSTED = 2
    EXHAUSTING = 3
    UNKNOWN = 4
    FINE = 5


class State(Enum):
    """An alert that cannot be decided is unknown: neither quiet nor firing."""

    INACTIVE = "inactive"
    FIRING = "firing"
    UNKNOWN = "unknown"


class Alarm(Struct, frozen=True):
    """A page or a ticket; *since* is Unix time, None where it does not fire or nobody knows."""

    state: State
    since: float | None = None


class Line(Struct, frozen=True):
    """*left* is a share of the budget, *gone_in* seconds, infinite where nothing burns; None is unknown.

    A *stale* line shows what was true when there were last data.
    """

    service: str
    name: str
    group: Labels
    standing: Standing
    stale: bool
    page: Alarm | None
    ticket: Alarm | None
    left: float | None
    burn: Mapping[int, float | None]
    gone_in: float | None

    @property
    def id(self) -> str:
        return f"{self.service}/{self.name}"


class Status(Struct, frozen=True):
    """All lines, the worst first, at *at* (Unix time; None before the source's first look)."""

    at: float | None
    lines: tuple[Line, ...]

    def of(self, names: Sequence[str]) -> "Status":
        """Only SLOs, or services, of these names; raises KeyError with a name that nothing has."""
        if not names:
            return self
        known = {line.id for line in self.lines} | {line.service for line in self.lines}
        if unknown := [name for name in names if name not in known]:
            raise KeyError(unknown[0])
        return Status(self.at, tuple(it for it in self.lines if it.id in names or it.service in names))


class FailOn(IntEnum):
    """What a gate does not let pass; each includes those before it."""

    PAGE = 0
    TICKET = 1
    EXHAUSTED = 2
    UNKNOWN = 3


class Verdict(Enum):
    """What a gate makes of a status."""

    FINE = "fine"
    FAILING = "failing"
    UNKNOWN = "unknown"


def worst_first(lines: Sequence[Line]) -> tuple[Line, ...]:
    return tuple(
        sorted(
            lines,
            key=lambda it: (
                it.standing,
                1.0 if it.left is None else it.left,
                it.id,
                sorted(it.group.items()),
            ),
        )
    )


def verdict(status: Status, fail_on: FailOn) -> Verdict:
    """Unknown where nothing at all is known: a gate that sees nothing must not open."""
    if any(_fails(line, fail_on) for line in status.lines):
        return Verdict.FAILING
    unknown = all(line.standing is Standing.UNKNOWN for line in status.lines)
    return Verdict.UNKNOWN if unknown else Verdict.FINE


def _fails(line: Line, fail_on: FailOn) -> bool:
    fires = (
        line.page is not None and line.page.state is State.FIRING,
        line.ticket is not None and line.ticket.state is State.FIRING,
        line.left is not None and line.left <= 0,
        line.standing is not Standing.FINE,
    )
    return any(fires[: fail_on + 1])
