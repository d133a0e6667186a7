"""Journeys out of the counts of their parts, minute by minute; the rules do the same in PromQL."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sloctl.duration import MINUTE
from sloctl.model import CompositeIndicator, JourneyPart, Slo
from sloctl.sidecar.sources import PART_LABEL, SloCounts, UnsupportedSlo
from sloctl.slo.journeys import attribute_errors, combine_minute
from sloctl.slo.lowering import part_slo
from sloctl.slo.resolutions import EventCounts

_NOTHING: Final = EventCounts(0.0, 0.0)
# What is told of a minute later than that would look like something that happens now.
_MOST_LATE_MINUTES: Final = 5


def separate_journeys(slos: Iterable[Slo]) -> tuple[list[Slo], list[tuple[Slo, CompositeIndicator]]]:
    """Return what has counts of its own, parts of journeys included, and the journeys, inner ones first."""
    counted: dict[str, Slo] = {}
    journeys: dict[str, tuple[Slo, CompositeIndicator]] = {}

    def add(slo: Slo) -> None:
        if not isinstance(slo.indicator, CompositeIndicator):
            counted[slo.id] = slo
            return
        journeys[slo.id] = slo, slo.indicator

    every = tuple(slos)
    for slo in every:
        add(slo)
    # A part that is an SLO of its own here is counted as that one.
    pending = list(journeys.values())
    while pending:
        slo, journey = pending.pop()
        for part in journey.parts:
            single = part_slo(slo, part)
            if single.id not in counted and single.id not in journeys:
                add(single)
                pending += [journeys[single.id]] if single.id in journeys else []
    in_order = sorted(journeys.values(), key=lambda each: each[1].minutes_behind)
    return list(counted.values()), in_order


def find_uncounted_journeys(
    journeys: Iterable[tuple[Slo, CompositeIndicator]], unsupported: Mapping[str, str]
) -> list[UnsupportedSlo]:
    """Find the journeys with a part that is never counted; *unsupported* are the reasons by SLO id."""
    reasons = dict(unsupported)
    found = []
    for slo, journey in journeys:
        for part in journey.parts:
            reason = reasons.get(part_slo(slo, part).id)
            if reason is not None and slo.id not in reasons:
                reasons[slo.id] = f"its part {part.name} is not counted: {reason}"
                found.append(UnsupportedSlo(slo, reasons[slo.id]))
    return found


@dataclass(slots=True)
class _OpenMinute:
    """What was counted so far of each part in the minute that ends *number* minutes after 1970 began.

    *first* is the number of the first minute that was looked at: until it is over nothing is silent.
    """

    number: int
    parts: dict[str, EventCounts]
    first: int


class JourneyCounter:
    """Turns the counts of parts into minutes of journeys, one when it has ended and nothing before.

    A part that was not counted at any tick of a minute leaves it unknown. *silent_parts* are, by journey,
    those that have not been counted in the running minute; in a journey's first one there are none. A tick
    belongs to the minute in which it ends.
    """

    def __init__(self, journeys: Iterable[tuple[Slo, CompositeIndicator]]) -> None:
        self._journeys = tuple(journeys)
        self._open: dict[str, _OpenMinute] = {}
        self.silent_parts: Mapping[str, tuple[str, ...]] = {}

    def replace_journeys(self, journeys: Iterable[tuple[Slo, CompositeIndicator]]) -> None:
        """Count these from now on; minutes go on where the parts are the same."""
        before = {slo.id: journey for slo, journey in self._journeys}
        self._journeys = tuple(journeys)
        same = {slo.id for slo, journey in self._journeys if before.get(slo.id) == journey}
        self._open = {slo_id: each for slo_id, each in self._open.items() if slo_id in same}

    def count_journeys(self, at: float, slos: Mapping[str, SloCounts]) -> Mapping[str, SloCounts]:
        """Return the counts of a tick at *at* (Unix seconds) with those of journeys beside their parts."""
        if not self._journeys:
            return slos
        counted = dict(slos)
        silent = {}
        for slo, journey in self._journeys:
            judged, missing = self._count_journey(slo, journey, at, counted)
            if missing and self._open[slo.id].number > self._open[slo.id].first:
                silent[slo.id] = missing
            if judged is not None:
                counted[slo.id] = judged
            elif not missing:
                counted[slo.id] = SloCounts({(): _NOTHING})
        self.silent_parts = silent
        return counted

    def describe_silence(self) -> list[str]:
        """Say of each journey which parts have no data."""
        return [
            f"{slo_id}: no data of {', '.join(parts)}, so nothing is known of the journey"
            for slo_id, parts in self.silent_parts.items()
        ]

    def _count_journey(
        self, slo: Slo, journey: CompositeIndicator, at: float, counted: Mapping[str, SloCounts]
    ) -> tuple[SloCounts | None, tuple[str, ...]]:
        """Return the minute that ended, if one did and all of it is known, and the parts that are missing."""
        # What a tick on the edge brings happened before it.
        number = int(-(-at // MINUTE))
        now = {
            part.name: _sum_groups(counts)
            for part in journey.parts
            if (counts := counted.get(part_slo(slo, part).id)) is not None
        }
        late = {part.name for part in journey.parts if _tells_ended_minutes(part)}
        judged = None
        minute = self._open.get(slo.id)
        if minute is None or minute.number != number:
            if minute is not None and number - minute.number <= _MOST_LATE_MINUTES:
                ended = minute.parts | {name: told for name, told in now.items() if name in late}
                judged = _judge_minute(journey, ended)
            first = number if minute is None else minute.first
            minute = self._open[slo.id] = _OpenMinute(number, {}, first)
        for name, more in now.items():
            if name not in late:
                known = minute.parts.get(name, _NOTHING)
                minute.parts[name] = EventCounts(known.error + more.error, known.total + more.total)
        seen = minute.parts.keys() | (now.keys() & late)
        return judged, tuple(part.name for part in journey.parts if part.name not in seen)


def _judge_minute(journey: CompositeIndicator, parts: Mapping[str, EventCounts]) -> SloCounts | None:
    whole = combine_minute(journey, parts)
    if whole is None:
        return None
    shares = attribute_errors(journey, parts)
    return SloCounts({(): whole}, {(PART_LABEL, name): counts for name, counts in shares.items()})


def _tells_ended_minutes(part: JourneyPart) -> bool:
    """Tell whether what a tick brings of a part happened in the minute before: a slice, or a journey."""
    return part.time_slice is not None or isinstance(part.indicator, CompositeIndicator)


def _sum_groups(counts: SloCounts) -> EventCounts:
    every = counts.groups.values()
    return EventCounts(sum(each.error for each in every), sum(each.total for each in every))
