"""What a Prometheus knows of the time before, taken into the ledger; nothing is counted twice."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import TypeAlias

from sloctl.duration import DAY
from sloctl.model import Slo
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.sources import Group
from sloctl.slo.resolutions import COARSE_STEP, EventCounts

# Counts of steps of at most five minutes, each up to a moment; asked with the moments, by SLO id, up to which
# they are known already.
HistoryReader: TypeAlias = Callable[
    [Mapping[str, float]], AsyncIterator[tuple[Slo, Group, float, EventCounts]]
]


async def backfill_history(ledger: Engine, past: HistoryReader, now: float) -> None:
    """Remember what the store did not know: the time since, and the time before.

    Of an SLO that the store knows for a whole window, or a day less, only the time since is asked; of another
    the whole window, and then up to five minutes after what the store knew stay unknown.
    """
    known = {slo.id: span for slo in ledger.slos if (span := ledger.data_span(slo)) is not None}
    whole = {slo.id for slo in ledger.slos if slo.id in known and known[slo.id][0] < _old(slo, now)}
    async for slo, group, at, counts in past({slo_id: known[slo_id][1] for slo_id in whole}):
        since, last = known.get(slo.id, (now, 0.0))
        begins = at if slo.id in whole else at - COARSE_STEP
        if at <= since or begins > last:
            ledger.backfill_counts(slo, group, at, counts)


def _old(slo: Slo, now: float) -> float:
    return now - slo.window.seconds + DAY
