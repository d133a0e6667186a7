"""What survives a restart: the ledger's histories, since when alerts fire, and the counters exposed.

Its one law: serving comes first. Where the file cannot be written the sidecar goes on from memory, says so,
and tries again at the next flush; `kill -9` loses what came after the last one.
"""

import asyncio
import logging
import sqlite3
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from sloctl.sidecar.store.store_file import StoreFile, UnusableStore, set_aside_file
from sloctl.sidecar.store.store_rows import CorruptStore, PendingCheckpoint

# So many accounts are looked at, and written, in one go: about ten milliseconds.
_TRACKERS_PER_PIECE: Final = 200
_FAILURES: Final = (sqlite3.Error, OSError, UnusableStore, CorruptStore)

_Made = TypeVar("_Made")

_log: Final = logging.getLogger(__name__)
_tracer: Final = get_tracer(__name__)


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """*flush_every* seconds of the world's time."""

    path: Path
    flush_every: float = 10.0


class HistoryStore:
    """Fills the *ledger* when entered, and writes down what it learns until left.

    *flushed* is when that last succeeded, in the ledger's time, and *took* how many seconds it took.
    Entering raises UnusableStore.
    """

    def __init__(self, options: StoreOptions, ledger: Engine, time: Clock) -> None:
        self._path = options.path
        self._flush_every = options.flush_every
        self._ledger = ledger
        self._time = time
        # SQLite waits for disks: a thread of its own does.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._turn = asyncio.Lock()
        self._leaving = asyncio.Event()
        self._file: StoreFile | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._is_loaded = False
        self._set_aside: str | None = None
        self._failing: str | None = None
        self.last_flush_at: float | None = None
        self.last_flush_seconds = 0.0

    @property
    def issue(self) -> str | None:
        """What is lost, or would be by a restart; None where all is well."""
        return "; ".join(filter(None, (self._set_aside, self._failing))) or None

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
            await self._usable_file()
        except UnusableStore as refusal:
            self._thread.shutdown()
            raise UnusableStore(f"{self._path}: {refusal}") from refusal
        except _FAILURES as failure:
            await self._report_failure(failure)
        self._flushing = asyncio.create_task(self._flush_periodically(), name="store")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        if self._flushing is not None:
            await self._flushing
        await self._flush_or_report(clean=True)
        await self._in_thread(self._close_file)
        self._thread.shutdown()

    async def flush_changes(self) -> None:
        """Write what has changed; where that fails, `trouble` says so afterwards."""
        await self._flush_or_report(clean=False)

    async def replace_slos(self, slos: Sequence[Slo], refusals: tuple[UnsupportedSlo, ...] = ()) -> None:
        """Let the ledger watch these instead; what the store knows of those that start anew goes on."""
        await self.flush_changes()
        try:
            kept = await self._in_thread(lambda: self._load_checkpoints(slos))
        except _FAILURES as failure:
            await self._report_failure(failure)
            kept = {}
        for slo in self._ledger.replace_slos(slos, refusals):
            self._restore_slo(slo, kept.get(slo.id, ()), counters=False)

    async def _flush_periodically(self) -> None:
        while not self._leaving.is_set():
            try:
                await asyncio.wait_for(self._leaving.wait(), self._flush_every)
            except TimeoutError:
                await self._flush_whatever_happens()

    async def _flush_whatever_happens(self) -> None:
        try:
            await self.flush_changes()
        except Exception as bug:  # noqa: BLE001 - serving comes first, and the next flush may do better
            _log.exception("a flush failed through a mistake of ours")
            await self._report_failure(bug)

    @_tracer.start_as_current_span("flush")
    async def _flush_or_report(self, *, clean: bool) -> None:
        async with self._turn:
            try:
                await self._write_changes(await self._usable_file(), clean=clean)
            except CorruptStore as failure:
                await self._set_aside_corrupt(failure)
            except _FAILURES as failure:
                await self._report_failure(failure)

    async def _write_changes(self, file: StoreFile, *, clean: bool) -> None:
        """One transaction, in pieces: others have their turn in between, and no piece is large."""
        began, now = perf_counter(), self._time.now()
        saving: list[SloTracker] = []
        try:
            await self._in_thread(file.begin_transaction)
            for piece in self._changes_in_pieces(saving):
                await self._in_thread(partial(file.save_changes, piece))
            await self._in_thread(lambda: file.commit_transaction(now=now, clean=clean))
        except BaseException:
            for account in saving:
                account.reject_checkpoint()
            raise
        for account in saving:
            account.confirm_checkpoint()
        self._succeeds(now, perf_counter() - began)

    def _changes_in_pieces(self, saving: list[SloTracker]) -> Iterator[Sequence[PendingCheckpoint]]:
        """What the store lacks; *saving* learns of whom."""
        accounts = self._ledger.iter_trackers()
        while piece := list(islice(accounts, _TRACKERS_PER_PIECE)):
            changes: list[PendingCheckpoint] = []
            for slo, identity, account in piece:
                if (kept := account.take_checkpoint()) is not None:
                    saving.append(account)
                    changes.append(PendingCheckpoint(slo, identity, kept))
            yield changes

    async def _usable_file(self) -> StoreFile:
        """The open file; what it holds of the ledger's SLOs has been recalled."""
        try:
            return await self._open_and_restore()
        except (CorruptStore, struct.error) as failure:
            await self._set_aside_corrupt(failure)
            return await self._open_and_restore()

    async def _open_and_restore(self) -> StoreFile:
        if self._file is None:
            self._file = await self._in_thread(lambda: StoreFile.open(self._path))
        if not self._is_loaded:
            slos = self._ledger.slos
            kept = await self._in_thread(lambda: self._load_checkpoints(slos))
            counters = await self._in_thread(self._file.take_clean_flag)
            for slo in slos:
                self._restore_slo(slo, kept.get(slo.id, ()), counters=counters)
            self._is_loaded = True
        return self._file

    def _restore_slo(self, slo: Slo, kept: Iterable[Checkpoint], *, counters: bool) -> None:
        moved = self._ledger.restore_checkpoints(slo, kept, self._time.now(), counters=counters)
        if moved:
            _log.warning(
                "%s: the clock was stepped back; what was counted is moved back %.0f s", slo.id, moved
            )

    async def _set_aside_corrupt(self, failure: Exception) -> None:
        """Go on with a new file, into which everything is written again; raises OSError."""
        await self._in_thread(self._close_file)
        aside = await self._in_thread(lambda: set_aside_file(self._path))
        self._set_aside = f"{self._path} was corrupt ({failure}) and is now {aside.name}"
        _log.error("%s: what was counted before may be missing", self._set_aside)
        for _, _, account in self._ledger.iter_trackers():
            account.mark_unsaved()

    async def _report_failure(self, failure: Exception) -> None:
        await self._in_thread(self._close_file)
        if self._failing is None:
            _log.error("%s: %s: what is counted now is only in memory", self._path, failure)
        self._failing = f"{self._path}: {failure}: what is counted now is only in memory"

    def _succeeds(self, now: float, seconds: float) -> None:
        if self._failing is not None:
            _log.info("%s is written again", self._path)
        self._failing = None
        self.last_flush_at = now
        self.last_flush_seconds = seconds

    # What runs in the thread.

    def _load_checkpoints(self, slos: Sequence[Slo]) -> Mapping[str, Sequence[Checkpoint]]:
        if self._file is None:
            return {}
        return self._file.load_checkpoints([(slo, slo_fingerprint(slo)) for slo in slos])

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    async def _in_thread(self, do: Callable[[], _Made]) -> _Made:
        return await asyncio.get_running_loop().run_in_executor(self._thread, do)
