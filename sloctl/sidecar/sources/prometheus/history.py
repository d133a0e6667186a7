"""Read the counts from before the sidecar started: rollups where rules recorded them, else the raw series.

Nothing is counted twice. Raw series serve up to where the rollups, or the counts of a repair, begin. That is
known to the hour: an hour may be missing where rules were introduced, and none is there twice.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sloctl import naming
from sloctl.duration import HOUR
from sloctl.model import Slo
from sloctl.naming import LabelStyle
from sloctl.prometheus.answers import QueryRange
from sloctl.prometheus.async_client import RangeQueries
from sloctl.prometheus.errors import PrometheusError
from sloctl.promql import last_range
from sloctl.sidecar.sources import Group
from sloctl.sidecar.sources.prometheus.minutes import (
    ReadOutcome,
    ReadPosition,
    RepairedSpan,
    StepCounts,
    batch_slos,
    last_minute,
    raw_steps,
    read_minutes,
    recorded_series,
    recorded_steps,
    sum_steps,
)
from sloctl.sidecar.sources.prometheus.repairs import read_due_repairs
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, MAX_FINE_LOOKBACK, REPAIR_REACH, EventCounts

# A day of so many SLOs is read in a moment, so that other tasks hardly wait.
_BATCH_SIZE: Final = 20

_log: Final = logging.getLogger(__name__)


class PastCounts(NamedTuple):
    """The counts of the *seconds* that ended at *at* (Unix seconds): a coarse step, or one recent minute.

    With *is_repair* they were missing from it, and found later.
    """

    slo: Slo
    group: Group
    at: float
    counts: EventCounts
    seconds: int = COARSE_STEP
    is_repair: bool = False


@dataclass(frozen=True, slots=True)
class HistoryChunk:
    """A day of some SLOs, or their last hours; *positions*, by SLO id, are where reading goes on."""

    counts: Sequence[PastCounts]
    positions: Mapping[str, ReadPosition]


async def read_histories(
    ranges: RangeQueries,
    slos: Iterable[Slo],
    style: LabelStyle,
    *,
    settled: float,
    known: Mapping[str, float],
    repaired: Mapping[str, float],
) -> AsyncIterator[HistoryChunk]:
    """Give each SLO's counts after *known* (Unix seconds, by SLO id), oldest first; raise PrometheusError.

    Repairs are given of those made after *repaired*.
    """
    for batch in batch_slos(slos, most=_BATCH_SIZE):
        reader = _HistoryReader(ranges, batch, style, settled=settled, known=known, repaired=repaired)
        async for chunk in reader.read_coarse():
            yield chunk
        yield await reader.read_fine()


class _HistoryReader:
    """The history of some SLOs: coarse steps first, then the last hours by the minute."""

    def __init__(
        self,
        ranges: RangeQueries,
        slos: Sequence[Slo],
        style: LabelStyle,
        *,
        settled: float,
        known: Mapping[str, float],
        repaired: Mapping[str, float],
    ) -> None:
        self._ranges = ranges
        self._slos = slos
        self._style = style
        self._settled = settled
        self._repaired = repaired
        self._fine_start = (last_minute(settled) - MAX_FINE_LOOKBACK) // COARSE_STEP * COARSE_STEP
        self._starts = {
            slo.id: max(known.get(slo.id, 0.0), settled - slo.window.longest - FINE_STEP) for slo in slos
        }
        self._raw_until_fine: set[str] = set()

    async def read_coarse(self) -> AsyncIterator[HistoryChunk]:
        """Give coarse steps day by day, from rollups and, where there are none, from raw series."""
        whole = QueryRange(
            min(_step_end(start, COARSE_STEP) for start in self._starts.values()), self._fine_start
        )
        if whole.start >= whole.end:
            return
        unrecorded = await self._unrecorded_ranges(whole)
        for day in whole.split_days():
            recorded = await recorded_steps(self._ranges, self._slos, self._style, day, step=COARSE_STEP)
            raw = await asyncio.gather(*(self._read_raw(slo, day, unrecorded[slo.id]) for slo in self._slos))
            past: list[PastCounts] = []
            for slo, computed in zip(self._slos, raw, strict=True):
                past += _past_counts(slo, {**computed, **recorded[slo.id]}, after=self._starts[slo.id])
            yield HistoryChunk(past, {})

    async def read_fine(self) -> HistoryChunk:
        """Read the last hours by the minute, and the repairs that were made in them."""
        positions = {
            slo.id: ReadPosition(
                max(self._fine_start, _step_end(self._starts[slo.id], FINE_STEP)),
                is_raw=slo.id in self._raw_until_fine,
            )
            for slo in self._slos
        }
        outcome = ReadOutcome()
        jobs = [(slo, positions[slo.id]) for slo in self._slos]
        await read_minutes(self._ranges, jobs, self._style, settled=self._settled, outcome=outcome)
        made_since = [
            (slo, ReadPosition(int(max(self._fine_start, self._repaired.get(slo.id, 0.0)))))
            for slo in self._slos
        ]
        await read_due_repairs(self._ranges, made_since, self._style, outcome=outcome)
        past: list[PastCounts] = []
        for slo in self._slos:
            if (progress := outcome.progress.get(slo.id)) is not None:
                past += _past_counts(slo, progress.steps, seconds=FINE_STEP)
                past += repaired_counts(slo, outcome.repairs.get(slo.id, ()))
                positions[slo.id] = progress.position
        for issue in outcome.issues:
            _log.warning("history: %s", issue)
        return HistoryChunk(past, positions)

    async def _unrecorded_ranges(self, whole: QueryRange) -> dict[str, list[QueryRange]]:
        """Find by SLO id where raw series must serve: before the first rollup and after the last."""
        hours = QueryRange(whole.start // HOUR * HOUR, last_minute(self._settled))
        recorded = await self._recorded_hours(hours)
        repaired = await self._recorded_hours(hours, **{self._style.part: "repair"})
        unrecorded: dict[str, list[QueryRange]] = {}
        for slo in self._slos:
            first, latest = recorded.get(slo.id, (whole.end + 2 * HOUR, whole.end))
            first_repair, _ = repaired.get(slo.id, (whole.end + REPAIR_REACH + HOUR, 0))
            before = min(whole.end, first - HOUR - COARSE_STEP, first_repair - HOUR - REPAIR_REACH)
            ends = [
                QueryRange(whole.start, before // COARSE_STEP * COARSE_STEP),
                QueryRange(latest, whole.end),
            ]
            unrecorded[slo.id] = [end for end in ends if end.start < end.end]
            if any(span.end == whole.end for span in unrecorded[slo.id]):
                self._raw_until_fine.add(slo.id)
        return unrecorded

    async def _recorded_hours(self, hours: QueryRange, **labels: str) -> dict[str, tuple[int, int]]:
        """Find the first and the last hour with rollups, as the ends of those hours, by SLO id."""
        rollups = recorded_series(self._slos, self._style, naming.event_count_metric(COARSE_STEP), **labels)
        query = f"count by ({self._style.id}) (last_over_time({last_range(rollups, HOUR)}))"
        rows = await self._ranges.query_range(query, hours, step=HOUR)
        spans = {row.labels.get(self._style.id, ""): (min(row.points), max(row.points)) for row in rows}
        return {
            slo.id: spans[self._style.slo_id(slo)] for slo in self._slos if self._style.slo_id(slo) in spans
        }

    async def _read_raw(self, slo: Slo, day: QueryRange, unrecorded: Iterable[QueryRange]) -> StepCounts:
        steps: dict[int, Mapping[Group, EventCounts]] = {}
        for span in unrecorded:
            if (piece := day.intersect_with(span)) is not None:
                try:
                    steps |= _sum_to_coarse(await raw_steps(self._ranges, slo, self._style, piece))
                except PrometheusError as failure:
                    _log.warning("history of %s: %s", slo.id, failure)
        return steps


def _past_counts(
    slo: Slo, steps: StepCounts, *, after: float = 0.0, seconds: int = COARSE_STEP
) -> list[PastCounts]:
    return [
        PastCounts(slo, group, float(at), counts, seconds)
        for at in sorted(steps)
        if at > after
        for group, counts in steps[at].items()
    ]


def _sum_to_coarse(minutes: StepCounts) -> StepCounts:
    """Sum minutes as the slow group does; a step without any minute is absent."""
    steps: dict[int, StepCounts] = {}
    for at, groups in minutes.items():
        steps[_step_end(at, COARSE_STEP)] = {**steps.get(_step_end(at, COARSE_STEP), {}), at: groups}
    return {end: sum_steps([inside]) for end, inside in steps.items()}


def repaired_counts(slo: Slo, spans: Iterable[RepairedSpan]) -> list[PastCounts]:
    return [
        PastCounts(slo, group, float(span.end), counts, span.end - span.begin, is_repair=True)
        for span in spans
        for group, counts in span.groups.items()
    ]


def _step_end(at: float, step: int) -> int:
    """Return the end of the step in which *at* lies."""
    return int(-(-at // step) * step)
