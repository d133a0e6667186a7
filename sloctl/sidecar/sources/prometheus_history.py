"""What an SLO counted before the sidecar started: rollups where rules recorded them, else the raw series.

Law: nothing is counted twice. Raw series serve up to where the rollups, or what a repair brought in, begin;
told to the hour, so that an hour may be missing where rules were introduced, and none is there twice.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from sloctl import naming
from sloctl.duration import DAY, HOUR
from sloctl.model import Slo
from sloctl.naming import LabelStyle
from sloctl.rollup import COARSE_STEP, FINE_STEP, MAX_FINE_LOOKBACK, EventCounts
from sloctl.rules.repair import REPAIR_REACH as REPAIRED
from sloctl.rules.scope import last_range
from sloctl.sidecar.sources import Group
from sloctl.sidecar.sources.prometheus_minutes import (
    Outcome,
    Place,
    Steps,
    batches,
    last_minute,
    of,
    raw_steps,
    read_minutes,
    recorded_steps,
)
from sloctl.sidecar.sources.prometheus_ranges import Ranges, Stretch, Unusable

# A day of so many is read in a moment, so that what else goes on meanwhile hardly waits.
_BATCH: Final = 20

_log: Final = logging.getLogger(__name__)


class Past(NamedTuple):
    """What the step that ended at *at* (Unix seconds) counted: a coarse step, or one minute of late."""

    slo: Slo
    group: Group
    at: float
    counts: EventCounts


@dataclass(frozen=True, slots=True)
class Piece:
    """A day of some SLOs, or their last hours; *places*, by SLO id, is where reading goes on after those."""

    past: Sequence[Past]
    places: Mapping[str, Place]


async def histories(
    ranges: Ranges, slos: Iterable[Slo], style: LabelStyle, *, settled: float, known: Mapping[str, float]
) -> AsyncIterator[Piece]:
    """Per SLO what happened after *known* (Unix seconds, by SLO id), oldest first; raises Unusable."""
    every = tuple(slos)
    # What a repair brought in may be known already: those who know something do without.
    fresh = batches((slo for slo in every if slo.id not in known), most=_BATCH)
    others = batches((slo for slo in every if slo.id in known), most=_BATCH)
    for batch, part in chain(
        ((batch, {}) for batch in fresh), ((batch, {style.part: ""}) for batch in others)
    ):
        history = _History(ranges, batch, style, settled=settled, known=known, part=part)
        async for piece in history.coarse():
            yield piece
        yield await history.fine()


class _History:
    """Some SLOs: coarse steps first, then the last hours by the minute."""

    def __init__(
        self,
        ranges: Ranges,
        slos: Sequence[Slo],
        style: LabelStyle,
        *,
        settled: float,
        known: Mapping[str, float],
        part: Mapping[str, str],
    ) -> None:
        self._ranges = ranges
        self._slos = slos
        self._style = style
        self._settled = settled
        self._part = part
        self._fine_start = (last_minute(settled) - MAX_FINE_LOOKBACK) // COARSE_STEP * COARSE_STEP
        self._starts = {
            slo.id: max(known.get(slo.id, 0.0), settled - slo.window.seconds - FINE_STEP) for slo in slos
        }
        self._raw_until_fine: set[str] = set()

    async def coarse(self) -> AsyncIterator[Piece]:
        whole = Stretch(min(_end(start, COARSE_STEP) for start in self._starts.values()), self._fine_start)
        if whole.start >= whole.end:
            return
        unrecorded = await self._unrecorded(whole)
        for day in _days(whole):
            recorded = await recorded_steps(
                self._ranges, self._slos, self._style, day, step=COARSE_STEP, **self._part
            )
            raw = await asyncio.gather(*(self._raw(slo, day, unrecorded[slo.id]) for slo in self._slos))
            past: list[Past] = []
            for slo, computed in zip(self._slos, raw, strict=True):
                past += _past(slo, {**computed, **recorded[slo.id]}, after=self._starts[slo.id])
            yield Piece(past, {})

    async def fine(self) -> Piece:
        """Minutes; before them what repairs brought in since, as nobody knows when it happened."""
        places = {
            slo.id: Place(
                max(self._fine_start, _end(self._starts[slo.id], FINE_STEP)),
                raw=slo.id in self._raw_until_fine,
            )
            for slo in self._slos
        }
        outcome = Outcome()
        jobs = [(slo, places[slo.id]) for slo in self._slos]
        await read_minutes(self._ranges, jobs, self._style, settled=self._settled, outcome=outcome)
        repairs = {} if self._part else await self._repairs()
        past: list[Past] = []
        for slo in self._slos:
            if (progress := outcome.progress.get(slo.id)) is not None:
                # Minutes computed from raw series may be those that a repair brought in.
                past += [] if progress.some_raw else _past(slo, repairs.get(slo.id, {}))
                past += _past(slo, progress.steps)
                places[slo.id] = progress.place
        for trouble in outcome.troubles:
            _log.warning("history: %s", trouble)
        return Piece(past, places)

    async def _repairs(self) -> dict[str, Steps]:
        late = Stretch(self._fine_start, last_minute(self._settled) // COARSE_STEP * COARSE_STEP)
        only = {self._style.part: "repair"}
        found = await recorded_steps(self._ranges, self._slos, self._style, late, step=COARSE_STEP, **only)
        return {slo_id: _together(steps, self._fine_start) for slo_id, steps in found.items()}

    async def _unrecorded(self, whole: Stretch) -> dict[str, list[Stretch]]:
        """Where raw series are to be asked: before the first rollup and after the last, by SLO id."""
        hours = Stretch(whole.start // HOUR * HOUR, last_minute(self._settled))
        recorded = await self._recorded_hours(hours)
        repaired = await self._recorded_hours(hours, **{self._style.part: "repair"})
        stretches: dict[str, list[Stretch]] = {}
        for slo in self._slos:
            first, latest = recorded.get(slo.id, (whole.end + 2 * HOUR, whole.end))
            first_repair, _ = repaired.get(slo.id, (whole.end + REPAIRED + HOUR, 0))
            before = min(whole.end, first - HOUR - COARSE_STEP, first_repair - HOUR - REPAIRED)
            ends = [Stretch(whole.start, before // COARSE_STEP * COARSE_STEP), Stretch(latest, whole.end)]
            stretches[slo.id] = [end for end in ends if end.start < end.end]
            if any(stretch.end == whole.end for stretch in stretches[slo.id]):
                self._raw_until_fine.add(slo.id)
        return stretches

    async def _recorded_hours(self, hours: Stretch, **labels: str) -> dict[str, tuple[int, int]]:
        """The first and the last hour with rollups, as the ends of those hours, by SLO id."""
        rollups = of(self._slos, self._style, naming.event_count_metric(COARSE_STEP), **labels)
        query = f"count by ({self._style.id}) (last_over_time({last_range(rollups, HOUR)}))"
        rows = await self._ranges.ask(query, hours, step=HOUR)
        spans = {row.labels.get(self._style.id, ""): (min(row.points), max(row.points)) for row in rows}
        return {
            slo.id: spans[self._style.slo_id(slo)] for slo in self._slos if self._style.slo_id(slo) in spans
        }

    async def _raw(self, slo: Slo, day: Stretch, unrecorded: Iterable[Stretch]) -> Steps:
        steps: dict[int, Mapping[Group, EventCounts]] = {}
        for stretch in unrecorded:
            piece = Stretch(max(day.start, stretch.start), min(day.end, stretch.end))
            if piece.start < piece.end:
                try:
                    steps |= _by_coarse_step(await raw_steps(self._ranges, slo, self._style, piece))
                except Unusable as trouble:
                    _log.warning("history of %s: %s", slo.id, trouble)
        return steps


def _days(stretch: Stretch) -> Iterator[Stretch]:
    for start in range(stretch.start, stretch.end, DAY):
        yield Stretch(start, min(start + DAY, stretch.end))


def _past(slo: Slo, steps: Steps, *, after: float = 0.0) -> list[Past]:
    return [
        Past(slo, group, float(at), counts)
        for at in sorted(steps)
        if at > after
        for group, counts in steps[at].items()
    ]


def _by_coarse_step(minutes: Steps) -> Steps:
    """Summed as the slow group sums; a step without any minute is absent."""
    steps: dict[int, Steps] = {}
    for at, groups in minutes.items():
        steps[_end(at, COARSE_STEP)] = {**steps.get(_end(at, COARSE_STEP), {}), at: groups}
    return {end: _together(inside, end)[end] for end, inside in steps.items()}


def _together(steps: Steps, end: int) -> Steps:
    """All of *steps* as one that ends at *end*; nothing where there are none."""
    sums: dict[Group, EventCounts] = {}
    for groups in steps.values():
        for group, counts in groups.items():
            so_far = sums.get(group, EventCounts(0.0, 0.0))
            sums[group] = EventCounts(error=so_far.error + counts.error, total=so_far.total + counts.total)
    return {end: sums} if sums else {}


def _end(at: float, step: int) -> int:
    """Of the step in which *at* lies."""
    return int(-(-at // step) * step)
