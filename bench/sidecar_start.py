"""From start to ready with a full month of many SLOs in the store.

Run as `python -m bench.sidecar_start SLOS`; prints one line of JSON. Two processes: the first fills a
store and leaves; the second is timed from its creation, through Python's own start and the sidecar's imports,
to the first board that holds what was stored and a first reading. Not included: reading specs, and a scrape.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import sloctl.sidecar.http.application  # noqa: F401 - what a real one imports
from bench.sidecar_scale import INTERVAL, Counting, many, month
from sloctl.duration import DAY
from sloctl.sidecar.clock import start_clock
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.engine.tick_loop import poll_source
from sloctl.sidecar.store.history_store import HistoryStore, StoreOptions

_READY = "from bench.sidecar_start import ready; ready({path!r}, {count})"


@dataclass(frozen=True, slots=True)
class Start:
    """*seconds* until ready, of which *loading* with the store; *stored* bytes."""

    slos: int
    seconds: float
    loading: float
    stored: int


def measured(count: int, directory: Path) -> Start:
    path = directory / "store"
    asyncio.run(_fill(path, count))
    stored = path.stat().st_size
    began = time.perf_counter()
    command = [sys.executable, "-c", _READY.format(path=str(path), count=count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        loading = float(process.stdout.readline())
        seconds = time.perf_counter() - began
    return Start(count, seconds, loading, stored)


def ready(path: str, count: int) -> None:
    """What the timed process does: it says how long the store took as soon as it is ready."""
    asyncio.run(_ready(Path(path), count))


async def _ready(path: Path, count: int) -> None:
    clock, slos = start_clock(since=time.time()), many(count)
    ledger = Engine(slos, interval=INTERVAL)
    began = time.perf_counter()
    async with HistoryStore(StoreOptions(path), ledger, clock):
        loading = time.perf_counter() - began
        board = await poll_source(Counting(slos), ledger, Snapshot.without_data(slos), clock.now())
        assert all(entry.since is not None and entry.since < clock.now() - 29 * DAY for entry in board.states)
        print(loading, flush=True)


async def _fill(path: Path, count: int) -> None:
    clock, slos = start_clock(since=time.time()), many(count)
    ledger = Engine(slos, interval=INTERVAL)
    past = month(clock.now())
    for each in slos:
        ledger.restore_checkpoints(each, [past], clock.now(), counters=False)
    for _, _, account in ledger.iter_trackers():
        account.mark_unsaved()
    async with HistoryStore(StoreOptions(path), ledger, clock):
        pass


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        print(json.dumps(asdict(measured(int(sys.argv[1]), Path(directory)))))
