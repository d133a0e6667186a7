"""Read what the repairs of the rules added: events of minutes that no rollup holds.

A repair is stamped when it is made, up to 41 minutes late. Its events belong to the minutes in its reach of
which there is nothing; where there are none, before all of them. Minutes that were read from raw series, for
want of a rollup, are among what a repair adds: only what it adds beyond them is new. So in the end an SLO has
the counts of the rules.

Nothing is kept in between: whatever was read before, by whichever process, is read again for a repair, of
which there are few.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sloctl.model import Slo
from sloctl.naming import LabelStyle
from sloctl.prometheus.answers import QueryRange
from sloctl.prometheus.async_client import RangeQueries
from sloctl.prometheus.errors import PrometheusError
from sloctl.sidecar.sources import Group
from sloctl.sidecar.sources.prometheus.minutes import (
    ReadOutcome,
    ReadPosition,
    ReadProgress,
    RepairedSpan,
    StepCounts,
    batch_slos,
    read_minutes,
    recorded_steps,
    sum_steps,
)
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, REPAIR_REACH, EventCounts

# The range of a repair is ten minutes shorter than its reach and ends up to eleven before its stamp.
_REACH: Final = REPAIR_REACH + COARSE_STEP
_NOTHING: Final = EventCounts(error=0.0, total=0.0)


async def read_due_repairs(
    ranges: RangeQueries,
    jobs: Sequence[tuple[Slo, ReadPosition]],
    style: LabelStyle,
    *,
    outcome: ReadOutcome,
) -> None:
    """Read the repairs of the coarse steps that ended with the minutes of *outcome*, into it.

    Minutes whose repairs cannot be read are taken out of it: they are read again, with their repairs.
    """

    async def read_batch(batch: Sequence[Slo], span: QueryRange) -> None:
        # Until then they do not count as read, whatever ends this.
        progress = {slo.id: outcome.progress.pop(slo.id) for slo in batch}
        try:
            outcome.repairs.update(await repaired_spans(ranges, batch, style, span))
        except PrometheusError as failure:
            outcome.issues.append(str(failure))
        else:
            outcome.progress.update(progress)

    async with asyncio.TaskGroup() as tasks:
        for span, slos in slos_by_due_steps(jobs, outcome).items():
            for batch in batch_slos(slos):
                tasks.create_task(read_batch(batch, span))


def slos_by_due_steps(
    jobs: Sequence[tuple[Slo, ReadPosition]], outcome: ReadOutcome
) -> dict[QueryRange, list[Slo]]:
    by_span: dict[QueryRange, list[Slo]] = {}
    for slo, position in jobs:
        if (progress := outcome.progress.get(slo.id)) is not None:
            span = repair_steps(position.read_until, progress.position.read_until)
            if span.start < span.end:
                by_span.setdefault(span, []).append(slo)
    return by_span


def repair_steps(read_until: int, end: int) -> QueryRange:
    """Return the coarse steps whose repairs are read with the minutes from *read_until* to *end*."""
    return QueryRange(read_until // COARSE_STEP * COARSE_STEP, end // COARSE_STEP * COARSE_STEP)


async def repaired_spans(
    ranges: RangeQueries, slos: Sequence[Slo], style: LabelStyle, span: QueryRange
) -> dict[str, list[RepairedSpan]]:
    """Read what the repairs within *span* added to what there is besides; raise PrometheusError."""
    new = await read_repairs(ranges, slos, style, span)
    repaired = [slo for slo in slos if slo.id in new]
    if not repaired:
        return {}
    reach = QueryRange(span.start - _REACH, span.end)
    before = await read_repairs(ranges, repaired, style, QueryRange(reach.start, span.start))
    outcome = ReadOutcome()
    jobs = [(slo, ReadPosition(reach.start)) for slo in repaired]
    await read_minutes(ranges, jobs, style, settled=float(reach.end), outcome=outcome)
    found: dict[str, list[RepairedSpan]] = {}
    for slo in repaired:
        if (progress := outcome.progress.get(slo.id)) is None:
            raise PrometheusError(next(iter(outcome.issues), "the minutes of a repair are not there"))
        added = added_counts(before.get(slo.id, {}), new[slo.id], progress)
        found[slo.id] = list(spread_counts(added, progress, reach.start))
    return found


async def read_repairs(
    ranges: RangeQueries, slos: Sequence[Slo], style: LabelStyle, span: QueryRange
) -> dict[str, StepCounts]:
    """Read the repairs that added anything, by SLO id and coarse step."""
    repairs = await recorded_steps(ranges, slos, style, span, step=COARSE_STEP, **{style.part: "repair"})
    return {
        slo_id: steps
        for slo_id, steps in repairs.items()
        if any(counts.total > 0 for groups in steps.values() for counts in groups.values())
    }


def added_counts(before: StepCounts, new: StepCounts, progress: ReadProgress) -> dict[Group, EventCounts]:
    """Return what the *new* repairs add beyond raw minutes, of which those *before* added their part."""
    old, every = sum_steps([before]), sum_steps([before, new])
    raw, left_out = sum_steps([progress.raw]), sum_steps([progress.left_out])
    added: dict[Group, EventCounts] = {}
    for group, counts in every.items():
        in_raw, in_left_out = raw.get(group, _NOTHING), left_out.get(group, _NOTHING)
        was = old.get(group, _NOTHING)
        total = rise_above(was.total, counts.total, in_raw.total - in_left_out.total)
        error = rise_above(was.error, counts.error, in_raw.error - in_left_out.error)
        if total > 0:
            added[group] = EventCounts(error=min(error, total), total=total)
    return added


def rise_above(before: float, after: float, known: float) -> float:
    """Return by how much what exceeds *known* rises."""
    return max(0.0, after - known) - max(0.0, before - known)


def spread_counts(
    added: Mapping[Group, EventCounts], progress: ReadProgress, start: int
) -> Iterator[RepairedSpan]:
    """Spread counts over the minutes without any, between those with some; else put them at *start*."""
    first = min(progress.steps, default=start)
    empty = [minute for minute in progress.empty_minutes(start) if first < minute < max(progress.steps)]
    if not added:
        return
    by_step: dict[int, list[int]] = {}
    for minute in empty or [start + FINE_STEP]:
        by_step.setdefault(-(-minute // COARSE_STEP), []).append(minute)
    for minutes in by_step.values():
        share = len(minutes) / max(1, len(empty))
        groups = {
            group: EventCounts(error=counts.error * share, total=counts.total * share)
            for group, counts in added.items()
        }
        yield RepairedSpan(minutes[0] - FINE_STEP, minutes[-1], groups)
