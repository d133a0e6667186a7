"""Slices of time, judged when they have ended by the events that were counted in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sloctl.duration import MINUTE
from sloctl.model import Slo, TimeSlice, WhenAbsent
from sloctl.sidecar.sources import Group, SloCounts
from sloctl.sidecar.sources.counting.series_weights import SloGroup
from sloctl.slo.resolutions import EventCounts

_NOTHING: Final = EventCounts(0.0, 0.0)
# What is told of a slice later than that would look like something that happens now.
_MOST_LATE_SECONDS: Final = 5 * MINUTE


@dataclass(frozen=True, slots=True)
class _OpenSlice:
    """What was counted so far in the slice that ends *number* slices after 1970 began."""

    number: int
    counts: EventCounts


class SliceJudge:
    """Turns the events of SLOs about slices into slices, one when it has ended and nothing before.

    A slice is judged by what was counted of it; one of which nothing is known is no data. A tick belongs to
    the slice in which it ends. Label values have no slices of their own, so none are broken down by them.
    """

    def __init__(self, slos: Iterable[Slo]) -> None:
        self._slices = {slo.id: slo.time_slice for slo in slos if slo.time_slice is not None}
        self._open: dict[SloGroup, _OpenSlice] = {}

    def replace_slos(self, slos: Iterable[Slo]) -> None:
        """Judge these from now on; slices go on where they are judged as before."""
        before, self._slices = (
            self._slices,
            {slo.id: slo.time_slice for slo in slos if slo.time_slice is not None},
        )
        self._open = {
            key: each for key, each in self._open.items() if before.get(key[0]) == self._slices.get(key[0])
        }

    def judge_counts(self, at: float, slos: Mapping[str, SloCounts]) -> Mapping[str, SloCounts]:
        """Return the counts of a tick at *at* (Unix seconds), of SLOs about slices the slices that ended."""
        if not self._slices:
            return slos
        return {
            slo_id: counts
            if (slices := self._slices.get(slo_id)) is None
            else SloCounts(
                {
                    group: self._count_group((slo_id, group), slices, at, each)
                    for group, each in counts.groups.items()
                }
            )
            for slo_id, counts in slos.items()
        }

    def _count_group(
        self, key: tuple[str, Group], slices: TimeSlice, at: float, counts: EventCounts
    ) -> EventCounts:
        # What a tick on the edge brings happened before it.
        number = int(-(-at // slices.seconds))
        known = self._open.get(key)
        if known is not None and known.number == number:
            sums = EventCounts(known.counts.error + counts.error, known.counts.total + counts.total)
            self._open[key] = _OpenSlice(number, sums)
            return _NOTHING
        self._open[key] = _OpenSlice(number, counts)
        if known is None or at - known.number * slices.seconds > _MOST_LATE_SECONDS:
            return _NOTHING
        return judge_slice(slices, known.counts)


def judge_slice(slices: TimeSlice, counts: EventCounts) -> EventCounts:
    """Count a slice that ended as one event, or as none."""
    if counts.total > 0:
        return EventCounts(float(counts.error / counts.total > float(1 - slices.good)), 1.0)
    if slices.when_empty is WhenAbsent.IGNORE:
        return _NOTHING
    return EventCounts(float(slices.when_empty is WhenAbsent.BAD), 1.0)
