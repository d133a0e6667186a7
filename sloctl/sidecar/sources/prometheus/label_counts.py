"""Break the minutes of an SLO down by label value, to show what contributes to the errors.

Nothing is asked about an SLO that has no errors now and had none in the last hour.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from typing import TypeAlias

from msgspec.structs import replace

from sloctl.model import ConditionIndicator, ErrorRatioIndicator, Slo
from sloctl.naming import LabelStyle
from sloctl.prometheus.answers import QueryRange
from sloctl.prometheus.async_client import RangeQueries
from sloctl.prometheus.errors import PrometheusError
from sloctl.sidecar.sources.counting.label_counts import MAX_PAIRS, WATCHED_SECONDS
from sloctl.sidecar.sources.counting.series import LabelPair
from sloctl.sidecar.sources.prometheus.minutes import ReadProgress, StepCounts, raw_steps
from sloctl.slo.resolutions import FINE_STEP, EventCounts

# Counts by minute, and by label and value.
LabelCounts: TypeAlias = Mapping[int, Mapping[LabelPair, EventCounts]]


class LabelCountQueries:
    """The queries that the rules consist of, grouped by each of *labels*, for SLOs with errors."""

    def __init__(self, ranges: RangeQueries, style: LabelStyle, labels: Sequence[str]) -> None:
        self._ranges = ranges
        self._style = style
        self._labels = labels
        self._last_errors_at: dict[str, int] = {}

    async def query_slos(
        self, progress_by_slo: Iterable[tuple[Slo, ReadProgress]], results: dict[str, LabelCounts]
    ) -> None:
        """Fill *results*, by SLO id, as answers come; an SLO whose query fails is left out."""
        if not self._labels:
            return
        async with asyncio.TaskGroup() as tasks:
            for slo, progress in progress_by_slo:
                if progress.steps and self._has_recent_errors(slo, progress.steps):
                    tasks.create_task(self._query_labels(slo, progress.steps, results))

    def _has_recent_errors(self, slo: Slo, steps: StepCounts) -> bool:
        """Say whether *slo* had errors within the hour; whole minutes that count as one have no labels."""
        if isinstance(slo.indicator, ConditionIndicator | ErrorRatioIndicator):
            return False
        erring = [at for at, groups in steps.items() if any(counts.error > 0 for counts in groups.values())]
        if erring:
            self._last_errors_at[slo.id] = max(erring)
        return self._last_errors_at.get(slo.id, 0) > max(steps) - WATCHED_SECONDS

    async def _query_labels(self, slo: Slo, steps: StepCounts, results: dict[str, LabelCounts]) -> None:
        span = QueryRange(min(steps) - FINE_STEP, max(steps))
        sums: dict[int, dict[LabelPair, EventCounts]] = {at: {} for at in steps}
        for label in self._labels:
            if label in slo.group_by:
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
