"""Where counts come from: a source gives (error, total) per SLO and tick, and says what it cannot read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from sloctl.model import Slo
from sloctl.slo.resolutions import EventCounts

# The values of the labels in Slo.group_by, in its order; empty where nothing groups.
Group: TypeAlias = tuple[str, ...]

# What stands in for each label value of the groups beyond the cap.
OTHERS: Final = "(others)"


@dataclass(frozen=True, slots=True)
class SloCounts:
    """One SLO: counts per group and, of the same events, per label name and value, which tell what burns."""

    groups: Mapping[Group, EventCounts]
    by_label: Mapping[tuple[str, str], EventCounts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IntervalCounts:
    """What happened since the readings before and up to *at* (Unix seconds), by SLO id.

    What is missing could not be read: that is not zero.
    """

    at: float
    slos: Mapping[str, SloCounts]


class SourceUnavailable(Exception):
    """The source gave nothing this time; the message says why, for whoever operates it."""


@dataclass(frozen=True, slots=True)
class UnsupportedSlo:
    """An SLO that a source can never read, and what to do instead."""

    slo: Slo
    reason: str


class Source(Protocol):
    """One read per tick."""

    async def read_counts(self, now: float) -> Sequence[IntervalCounts]:
        """What happened since the read before, oldest first; raises Unreadable.

        Several where a source catches up on what it missed.
        """
        ...
