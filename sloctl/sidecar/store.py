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
from sloctl.sidecar.account import Account
from sloctl.sidecar.clock import Time
from sloctl.sidecar.fingerprint import fingerprint
from sloctl.sidecar.kept import Kept
from sloctl.sidecar.ledger import Ledger
from sloctl.sidecar.sources import Refusal
from sloctl.sidecar.store_file import StoreFile, UnusableStore, set_aside
from sloctl.sidecar.store_rows import Change, Corrupt

# So many accounts are looked at, and written, in one go: about ten milliseconds.
_IN_ONE_GO: Final = 200
_FAILURES: Final = (sqlite3.Error, OSError, UnusableStore, Corrupt)

_Made = TypeVar("_Made")

_log: Final = logging.getLogger(__name__)
_tracer: Final = get_tracer(__name__)


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """*flush_every* seconds of the world's time."""

    path: Path
    flush_every: float = 10.0


class Store:
    """Fills the *ledger* when entered, and writes down what it learns until left.

    *flushed* is when that last succeeded, in the ledger's time, and *took* how many seconds it took.
    Entering raises UnusableStore.
    """

    def __init__(self, options: StoreOptions, ledger: Ledger, time: Time) -> None:
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
        self.flushed: float | None = None
        self.took = 0.0

    @property
    def trouble(self) -> str | None:
        """What is lost, or would be by a restart; None where all is well."""
        return "; ".join(filter(None, (self._set_aside, self._failing))) or None

    async def __aenter__(self) -> "Store":
        try:
            await self._ready()
        except UnusableStore as refusal:
            self._thread.shutdown()
            raise UnusableStore(f"{self._path}: {refusal}") from refusal
        except _FAILURES as failure:
            await self._fails(failure)
        self._flushing = asyncio.create_task(self._flush_now_and_then(), name="store")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        if self._flushing is not None:
            await self._flushing
        await self._flush(clean=True)
        await self._in_thread(self._close)
        self._thread.shutdown()

    async def flush(self) -> None:
        """Write what has changed; where that fails, `trouble` says so afterwards."""
        await self._flush(clean=False)

    async def replace(self, slos: Sequence[Slo], refusals: tuple[Refusal, ...] = ()) -> None:
        """Let the ledger watch these instead; what the store knows of those that start anew goes on."""
        await self.flush()
        try:
            kept = await self._in_thread(lambda: self._stored(slos))
        except _FAILURES as failure:
            await self._fails(failure)
            kept = {}
        for slo in self._ledger.replace(slos, refusals):
            self._recall(slo, kept.get(slo.id, ()), counters=False)

    async def _flush_now_and_then(self) -> None:
        while not self._leaving.is_set():
            try:
                await asyncio.wait_for(self._leaving.wait(), self._flush_every)
            except TimeoutError:
                await self._flush_whatever_happens()

    async def _flush_whatever_happens(self) -> None:
        try:
            await self.flush()
        except Exception as bug:  # noqa: BLE001 - serving comes first, and the next flush may do better
            _log.exception("a flush failed through a mistake of ours")
            await self._fails(bug)

    @_tracer.start_as_current_span("flush")
    async def _flush(self, *, clean: bool) -> None:
        async with self._turn:
            try:
                await self._write(await self._ready(), clean=clean)
            except Corrupt as failure:
                await self._put_aside(failure)
            except _FAILURES as failure:
                await self._fails(failure)

    async def _write(self, file: StoreFile, *, clean: bool) -> None:
        """One transaction, in pieces: others have their turn in between, and no piece is large."""
        began, now = perf_counter(), self._time.now()
        saving: list[Account] = []
        try:
            await self._in_thread(file.begin)
            for piece in self._pieces(saving):
                await self._in_thread(partial(file.save, piece))
            await self._in_thread(lambda: file.commit(now=now, clean=clean))
        except BaseException:
            for account in saving:
                account.not_saved()
            raise
        for account in saving:
            account.saved()
        self._succeeds(now, perf_counter() - began)

    def _pieces(self, saving: list[Account]) -> Iterator[Sequence[Change]]:
        """What the store lacks; *saving* learns of whom."""
        accounts = self._ledger.accounts()
        while piece := list(islice(accounts, _IN_ONE_GO)):
            changes: list[Change] = []
            for slo, identity, account in piece:
                if (kept := account.unsaved()) is not None:
                    saving.append(account)
                    changes.append(Change(slo, identity, kept))
            yield changes

    async def _ready(self) -> StoreFile:
        """The open file; what it holds of the ledger's SLOs has been recalled."""
        try:
            return await self._opened()
        except (Corrupt, struct.error) as failure:
            await self._put_aside(failure)
            return await self._opened()

    async def _opened(self) -> StoreFile:
        if self._file is None:
            self._file = await self._in_thread(lambda: StoreFile.open(self._path))
        if not self._is_loaded:
            slos = self._ledger.slos
            kept = await self._in_thread(lambda: self._stored(slos))
            counters = await self._in_thread(self._file.take_clean)
            for slo in slos:
                self._recall(slo, kept.get(slo.id, ()), counters=counters)
            self._is_loaded = True
        return self._file

    def _recall(self, slo: Slo, kept: Iterable[Kept], *, counters: bool) -> None:
        moved = self._ledger.recall(slo, kept, self._time.now(), counters=counters)
        if moved:
            _log.warning(
                "%s: the clock was stepped back; what was counted is moved back %.0f s", slo.id, moved
            )

    async def _put_aside(self, failure: Exception) -> None:
        """Go on with a new file, into which everything is written again; raises OSError."""
        await self._in_thread(self._close)
        aside = await self._in_thread(lambda: set_aside(self._path))
        self._set_aside = f"{self._path} was corrupt ({failure}) and is now {aside.name}"
        _log.error("%s: what was counted before may be missing", self._set_aside)
        for _, _, account in self._ledger.accounts():
            account.unsave()

    async def _fails(self, failure: Exception) -> None:
        await self._in_thread(self._close)
        if self._failing is None:
            _log.error("%s: %s: what is counted now is only in memory", self._path, failure)
        self._failing = f"{self._path}: {failure}: what is counted now is only in memory"

    def _succeeds(self, now: float, seconds: float) -> None:
        if self._failing is not None:
            _log.info("%s is written again", self._path)
        self._failing = None
        self.flushed = now
        self.took = seconds

    # What runs in the thread.

    def _stored(self, slos: Sequence[Slo]) -> Mapping[str, Sequence[Kept]]:
        if self._file is None:
            return {}
        return self._file.load([(slo, fingerprint(slo)) for slo in slos])

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    async def _in_thread(self, do: Callable[[], _Made]) -> _Made:
        return await asyncio.get_running_loop().run_in_executor(self._thread, do)
