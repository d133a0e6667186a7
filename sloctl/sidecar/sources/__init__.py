"""Where event counts come from: (error, total) per SLO, group and tick.

A tick goes in; the counts of the time since the last one come out, and what cannot be read is missing rather
than zero. This file holds the values that every source gives and the protocol that the engine reads by.

    factories    create_source: the source that the configuration asks for, and what it offers the sidecar
    scrape/      GETs the targets' own metrics text; no Prometheus needed
    prometheus/  reads recorded rollups, or evaluates the rules' queries, minute by minute; also the history
    otlp/        receives what services push, as a collector would
    counting/    counts series without PromQL, for scrape and otlp: selectors, resets, new series, labels

Each source names the SLOs that it can never count, with a reason. The SLOs may change while a source is open;
what it knows of the series of others goes on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from sloctl.model import Slo
from sloctl.slo.resolutions import EventCounts

# The values of the labels in Slo.group_by, in its order; empty where nothing groups.
Group: TypeAlias = tuple[str, ...]

# Stands in for each label value of the groups beyond the cap.
OTHERS: Final = "(others)"
# By which the errors of a journey are broken down: the names of its parts.
PART_LABEL: Final = "part"
# Reasons in one message.
_MAX_REASONS: Final = 3


@dataclass(frozen=True, slots=True)
class SloCounts:
    """Counts of one SLO per group, and of the same events per label name and value."""

    groups: Mapping[Group, EventCounts]
    by_label: Mapping[tuple[str, str], EventCounts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IntervalCounts:
    """Counts since the ones before and up to *at* (Unix seconds), by SLO id.

    An SLO that is missing could not be read: that is not zero. With a *begin* they were missing from the time
    between it and *at*, and found later. *gaps* are, by SLO id, begin and end of a time that ended lately in
    which nobody could count.
    """

    at: float
    slos: Mapping[str, SloCounts]
    begin: float | None = None
    gaps: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def join_reasons(reasons: Sequence[str]) -> str:
    """Write the first few of *reasons*, and how many more there are."""
    more = f"; and {len(reasons) - _MAX_REASONS} more" if len(reasons) > _MAX_REASONS else ""
    return "; ".join(reasons[:_MAX_REASONS]) + more


class SourceUnavailable(Exception):
    """The source gave nothing this time; the message says why, for whoever operates it."""


@dataclass(frozen=True, slots=True)
class UnsupportedSlo:
    """An SLO that a source can never count, and what to do instead."""

    slo: Slo
    reason: str


class Source(Protocol):
    """Anything that is read once per tick."""

    async def read_counts(self, now: float) -> Sequence[IntervalCounts]:
        """Return the counts since the last read, oldest first; raise SourceUnavailable.

        Several intervals come where a source catches up on what it missed.
        """
        ...
