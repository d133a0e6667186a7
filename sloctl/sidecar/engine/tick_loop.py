"""The tick loop: one read of the source and one snapshot per tick, and the feed that publishes it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NoReturn

from opentelemetry.trace import get_tracer

from sloctl.sidecar.clock import Clock
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.sources import IntervalCounts, Source, SourceUnavailable

# A read that takes longer hangs through a mistake of ours.
_LONGEST_READ_SECONDS: Final = 600.0

_log: Final = logging.getLogger(__name__)
_tracer: Final = get_tracer(__name__)


class SnapshotFeed:
    """The newest snapshot, and a way to wait for the next one; a slow reader skips some, and blocks none."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._published = asyncio.Event()

    def publish_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._published.set()
        self._published = asyncio.Event()

    async def next_snapshot(self) -> Snapshot:
        await self._published.wait()
        return self.snapshot


async def poll_source(source: Source, engine: Engine, snapshot: Snapshot, now: float) -> Snapshot:
    """Read the source once and give the next snapshot: the last one, marked stale, when it gives nothing.

    After a start that is what the engine restored: a page goes on over a restart while its target is down.
    Others have their turn while a large snapshot is made.
    """
    try:
        readings = await source.read_counts(now)
    except SourceUnavailable as failure:
        restored = snapshot if snapshot.has_data else engine.record_tick(now, ())
        return (restored if restored.has_data else snapshot).marked_stale(str(failure))
    pieces = engine.record_in_pieces(now, readings)
    while (recorded := next(pieces)) is None:  # noqa: ASYNC110 - what it waits for is its own work
        await asyncio.sleep(0)
    return recorded


class ObservedSource:
    """A source that shows whether it is being read: who waits for it is not stuck."""

    def __init__(self, source: Source, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._reading_since: float | None = None
        self._last_read_at = clock.now()

    async def read_counts(self, now: float) -> Sequence[IntervalCounts]:
        self._reading_since = self._clock.now()
        try:
            return await self._source.read_counts(now)
        finally:
            self._reading_since, self._last_read_at = None, self._clock.now()

    @property
    def last_progress_at(self) -> float:
        """When it was last read, or is: a source has time limits of its own, far below the one here."""
        if self._reading_since is None:
            return self._last_read_at
        longest = _LONGEST_READ_SECONDS * self._clock.speed
        return min(self._clock.now(), self._reading_since + longest)


class TickLoop:
    """A tick every *interval* seconds; *store_issue* gives at each what the store cannot do.

    *last_tick_at* is when the last one ended, *last_tick_seconds* how long it took.
    """

    def __init__(
        self,
        engine: Engine,
        feed: SnapshotFeed,
        *,
        clock: Clock,
        interval: float,
        store_issue: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._feed = feed
        self._clock = clock
        self._interval = interval
        self._store_issue = store_issue
        self.last_tick_at = clock.now()
        self.last_tick_seconds = 0.0
        self._observed: ObservedSource | None = None

    @property
    def last_progress_at(self) -> float:
        """When the loop last did its own part; targets that do not answer do not make it older."""
        read_at = 0.0 if self._observed is None else self._observed.last_progress_at
        return max(self.last_tick_at, read_at)

    async def run(self, source: Source) -> NoReturn:
        """Tick until cancelled; a tick longer than the interval delays the next, none is made up for."""
        self._observed = observed = ObservedSource(source, self._clock)
        while True:
            began = self._clock.now()
            self._feed.publish_snapshot(await self._run_tick(observed, began))
            self.last_tick_at = self._clock.now()
            self.last_tick_seconds = self.last_tick_at - began
            await self._clock.sleep(max(0.0, began + self._interval - self.last_tick_at))

    @_tracer.start_as_current_span("tick")
    async def _run_tick(self, source: Source, now: float) -> Snapshot:
        try:
            snapshot = await poll_source(source, self._engine, self._feed.snapshot, now)
        except Exception as bug:  # noqa: BLE001 - on call the next tick is needed more than this one
            _log.exception("a tick failed through a mistake of ours")
            snapshot = self._feed.snapshot.marked_stale(
                f"a mistake in sloctl: {type(bug).__name__}; the log has more"
            )
        return replace(snapshot, store_issue=self._store_issue())
