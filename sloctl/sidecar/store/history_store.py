"""The history store: histories, since when alerts fire, and the counters exposed, over restarts.

Law: serving comes first. Where the file cannot be written the sidecar goes on from memory, says so, and tries
again at the next flush; `kill -9` loses what came after the last one.
"""

import asyncio
import logging
import sqlite3
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Final, TypeVar

from opentelemetry.trace import get_tracer

from sloctl.model import Slo
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.component import MetricType, SelfMetric
from sloctl.sidecar.engine.checkpoint import Checkpoint
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.fingerprint import slo_fingerprint
from sloctl.sidecar.engine.tracker import SloTracker
from sloctl.sidecar.sources import UnsupportedSlo
from sloctl.sidecar.store.store_file import (
    CorruptStore,
    LastRun,
    PendingCheckpoint,
    StoreFile,
    UnusableStore,
    set_aside_file,
)

# So many trackers are packed, and written, in one go: about ten milliseconds.
_TRACKERS_PER_PIECE: Final = 200
# Of an SLO that a reload brings back: until then nobody watched it, and its counters start from zero.
_NOT_WATCHED: Final = LastRun(was_clean=False, alive_at=0.0)
_FAILURES: Final = (sqlite3.Error, OSError, UnusableStore, CorruptStore)

_Result = TypeVar("_Result")

_log: Final = logging.getLogger(__name__)
_tracer: Final = get_tracer(__name__)


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """*flush_every* seconds of the world's time."""

    path: Path
    flush_every: float = 10.0


