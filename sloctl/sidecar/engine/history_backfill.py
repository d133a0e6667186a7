"""A source whose windows are filled from a Prometheus first, while live counts wait.

Its one law: no board is made of live counts alone while the past is being read. A young window would page on
what the whole of it forgives.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from sloctl.sidecar.sources import IntervalCounts, Source, SourceUnavailable

# Past this the live counts go on alone: whoever is on call needs them more than a full month.
BACKFILL_LIMIT_SECONDS: Final = 120.0

_log: Final = logging.getLogger(__name__)


class BackfillingSource:
    """*source*, read only after *remember* has ended; *trouble* says why it ended early."""

    def __init__(self, source: Source, remember: Callable[[], Awaitable[None]], *, waits: bool) -> None:
        self.issue: str | None = None
        self._source = source
        self._remember = remember
        # Whether the source must not be read before it has remembered.
        self._waits = waits
        self._kept: list[IntervalCounts] = []
        self._past: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def open_backfill(self) -> AsyncIterator["BackfillingSource"]:
        """Reads the past beside whatever else goes on."""
        self._past = asyncio.create_task(self._run_backfill(), name="past")
        try:
            yield self
        finally:
            self._past.cancel()
            with suppress(asyncio.CancelledError):
                await self._past

    async def read_counts(self, now: float) -> Sequence[IntervalCounts]:
        """What has waited, and what is new; raises Unreadable as long as the past is being read."""
        if self._past is not None and not self._past.done():
            if not self._waits:
                self._kept += await self._source.read_counts(now)
            raise SourceUnavailable("the windows are still being filled with what Prometheus has seen")
        readings = await self._source.read_counts(now)
        kept, self._kept = self._kept, []
        return [*kept, *readings]

    async def _run_backfill(self) -> None:
        try:
            async with asyncio.timeout(BACKFILL_LIMIT_SECONDS):
                await self._remember()
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
