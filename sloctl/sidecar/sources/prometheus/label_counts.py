"""Of the minutes of an SLO, how many events belong to each value of a label: what burns.

Its one law: nothing is asked about an SLO that has no errors now and had none in the last hour.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from typing import Final, TypeAlias

from msgspec.structs import replace

from sloctl.duration import HOUR
from sloctl.model import ConditionIndicator, ErrorRatioIndicator, Slo
from sloctl.naming import LabelStyle
from sloctl.prometheus.answers import QueryRange
from sloctl.prometheus.async_client import RangeQueries
from sloctl.prometheus.errors import PrometheusError
from sloctl.sidecar.sources.prometheus.minutes import ReadProgress, StepCounts, raw_steps
from sloctl.slo.resolutions import FINE_STEP, EventCounts

# Per SLO, label and minute, those with most errors.
MAX_VALUES: Final = 200

# By minute, counts per label and value.
LabelCounts: TypeAlias = Mapping[int, Mapping[tuple[str, str], EventCounts]]


class LabelCountQueries:
    """Asks for each of *labels* about SLOs that burn, by the queries the rules consist of, grouped by it."""

    def __init__(self, ranges: RangeQueries, style: LabelStyle, labels: Sequence[str]) -> None:
        self._ranges = ranges
        self._style = style
        self._labels = labels
        self._erred_at: dict[str, int] = {}

    async def query_slos(
        self, found: Iterable[tuple[Slo, ReadProgress]], told: dict[str, LabelCounts]
    ) -> None:
        """Into *told*, by SLO id, as answers come; what cannot be told is left out."""
        if not self._labels:
            return
        async with asyncio.TaskGroup() as tasks:
            for slo, progress in found:
                if progress.steps and self._has_recent_errors(slo, progress.steps):
                    tasks.create_task(self._query_labels(slo, progress.steps, told))

    def _has_recent_errors(self, slo: Slo, steps: StepCounts) -> bool:
        """A minute that counts as a whole belongs to no label."""
        if isinstance(slo.indicator, ConditionIndicator | ErrorRatioIndicator):
            return False
        erring = [at for at, groups in steps.items() if any(counts.error > 0 for counts in groups.values())]
        if erring:
            self._erred_at[slo.id] = max(erring)
        return self._erred_at.get(slo.id, 0) > max(steps) - HOUR

    async def _query_labels(self, slo: Slo, steps: StepCounts, told: dict[str, LabelCounts]) -> None:
        stretch = QueryRange(min(steps) - FINE_STEP, max(steps))
        sums: dict[int, dict[tuple[str, str], EventCounts]] = {at: {} for at in steps}
        for label in self._labels:
            if label in slo.group_by:
                continue
            try:
                by_value = await raw_steps(
                    self._ranges, replace(slo, group_by=(label,)), self._style, stretch
                )
            except PrometheusError:
                continue
            for at in steps:
                values = {
                    (label, value): counts for (value,), counts in by_value.get(at, {}).items() if value
                }
                worst = nlargest(
                    MAX_VALUES, values, key=lambda pair: (values[pair].error, values[pair].total)
                )
                sums[at] |= {pair: values[pair] for pair in worst}
        told[slo.id] = sums
