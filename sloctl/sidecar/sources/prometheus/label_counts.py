"""Break the minutes of an SLO down by label value, to show what contributes to the errors.

Nothing is asked about an SLO that has no errors now and had none in the last hour.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import nlargest
from typing import Final, TypeAlias

from msgspec.structs import replace

from sloctl import naming
from sloctl.duration import MINUTE
from sloctl.model import CompositeIndicator, Labels, Selector, Slo
from sloctl.naming import LabelStyle
from sloctl.prometheus.answers import QueryRange
from sloctl.prometheus.async_client import RangeQueries
from sloctl.prometheus.errors import PrometheusError
from sloctl.promql import aggregate_by, format_selector, last_range, range_selector
from sloctl.sidecar.sources import PART_LABEL
from sloctl.sidecar.sources.counting.label_counts import MAX_PAIRS, WATCHED_SECONDS
from sloctl.sidecar.sources.counting.series import LabelPair
from sloctl.sidecar.sources.prometheus.minutes import ReadProgress, StepCounts, raw_steps, recorded_series
from sloctl.slo.journeys import attribute_errors
from sloctl.slo.lowering import CounterPair, EventPair, event_seconds, lower_indicator
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, EventCounts

# Of one SLO so many labels are broken down, found among so many series, and looked for so often.
_MOST_LABELS: Final = 4
_MOST_SERIES: Final = 200
_FIND_EVERY_SECONDS: Final = 10 * MINUTE

# The labels of a series, and how much it counts.
WeightedLabels: TypeAlias = tuple[Labels, float]
# Counts by minute, and by label and value.
LabelCounts: TypeAlias = Mapping[int, Mapping[LabelPair, EventCounts]]


class LabelCountQueries:
    """The queries that the rules consist of, grouped by each of *labels*, for SLOs with errors.

    Without *labels* they are found, for each SLO every ten minutes: those of its busiest series whose values
    have more of the errors than of the traffic.
    """

    def __init__(self, ranges: RangeQueries, style: LabelStyle, labels: Sequence[str] | None) -> None:
        self._ranges = ranges
        self._style = style
        self._labels = labels
        self._last_errors_at: dict[str, int] = {}
        # By SLO id: when its labels were looked for, and those that were found.
        self._found: dict[str, tuple[int, tuple[str, ...]]] = {}

    async def query_slos(
        self, progress_by_slo: Iterable[tuple[Slo, ReadProgress]], results: dict[str, LabelCounts]
    ) -> None:
        """Fill *results*, by SLO id, as answers come; an SLO whose query fails is left out."""
        if self._labels == ():
            return
        async with asyncio.TaskGroup() as tasks:
            for slo, progress in progress_by_slo:
                if progress.steps and self._has_recent_errors(slo, progress.steps):
                    tasks.create_task(self._query_labels(slo, progress.steps, results))

    def _has_recent_errors(self, slo: Slo, steps: StepCounts) -> bool:
        """Say whether *slo* had errors within the hour; minutes and slices have no labels."""
        if event_seconds(slo) is not None and not isinstance(slo.indicator, CompositeIndicator):
            return False
        erring = [at for at, groups in steps.items() if any(counts.error > 0 for counts in groups.values())]
        if erring:
            self._last_errors_at[slo.id] = max(erring)
        return self._last_errors_at.get(slo.id, 0) > max(steps) - WATCHED_SECONDS

    async def _query_labels(self, slo: Slo, steps: StepCounts, results: dict[str, LabelCounts]) -> None:
        span = QueryRange(min(steps) - FINE_STEP, max(steps))
        if isinstance(slo.indicator, CompositeIndicator):
            results[slo.id] = await self._query_parts(slo, slo.indicator, span)
            return
        sums: dict[int, dict[LabelPair, EventCounts]] = {at: {} for at in steps}
        pair = lower_indicator(slo.indicator)
        ignored = pair.deciding_labels if isinstance(pair, CounterPair) else frozenset[str]()
        labels = await self._find_labels(slo, pair, span.end) if self._labels is None else self._labels
        for label in labels:
            if label in ignored or label in slo.group_by:
                continue
            try:
                by_value = await raw_steps(self._ranges, replace(slo, group_by=(label,)), self._style, span)
            except PrometheusError:
                continue
            for at in steps:
                values = {
                    (label, value): counts for (value,), counts in by_value.get(at, {}).items() if value
                }
                worst = nlargest(MAX_PAIRS, values, key=lambda pair: (values[pair].error, values[pair].total))
                sums[at] |= {pair: values[pair] for pair in worst}
        results[slo.id] = sums

    async def _query_parts(self, slo: Slo, journey: CompositeIndicator, span: QueryRange) -> LabelCounts:
        """Query what each part brought to the minutes of a journey; nothing where no rules recorded it."""
        sides = []
        for metric in (naming.PART_ERRORS, naming.PART_EVENTS):
            recorded = last_range(recorded_series([slo], self._style, metric), FINE_STEP)
            by_part = aggregate_by("sum", (naming.JOURNEY_PART_LABEL,), f"sum_over_time({recorded})")
            try:
                sides.append(await self._ranges.query_range(by_part, span, step=FINE_STEP))
            except PrometheusError:
                return {}
        errors, events = (
            {series.labels.get(naming.JOURNEY_PART_LABEL, ""): series.points for series in side}
            for side in sides
        )
        shares: dict[int, dict[LabelPair, EventCounts]] = {}
        for at in sorted({at for points in events.values() for at in points}):
            minute = {
                part: EventCounts(errors[part][at], points[at])
                for part, points in events.items()
                if at in points and at in errors.get(part, {})
            }
            if minute.keys() >= {part.name for part in journey.parts}:
                attributed = attribute_errors(journey, minute)
                shares[at] = {(PART_LABEL, name): counts for name, counts in attributed.items()}
        return shares

    async def _find_labels(self, slo: Slo, pair: EventPair, now: int) -> Sequence[str]:
        """Find the labels that may tell bad events apart; none where no counters are behind the SLO."""
        if not isinstance(pair, CounterPair):
            return ()
        found_at, found = self._found.get(slo.id, (0, ()))
        if now - found_at >= _FIND_EVERY_SECONDS:
            try:
                errors = await self._busiest_series(pair.error, now)
                events = await self._busiest_series(pair.total, now)
            except PrometheusError:
                return found
            ignored = {"le", "__name__", *slo.group_by, *pair.deciding_labels}
            found = choose_labels(errors, events, ignored)
            self._found[slo.id] = now, found
        return found

    async def _busiest_series(self, selectors: Iterable[Selector], now: int) -> list[WeightedLabels]:
        """Query the labels of the series that grew most in five minutes, each with its increase."""
        increases = " or ".join(
            f"increase({range_selector(format_selector(each), COARSE_STEP)})" for each in selectors
        )
        query = f"topk({_MOST_SERIES}, {increases})"
        answer = await self._ranges.query_range(query, QueryRange(now - FINE_STEP, now), step=FINE_STEP)
        return [(series.labels, max(series.points.values(), default=0.0)) for series in answer]


def choose_labels(
    errors: Sequence[WeightedLabels], events: Sequence[WeightedLabels], ignored: Collection[str]
) -> tuple[str, ...]:
    """Choose the labels with a value that has more of *errors* than of *events*, the clearest first.

    Where the errors are a difference, as of a histogram, both are alike: then those with the fewest values.
    """
    names = {name for labels, _ in events for name in labels} - set(ignored)
    values = {name: {labels.get(name, "") for labels, _ in events} for name in names}
    excess = {name: _largest_excess(name, errors, events) for name in names if len(values[name]) > 1}
    ranked = sorted(excess, key=lambda name: (-round(excess[name], 2), len(values[name]), name))
    return tuple(ranked[:_MOST_LABELS])


def _largest_excess(name: str, errors: Sequence[WeightedLabels], events: Sequence[WeightedLabels]) -> float:
    """Return by how much one value of a label has more of *errors* than of *events*: a share."""
    shares = []
    for weighted in (errors, events):
        whole = sum(weight for _, weight in weighted) or 1.0
        share: dict[str, float] = {}
        for labels, weight in weighted:
            value = labels.get(name, "")
            share[value] = share.get(value, 0.0) + weight / whole
        shares.append(share)
    of_errors, of_events = shares
    return max((share - of_events.get(value, 0.0) for value, share in of_errors.items()), default=0.0)
