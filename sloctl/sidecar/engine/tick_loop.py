"""The loop: one read of the source, one board, per tick."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NoReturn

from opentelemetry.trace import get_tracer

from sloctl.sidecar.clock import Clock
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.sources import Source, SourceUnavailable

_log: Final = logging.getLogger(__name__)
_tracer: Final = get_tracer(__name__)


class SnapshotFeed:
    """The newest board, and a way to wait for the next one; a slow reader skips boards, never blocks them."""

    def __init__(self, board: Snapshot) -> None:
        self.snapshot = board
        self._published = asyncio.Event()

    def publish_snapshot(self, board: Snapshot) -> None:
        self.snapshot = board
        self._published.set()
        self._published = asyncio.Event()

    async def next_snapshot(self) -> Snapshot:
        await self._published.wait()
        return self.snapshot


async def poll_source(source: Source, ledger: Engine, board: Snapshot, now: float) -> Snapshot:
    """The board after one read; the last one marked stale when the source gives nothing.

    After a start that is what the ledger remembers: a page goes on over a restart while its target is down.
    Others have their turn while a large board is made.
    """
    try:
        readings = await source.read_counts(now)
    except SourceUnavailable as trouble:
        remembered = board if board.has_data else ledger.record_tick(now, ())
        return (remembered if remembered.has_data else board).marked_stale(str(trouble))
    recording = ledger.record_in_pieces(now, readings)
    while (recorded := next(recording)) is None:  # noqa: ASYNC110 - what it waits for is its own work
        await asyncio.sleep(0)
    return recorded


def _no_trouble() -> str | None:
    return None


class TickLoop:
    """Ticks every *interval* seconds; *ticked* is when the last tick ended, *took* how many seconds it took.

    *store_trouble* is asked at each tick.
    """

    def __init__(
        self,
        ledger: Engine,
        feed: SnapshotFeed,
        *,
        time: Clock,
        interval: float,
        store_trouble: Callable[[], str | None] = _no_trouble,
    ) -> None:
        self._ledger = ledger
        self._feed = feed
        self._time = time
        self._interval = interval
        self._store_trouble = store_trouble
        self.last_tick_at = time.now()
        self.last_tick_seconds = 0.0

    async def run(self, source: Source) -> NoReturn:
        """Until cancelled. A tick longer than the interval delays the next; none is made up for."""
        while True:
            began = self._time.now()
            self._feed.publish_snapshot(await self._run_tick(source, began))
            self.last_tick_at = self._time.now()
            self.last_tick_seconds = self.last_tick_at - began
            await self._time.sleep(max(0.0, began + self._interval - self.last_tick_at))

    @_tracer.start_as_current_span("tick")
    async def _run_tick(self, source: Source, now: float) -> Snapshot:
        try:
            board = await poll_source(source, self._ledger, self._feed.snapshot, now)
        except Exception as bug:  # noqa: BLE001 - whoever is on call needs the next tick more than this one
            _log.exception("a tick failed through a mistake of ours")
            board = self._feed.snapshot.marked_stale(
                f"a mistake in sloctl: {type(bug).__name__}; the log has more"
            )
        return replace(board, store_issue=self._store_trouble())
