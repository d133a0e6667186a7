"""History backfill: filling the windows at start from a Prometheus, while live counts wait.

Law: no snapshot is made of live counts alone while the history is being read. A young window would page on
what the whole of it forgives. And nothing is counted twice: what the store knows is not asked for again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

from sloctl.duration import DAY
from sloctl.model import Slo
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.runtime import cancel_tasks
from sloctl.sidecar.sources import Group, IntervalCounts, Source, SourceUnavailable
from sloctl.slo.resolutions import EventCounts

# Past this the live counts go on alone: on call they are needed more than a full month.
BACKFILL_LIMIT_SECONDS: Final = 120.0

# Gives counts of steps of at most five minutes, each up to a moment, the seconds of the step, and whether it
# is a repair. The moments up to which counts, and repairs, are known already, by SLO id, are its arguments.
HistoryReader: TypeAlias = Callable[
    [Mapping[str, float], Mapping[str, float]],
    AsyncIterator[tuple[Slo, Group, float, EventCounts, int, bool]],
]

_log: Final = logging.getLogger(__name__)


async def backfill_history(engine: Engine, read_history: HistoryReader, now: float) -> None:
    """Count what the store did not know: the time since, and the time before.

    Of an SLO that the store knows for a whole window, or a day less, only the time since is read; of another
    the whole window, and then up to one step after what the store knew stays unknown: a minute, or after a
    downtime of more than six hours five.
    """
    known = {slo.id: span for slo in engine.slos if (span := engine.data_span(slo)) is not None}
    whole = {
        slo.id for slo in engine.slos if slo.id in known and known[slo.id][0] < now - slo.window.longest + DAY
    }
    last_known = {slo_id: last for slo_id, (_, last) in known.items()}
    past = read_history({slo_id: last_known[slo_id] for slo_id in whole}, last_known)
    async for slo, group, at, counts, seconds, is_repair in past:
        since, last = known.get(slo.id, (now, 0.0))
        if is_repair:
            engine.backfill_repair(slo, group, at, counts, seconds=seconds)
            continue
        # Of the first step after what is known, a part may be known too.
        if at <= since or slo.id in whole or at - seconds >= last:
            unknown = seconds if at <= last else min(seconds, at - last)
            engine.backfill_counts(slo, group, at, counts, seconds=unknown)


class BackfillingSource:
    """*source*, read only after *backfill* has ended; *issue* says why that ended early.

    With *waits* the source must not be read before; without, its counts are kept until then.
    """

    def __init__(self, source: Source, backfill: Callable[[], Awaitable[None]], *, waits: bool) -> None:
        self.issue: str | None = None
        self._source = source
        self._backfill = backfill
        self._waits = waits
        self._held: list[IntervalCounts] = []
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def open_backfill(self) -> AsyncIterator["BackfillingSource"]:
        """Read the history in the background until left."""
        self._task = asyncio.create_task(self._run_backfill(), name="history backfill")
        try:
            yield self
        finally:
            await cancel_tasks([self._task])

    async def read_counts(self, now: float) -> Sequence[IntervalCounts]:
        """Give what has waited, and what is new; raises SourceUnavailable while the history is being read."""
        if self._task is not None and not self._task.done():
            if not self._waits:
                self._held += await self._source.read_counts(now)
            raise SourceUnavailable("the windows are still being filled with what Prometheus has seen")
        readings = await self._source.read_counts(now)
        held, self._held = self._held, []
        return [*held, *readings]

    async def _run_backfill(self) -> None:
        try:
            async with asyncio.timeout(BACKFILL_LIMIT_SECONDS):
                await self._backfill()
        except TimeoutError:
            self.issue = (
                f"the past was not read within {BACKFILL_LIMIT_SECONDS:g} s: windows may be shorter than told"
            )
        except SourceUnavailable as failure:
            self.issue = f"the past was not read: {failure}"
        except Exception:  # noqa: BLE001 - without its past the sidecar still serves what happens now
            _log.exception("reading the past failed through a mistake of ours")
            self.issue = "the past was not read through a mistake in sloctl; the log has more"
        if self.issue is not None:
            _log.warning("%s", self.issue)
