"""Where counts come from: a source gives (error, total) per SLO and tick, and says what it cannot read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from sloctl.model import Slo
from sloctl.rollup import Counts

# The values of the labels in Slo.group_by, in its order; empty where nothing groups.
Group: TypeAlias = tuple[str, ...]

# Counts since the tick before, by SLO id and group. What is missing could not be read: that is not zero.
Readings: TypeAlias = Mapping[str, Mapping[Group, Counts]]

# What stands in for each label value of the groups beyond the cap.
OTHERS: Final = "(others)"


class Unreadable(Exception):
    """The source gave nothing this time; the message says why, for whoever operates it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An SLO that a source can never read, and what to do instead."""

    slo: Slo
    reason: str


class Source(Protocol):
    """One read per tick."""

    async def read(self) -> Readings:
        """What happened since the read before; raises Unreadable."""
        ...
