"""Counts of whole minutes from a Prometheus: what the rules recorded, else the queries the rules consist of.

Law: no event is counted twice, whichever way a minute is read and however often that changes.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final, TypeAlias

from sloctl import naming
from sloctl.model import LabelMatcher, MatchOp, Selector, Slo
from sloctl.naming import LabelStyle
from sloctl.prometheus.answers import QueryRange, RangeSeries
from sloctl.prometheus.async_client import RangeQueries
from sloctl.prometheus.errors import PrometheusError
from sloctl.promql import format_selector, last_range
from sloctl.rules.backfill_queries import backfill_rollups
from sloctl.sidecar.sources import Group
from sloctl.slo.resolutions import FINE_STEP, EventCounts

# SLOs that share a query; one with groups may have as many series as so many without.
MAX_BATCH: Final = 200
_GROUPED_SLO_WEIGHT: Final = 20

# Counts by the end of their step.
StepCounts: TypeAlias = Mapping[int, Mapping[Group, EventCounts]]
_StepValues: TypeAlias = Mapping[int, Mapping[Group, float]]


@dataclass(frozen=True, slots=True)
class ReadPosition:
    """How far an SLO has been read (Unix seconds), and whether rules had not recorded the minute there."""

    read_until: int
    is_raw: bool = False


@dataclass(frozen=True, slots=True)
class ReadProgress:
    """What was found behind one place, and the next place; *some_raw*: not all of it from rollups."""

    position: ReadPosition
    steps: StepCounts
    has_raw: bool


@dataclass(slots=True)
class ReadOutcome:
    """Filled as answers come, so that a time limit loses only what is still out; by SLO id."""

    progress: dict[str, ReadProgress] = field(default_factory=dict)
    issues: list[str] = field(default_factory=list)


def batch_slos(slos: Iterable[Slo], *, most: int = MAX_BATCH) -> Iterator[list[Slo]]:
    """Few enough for one query and its answer; *most* of those without groups."""
    batch: list[Slo] = []
    weight = 0
    for slo in slos:
        batch.append(slo)
        weight += _GROUPED_SLO_WEIGHT if slo.group_by else 1
        if weight >= most:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


def last_minute(seconds: float) -> int:
    """The end of the last whole minute."""
    return int(seconds) // FINE_STEP * FINE_STEP


async def read_minutes(
    ranges: RangeQueries,
    jobs: Sequence[tuple[Slo, ReadPosition]],
    style: LabelStyle,
    *,
    settled: float,
    outcome: ReadOutcome,
) -> None:
    """Every minute behind each place of which all samples from before *settled* tell; into *outcome*."""
    reader = _MinuteReader(
        ranges, style, {slo.id: place for slo, place in jobs}, settled=settled, outcome=outcome
    )
    end = last_minute(settled)
    at_same_place: dict[int, list[Slo]] = {}
    for slo, place in jobs:
        if place.read_until < end:
            at_same_place.setdefault(place.read_until, []).append(slo)
    async with asyncio.TaskGroup() as tasks:
        for start, slos in at_same_place.items():
            for batch in batch_slos(slos):
                tasks.create_task(reader.read_batch(batch, QueryRange(start, end)))


class _MinuteReader:
    """What the queries of one read have in common."""

    def __init__(
        self,
        ranges: RangeQueries,
        style: LabelStyle,
        places: Mapping[str, ReadPosition],
        *,
        settled: float,
        outcome: ReadOutcome,
    ) -> None:
        self._ranges = ranges
        self._style = style
        self._places = places
        self._settled = settled
        self._outcome = outcome

    async def read_batch(self, slos: Sequence[Slo], stretch: QueryRange) -> None:
        try:
            recorded = await recorded_steps(self._ranges, slos, self._style, stretch, step=FINE_STEP)
        except PrometheusError as trouble:
            self._outcome.issues.append(str(trouble))
            return
        async with asyncio.TaskGroup() as tasks:
            for slo in slos:
                tasks.create_task(self._add_raw_minutes(slo, stretch, recorded[slo.id]))

    async def _add_raw_minutes(self, slo: Slo, stretch: QueryRange, recorded: StepCounts) -> None:
        """Adds what no rule recorded."""
        # A scrape that began within the minute may take as long as the next one is away.
        raw_end = min(stretch.end, last_minute(self._settled - slo.scrape_interval))
        missing = [
            at for at in range(stretch.start + FINE_STEP, raw_end + 1, FINE_STEP) if at not in recorded
        ]
        raw: StepCounts = {}
        if missing:
            try:
                raw = await raw_steps(
                    self._ranges, slo, self._style, QueryRange(missing[0] - FINE_STEP, missing[-1])
                )
            except PrometheusError as trouble:
                self._outcome.issues.append(f"{slo.id}: {trouble}")
                raw_end = missing[0] - FINE_STEP
        self._outcome.progress[slo.id] = advance_position(
            self._places[slo.id], recorded, raw, end=stretch.end, raw_end=raw_end
        )


def advance_position(
    place: ReadPosition, recorded: StepCounts, raw: StepCounts, *, end: int, raw_end: int
) -> ReadProgress:
    """Minutes in order up to *end*, as far as they are known; *raw* tells of those up to *raw_end*.

    Rules turn somewhere within a minute: the first rollup that follows a minute of raw series shares events
    with it and is left out.
    """
    upto, was_raw, some_raw = place.read_until, place.is_raw, False
    steps: dict[int, Mapping[Group, EventCounts]] = {}
    for minute in range(place.read_until + FINE_STEP, end + 1, FINE_STEP):
        if minute in recorded:
            if not was_raw:
                steps[minute] = recorded[minute]
            was_raw = False
        elif minute <= raw_end:
            was_raw = minute in raw
            if was_raw:
                steps[minute] = raw[minute]
                some_raw = True
        else:
            break
        upto = minute
    return ReadProgress(ReadPosition(upto, is_raw=was_raw), steps, some_raw)


async def recorded_steps(
    ranges: RangeQueries,
    slos: Sequence[Slo],
    style: LabelStyle,
    stretch: QueryRange,
    *,
    step: int,
    **labels: str,
) -> dict[str, StepCounts]:
    """Rollups of *step* by SLO id, repairs included unless *labels* say otherwise; raises Unusable.

    Each recorded sample belongs to exactly one step, at whatever phase the rules turn.
    """
    names = (naming.event_count_metric(step), naming.error_count_metric(step))
    rollups = [last_range(recorded_series(slos, style, name, **labels), step) for name in names]
    events, errors = await _query_pair(
        ranges, [f"sum_over_time({each})" for each in rollups], stretch, step=step
    )
    events_of, errors_of = _group_rows(style.id, events), _group_rows(style.id, errors)
    return {
        slo.id: _pair_counts(
            _sum_by_group(slo, events_of.get(style.slo_id(slo), ())),
            _sum_by_group(slo, errors_of.get(style.slo_id(slo), ())),
        )
        for slo in slos
    }


async def raw_steps(ranges: RangeQueries, slo: Slo, style: LabelStyle, stretch: QueryRange) -> StepCounts:
    """Counts of each minute, computed from the raw series as the rules do; raises Unusable."""
    events, errors = await _query_pair(ranges, backfill_rollups(slo, style), stretch, step=FINE_STEP)
    return _pair_counts(_sum_by_group(slo, events), _sum_by_group(slo, errors))


def recorded_series(slos: Iterable[Slo], style: LabelStyle, metric: str, **more: str) -> str:
    """A series that the rules of *slos* recorded."""
    # Outside brackets a dash means itself; Prometheus looks plain alternatives up instead of matching them.
    ids = "|".join(re.escape(style.slo_id(slo)).replace(r"\-", "-") for slo in slos)
    exact = tuple(LabelMatcher(label, MatchOp.EQUAL, value) for label, value in more.items())
    return format_selector(Selector(metric, (LabelMatcher(style.id, MatchOp.MATCH, ids), *exact)))


async def _query_pair(
    ranges: RangeQueries, queries: Sequence[str], stretch: QueryRange, *, step: int
) -> tuple[list[RangeSeries], list[RangeSeries]]:
    # One after the other: as many at a time as the server shall bear are on their way for other SLOs.
    events, errors = [await ranges.query_range(query, stretch, step=step) for query in queries]
    return events, errors


def _group_rows(label: str, rows: Iterable[RangeSeries]) -> Mapping[str, Sequence[RangeSeries]]:
    found: dict[str, list[RangeSeries]] = {}
    for row in rows:
        found.setdefault(row.labels.get(label, ""), []).append(row)
    return found


def _sum_by_group(slo: Slo, rows: Iterable[RangeSeries]) -> _StepValues:
    values: dict[int, dict[Group, float]] = {}
    for row in rows:
        group = tuple(row.labels.get(label, "") for label in slo.group_by)
        for at, value in row.points.items():
            if isfinite(value):
                groups = values.setdefault(at, {})
                groups[group] = groups.get(group, 0.0) + value
    return values


def _pair_counts(events: _StepValues, errors: _StepValues) -> StepCounts:
    """Only where both sides are known."""
    pairs = {
        at: {
            group: EventCounts(error=errors[at][group], total=total)
            for group, total in groups.items()
            if group in errors[at]
        }
        for at, groups in events.items()
        if at in errors
    }
    return {at: groups for at, groups in pairs.items() if groups}
