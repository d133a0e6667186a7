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

import sloctl.sidecar.app  # noqa: F401 - what a real one imports
from bench.sidecar_scale import INTERVAL, Counting, many, month
from sloctl.duration import DAY
from sloctl.sidecar.board import Board
from sloctl.sidecar.clock import running
from sloctl.sidecar.ledger import Ledger
from sloctl.sidecar.poller import poll
from sloctl.sidecar.store import Store, StoreOptions

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
    clock, slos = running(since=time.time()), many(count)
    ledger = Ledger(slos, interval=INTERVAL)
    began = time.perf_counter()
    async with Store(StoreOptions(path), ledger, clock):
        loading = time.perf_counter() - began
        board = await poll(Counting(slos), ledger, Board.unread(slos), clock.now())
        assert all(
            entry.since is not None and entry.since < clock.now() - 29 * DAY for entry in board.entries
        )
        print(loading, flush=True)


async def _fill(path: Path, count: int) -> None:
    clock, slos = running(since=time.time()), many(count)
    ledger = Ledger(slos, interval=INTERVAL)
    past = month(clock.now())
    for each in slos:
        ledger.recall(each, [past], clock.now(), counters=False)
    for _, _, account in ledger.accounts():
        account.unsave()
    async with Store(StoreOptions(path), ledger, clock):
        pass


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        print(json.dumps(asdict(measured(int(sys.argv[1]), Path(directory)))))