class HistoryStore:
    """Restores the *engine* when entered, and writes its changes down until left.

    *last_flush_at* is when that last succeeded, on the engine's clock, *last_flush_seconds* how long it took.
    Entering raises UnusableStore.
    """

    def __init__(self, options: StoreOptions, engine: Engine, clock: Clock) -> None:
        self._path = options.path
        self._flush_every = options.flush_every
        self._engine = engine
        self._clock = clock
        # SQLite waits for disks: a thread of its own does.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._flush_lock = asyncio.Lock()
        self._is_leaving = asyncio.Event()
        self._file: StoreFile | None = None
        self._flush_task: asyncio.Task[None] | None = None
        self._is_restored = False
        self._corruption: str | None = None
        self._failure: str | None = None
        self.last_flush_at: float | None = None
        self.last_flush_seconds = 0.0

    @property
    def issue(self) -> str | None:
        """What is lost, or would be by a restart; None where all is well."""
        return "; ".join(filter(None, (self._corruption, self._failure))) or None

    def self_metrics(self) -> Iterator[SelfMetric]:
        """Yield how long the last flush took, and when it succeeded."""
        yield SelfMetric(
            "sloctl_store_flush_seconds",
            "How long the last flush took.",
            MetricType.GAUGE,
            self.last_flush_seconds,
        )
        if self.last_flush_at is not None:
            yield SelfMetric(
                "sloctl_store_last_flush_timestamp_seconds",
                "When all was last written down.",
                MetricType.GAUGE,
                self.last_flush_at,
            )

    async def __aenter__(self) -> "HistoryStore":
        try:
            await self._open_and_restore()
        except UnusableStore as refusal:
            self._thread.shutdown()
            raise UnusableStore(f"{self._path}: {refusal}") from refusal
        except _FAILURES as failure:
            await self._report_failure(failure)
        self._flush_task = asyncio.create_task(self._flush_periodically(), name="store")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_leaving.set()
        if self._flush_task is not None:
            await self._flush_task
        await self._flush_or_report(clean=True)
        await self._in_thread(self._close_file)
        self._thread.shutdown()

    async def flush_changes(self) -> None:
        """Write what has changed; where that fails, `issue` says so afterwards."""
        await self._flush_or_report(clean=False)

    async def replace_slos(self, slos: Sequence[Slo], unsupported: tuple[UnsupportedSlo, ...] = ()) -> None:
        """Let the engine track these instead; those that start anew go on from what the store holds."""
        await self.flush_changes()
        try:
            checkpoints = await self._in_thread(lambda: self._load_checkpoints(slos))
        except _FAILURES as failure:
            await self._report_failure(failure)
            checkpoints = {}
        for slo in self._engine.replace_slos(slos, unsupported):
            try:
                self._restore_slo(slo, checkpoints.get(slo.id, ()), _NOT_WATCHED)
            except CorruptStore as failure:
                _log.error("%s: %s: it starts anew", slo.id, failure)

    async def _flush_periodically(self) -> None:
        while not self._is_leaving.is_set():
            try:
                async with asyncio.timeout(self._flush_every):
                    await self._is_leaving.wait()
            except TimeoutError:
                try:
                    await self.flush_changes()
                except Exception as bug:  # noqa: BLE001 - serving comes first, and the next flush may do better
                    _log.exception("a flush failed through a mistake of ours")
                    await self._report_failure(bug)

    @_tracer.start_as_current_span("flush")
    async def _flush_or_report(self, *, clean: bool) -> None:
        async with self._flush_lock:
            try:
                await self._write_changes(await self._open_and_restore(), clean=clean)
            except CorruptStore as failure:
                await self._set_aside_corrupt(failure)
            except _FAILURES as failure:
                await self._report_failure(failure)

    async def _write_changes(self, file: StoreFile, *, clean: bool) -> None:
        """Write one transaction, in pieces: others have their turn in between, and no piece is large."""
        began, now = perf_counter(), self._clock.now()
        taken: list[SloTracker] = []
        try:
            await self._in_thread(file.begin_transaction)
            for piece in self._changes_in_pieces(taken):
                await self._in_thread(partial(file.save_changes, piece))
            await self._in_thread(lambda: file.commit_transaction(now=now, clean=clean))
        except BaseException:
            for tracker in taken:
                tracker.mark_unsaved()
            raise
        if self._failure is not None:
            _log.info("%s is written again", self._path)
        self._failure = None
        self.last_flush_at, self.last_flush_seconds = now, perf_counter() - began

    def _changes_in_pieces(self, taken: list[SloTracker]) -> Iterator[Sequence[PendingCheckpoint]]:
        """Take checkpoints of what has changed; *taken* gets their trackers."""
        trackers = self._engine.iter_trackers()
        while piece := list(islice(trackers, _TRACKERS_PER_PIECE)):
            changes: list[PendingCheckpoint] = []
            for slo, fingerprint, tracker in piece:
                if (checkpoint := tracker.take_checkpoint()) is not None:
                    taken.append(tracker)
                    changes.append(PendingCheckpoint(slo, fingerprint, checkpoint))
            yield changes

    async def _open_and_restore(self) -> StoreFile:
        """Give the open file, restored from once; a corrupt one is set aside for a new one."""
        try:
            return await self._open_file()
        except CorruptStore as failure:
            await self._set_aside_corrupt(failure)
            return await self._open_file()

    async def _open_file(self) -> StoreFile:
        if self._file is None:
            self._file = await self._in_thread(lambda: StoreFile.open(self._path))
        if not self._is_restored:
            slos = self._engine.slos
            checkpoints = await self._in_thread(lambda: self._load_checkpoints(slos))
            last_run = await self._in_thread(self._file.take_last_run)
            for slo in slos:
                self._restore_slo(slo, checkpoints.get(slo.id, ()), last_run)
            self._is_restored = True
        return self._file

    def _restore_slo(self, slo: Slo, checkpoints: Sequence[Checkpoint], last_run: LastRun) -> None:
        """Let the engine go on from *checkpoints*; raises CorruptStore where they make no sense."""
        try:
            moved = self._engine.restore_checkpoints(
                slo,
                checkpoints,
                self._clock.now(),
                counters=last_run.was_clean,
                watched_until=last_run.alive_at,
            )
        except (struct.error, ValueError, OverflowError) as failure:
            # The checksum is right, so it was written like this: by a mistake of ours, or by somebody else.
            raise CorruptStore(f"a history in it makes no sense: {failure}") from failure
        if moved:
            _log.warning(
                "%s: the clock was stepped back; what was counted is moved back %.0f s", slo.id, moved
            )

    async def _set_aside_corrupt(self, failure: Exception) -> None:
        """Go on with a new file, into which everything is written again; raises OSError."""
        await self._in_thread(self._close_file)
        aside = await self._in_thread(lambda: set_aside_file(self._path))
        self._corruption = f"{self._path} was corrupt ({failure}) and is now {aside.name}"
        _log.error("%s: what was counted before may be missing", self._corruption)
        for _, _, tracker in self._engine.iter_trackers():
            tracker.mark_unsaved()

    async def _report_failure(self, failure: Exception) -> None:
        await self._in_thread(self._close_file)
        if self._failure is None:
            _log.error("%s: %s: what is counted now is only in memory", self._path, failure)
        self._failure = f"{self._path}: {failure}: what is counted now is only in memory"

    # What runs in the thread.

    def _load_checkpoints(self, slos: Sequence[Slo]) -> Mapping[str, Sequence[Checkpoint]]:
        if self._file is None:
            return {}
        return self._file.load_checkpoints([(slo, slo_fingerprint(slo)) for slo in slos])

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    async def _in_thread(self, do: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, do)
