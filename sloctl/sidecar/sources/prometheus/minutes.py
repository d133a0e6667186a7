"""Read counts of whole minutes: recorded rollups, else the queries that the rules consist of.

No event is counted twice, whichever way a minute is read and however often that changes.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final, TypeAlias

from sloctl import naming
from sloctl.model import (
    CompositeIndicator,
    ConditionIndicator,
    ErrorRatioIndicator,
    LabelMatcher,
    MatchOp,
    QueryIndicator,
    Selector,
    Slo,
    WhenAbsent,
    WindowQuery,
)
from sloctl.naming import LabelStyle
from sloctl.prometheus.answers import QueryRange, RangeSeries
from sloctl.prometheus.async_client import RangeQueries
from sloctl.prometheus.errors import PrometheusError
from sloctl.promql import format_selector, last_range
from sloctl.rules.backfill_queries import backfill_rollups, bind_errors
from sloctl.sidecar.sources import Group
from sloctl.slo.resolutions import FINE_STEP, EventCounts
from sloctl.slo.window_queries import lacks_label

# SLOs that share a query; one with groups may have as many series as so many without.
MAX_BATCH: Final = 200
_GROUPED_SLO_WEIGHT: Final = 20

# Counts by the end of their step.
StepCounts: TypeAlias = Mapping[int, Mapping[Group, EventCounts]]
_StepValues: TypeAlias = Mapping[int, Mapping[Group, float]]


@dataclass(frozen=True, slots=True)
class ReadPosition:
    """The minute up to which an SLO has been read (Unix seconds), and whether it came from raw series."""

    read_until: int
    is_raw: bool = False


@dataclass(frozen=True, slots=True)
class ReadProgress:
    """The minutes after one position, and the next position.

    Of the minutes in *steps* those in *raw* are no rollups; the rollups in *left_out* share events with them.
    """

    position: ReadPosition
    steps: StepCounts
    raw: StepCounts
    left_out: StepCounts

    def empty_minutes(self, start: int) -> list[int]:
        """Return the minutes after *start* of which nothing is known."""
        minutes = range(start + FINE_STEP, self.position.read_until + 1, FINE_STEP)
        return [minute for minute in minutes if minute not in self.steps and minute not in self.left_out]


@dataclass(frozen=True, slots=True)
class RepairedSpan:
    """What repairs added to the time from *begin* to *end* (Unix seconds), in which nothing was counted."""

    begin: int
    end: int
    groups: Mapping[Group, EventCounts]


@dataclass(slots=True)
class ReadOutcome:
    """Progress and repairs by SLO id, filled as answers come: a time limit loses only those still out."""

    progress: dict[str, ReadProgress] = field(default_factory=dict)
    repairs: dict[str, Sequence[RepairedSpan]] = field(default_factory=dict)
    issues: list[str] = field(default_factory=list)


def batch_slos(slos: Iterable[Slo], *, most: int = MAX_BATCH) -> Iterator[list[Slo]]:
    """Split *slos* into batches for one query each; of those without groups *most* go together."""
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
    """Return the end of the last whole minute before *seconds*."""
    return int(seconds) // FINE_STEP * FINE_STEP


async def read_minutes(
    ranges: RangeQueries,
    jobs: Sequence[tuple[Slo, ReadPosition]],
    style: LabelStyle,
    *,
    settled: float,
    outcome: ReadOutcome,
) -> None:
    """Read every minute after each position that is complete by *settled*, into *outcome*."""
    reader = _MinuteReader(
        ranges, style, {slo.id: position for slo, position in jobs}, settled=settled, outcome=outcome
    )
    end = last_minute(settled)
    by_start: dict[int, list[Slo]] = {}
    for slo, position in jobs:
        if position.read_until < end:
            by_start.setdefault(position.read_until, []).append(slo)
    async with asyncio.TaskGroup() as tasks:
        for start, slos in by_start.items():
            for batch in batch_slos(slos):
                tasks.create_task(reader.read_batch(batch, QueryRange(start, end)))


class _MinuteReader:
    """The queries of one read, and where their answers go."""

    def __init__(
        self,
        ranges: RangeQueries,
        style: LabelStyle,
        positions: Mapping[str, ReadPosition],
        *,
        settled: float,
        outcome: ReadOutcome,
    ) -> None:
        self._ranges = ranges
        self._style = style
        self._positions = positions
        self._settled = settled
        self._outcome = outcome

    async def read_batch(self, slos: Sequence[Slo], span: QueryRange) -> None:
        try:
            recorded = await recorded_steps(self._ranges, slos, self._style, span, step=FINE_STEP)
        except PrometheusError as failure:
            self._outcome.issues.append(str(failure))
            return
        async with asyncio.TaskGroup() as tasks:
            for slo in slos:
                tasks.create_task(self._add_raw_minutes(slo, span, recorded[slo.id]))

    async def _add_raw_minutes(self, slo: Slo, span: QueryRange, recorded: StepCounts) -> None:
        """Read the minutes that no rule recorded from the raw series, and note how far that goes."""
        # A scrape that began within the minute may take as long as the next one is away.
        raw_end = min(span.end, last_minute(self._settled - slo.scrape_interval))
        missing = [at for at in range(span.start + FINE_STEP, raw_end + 1, FINE_STEP) if at not in recorded]
        raw: StepCounts = {}
        if missing:
            try:
                raw = await raw_steps(
                    self._ranges, slo, self._style, QueryRange(missing[0] - FINE_STEP, missing[-1])
                )
            except PrometheusError as failure:
                self._outcome.issues.append(f"{slo.id}: {failure}")
                raw_end = missing[0] - FINE_STEP
        self._outcome.progress[slo.id] = advance_position(
            self._positions[slo.id], recorded, raw, end=span.end, raw_end=raw_end
        )


def advance_position(
    position: ReadPosition, recorded: StepCounts, raw: StepCounts, *, end: int, raw_end: int
) -> ReadProgress:
    """Put the known minutes up to *end* in order; *raw* is complete up to *raw_end*.

    Rules are evaluated somewhere within a minute: the first rollup that follows a minute of raw series shares
    events with it and is left out.
    """
    read_until, was_raw = position.read_until, position.is_raw
    steps: dict[int, Mapping[Group, EventCounts]] = {}
    left_out: dict[int, Mapping[Group, EventCounts]] = {}
    for minute in range(position.read_until + FINE_STEP, end + 1, FINE_STEP):
        if minute in recorded:
            (left_out if was_raw else steps)[minute] = recorded[minute]
            was_raw = False
        elif minute <= raw_end:
            was_raw = minute in raw
            if was_raw:
                steps[minute] = raw[minute]
        else:
            break
        read_until = minute
    used = {minute: counts for minute, counts in raw.items() if minute in steps and minute not in recorded}
    return ReadProgress(ReadPosition(read_until, is_raw=was_raw), steps, used, left_out)


async def recorded_steps(
    ranges: RangeQueries,
    slos: Sequence[Slo],
    style: LabelStyle,
    span: QueryRange,
    *,
    step: int,
    **labels: str,
) -> dict[str, StepCounts]:
    """Read the rollups of *step* by SLO id, repairs included unless *labels* say otherwise.

    Each recorded sample belongs to exactly one step, at whatever phase the rules run. Raises PrometheusError.
    """
    names = (naming.event_count_metric(step), naming.error_count_metric(step))
    rollups = [last_range(recorded_series(slos, style, name, **labels), step) for name in names]
    events, errors = await _query_pair(
        ranges, [f"sum_over_time({each})" for each in rollups], span, step=step
    )
    events_of, errors_of = _group_rows(style.id, events), _group_rows(style.id, errors)
    return {
        slo.id: _pair_counts(
            _sum_by_group(slo, events_of.get(style.slo_id(slo), ())),
            _sum_by_group(slo, errors_of.get(style.slo_id(slo), ())),
        )
        for slo in slos
    }


async def raw_steps(ranges: RangeQueries, slo: Slo, style: LabelStyle, span: QueryRange) -> StepCounts:
    """Compute the counts of each minute from the raw series as the rules do; raise PrometheusError.

    None of an SLO whose own PromQL has lost a label of its groups: the sum of all would be nobody's. A
    journey's are as late as those that rules record, lest one be counted twice where these begin.
    """
    if not _keeps_groups(slo):
        return {}
    late = FINE_STEP * slo.indicator.minutes_behind if isinstance(slo.indicator, CompositeIndicator) else 0
    asked = QueryRange(span.start - late, span.end - late)
    events, errors = await _query_pair(ranges, backfill_rollups(slo, style), asked, step=FINE_STEP)
    counts = _bound_counts(_sum_by_group(slo, events), _sum_by_group(slo, errors))
    return {at + late: groups for at, groups in counts.items()}


def _keeps_groups(slo: Slo) -> bool:
    """Tell whether what an SLO counts has the labels of its groups, as far as the text proves."""
    match slo.indicator:
        case QueryIndicator(_, part, total):
            queries = [part, total]
        case ErrorRatioIndicator(ratio):
            queries = [ratio]
        case ConditionIndicator(good, when_absent):
            if slo.group_by and when_absent is not WhenAbsent.IGNORE:
                return False
            queries = [WindowQuery(good)]
        case CompositeIndicator():
            return not slo.group_by
        case _:
            return True
    return not any(lacks_label(query, label) for query in queries for label in slo.group_by)


def recorded_series(slos: Iterable[Slo], style: LabelStyle, metric: str, **more: str) -> str:
    """Write the selector of a series that the rules of *slos* recorded."""
    # Outside brackets a dash means itself; Prometheus looks plain alternatives up instead of matching them.
    ids = "|".join(re.escape(style.slo_id(slo)).replace(r"\-", "-") for slo in slos)
    exact = tuple(LabelMatcher(label, MatchOp.EQUAL, value) for label, value in more.items())
    return format_selector(Selector(metric, (LabelMatcher(style.id, MatchOp.MATCH, ids), *exact)))


def sum_steps(every: Iterable[StepCounts]) -> dict[Group, EventCounts]:
    """Sum all steps by group."""
    sums: dict[Group, EventCounts] = {}
    for steps in every:
        for groups in steps.values():
            for group, counts in groups.items():
                so_far = sums.get(group, EventCounts(0.0, 0.0))
                sums[group] = EventCounts(
                    error=so_far.error + counts.error, total=so_far.total + counts.total
                )
    return sums


async def _query_pair(
    ranges: RangeQueries, queries: Sequence[str], span: QueryRange, *, step: int
) -> tuple[list[RangeSeries], list[RangeSeries]]:
    # One after the other: as many at a time as the server is to bear are asked for other SLOs.
    events, errors = [await ranges.query_range(query, span, step=step) for query in queries]
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
    """Pair the two sides, where both are known."""
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


def _bound_counts(events: _StepValues, errors: _StepValues) -> StepCounts:
    """Bind errors by the events; events without errors have none."""
    return {
        at: {
            group: EventCounts(error=bind_errors(errors.get(at, {}).get(group), total), total=total)
            for group, total in groups.items()
        }
        for at, groups in events.items()
    }
