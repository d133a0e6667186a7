"""kill -9 at any moment: at most one flush is lost, and the store can always be read."""

import asyncio
import sys
from pathlib import Path
from random import Random

import pytest

from sloctl.duration import DAY
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.store.history_store import HistoryStore, StoreOptions
from tests.conftest import Figure
from tests.sidecar.store_process import NOW, SLOS, START, TICKS_PER_FLUSH, counted_events

# Seconds that a store process may take to start on a busy machine.
PATIENCE = 60


async def killed(path: Path, lines: int, after: float) -> tuple[int, int]:
    """Events flushed and recorded by a process that is killed *after* seconds after so many *lines*."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.sidecar.store_process", str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    said = [await asyncio.wait_for(process.stdout.readline(), PATIENCE) for _ in range(lines)]
    await asyncio.sleep(after)
    process.kill()
    said += (await process.stdout.read()).splitlines()
    await process.wait()
    # The last line may be cut off.
    words = [line.split() for line in said if len(line.split()) == 2]
    flushed, recorded = (
        max((int(events) for verb, events in words if verb == said), default=0)
        for said in (b"flushed", b"recorded")
    )
    return flushed, recorded


async def stored(path: Path) -> tuple[int, str | None]:
    """Events in the store, and what is wrong with it."""
    engine = Engine(SLOS, interval=60)
    async with HistoryStore(
        StoreOptions(path, flush_every=DAY), engine, Clock(lambda: NOW, asyncio.sleep)
    ) as store:
        known = engine.data_span(SLOS[0])
        return counted_events(engine, START if known is None else known[1]), store.issue


@pytest.mark.parametrize("times", [10, pytest.param(100, marks=pytest.mark.full)])
async def test_a_killed_sidecar_loses_one_flush_at_most(tmp_path: Path, times: int, figure: Figure) -> None:
    random, lost = Random(1), 0  # noqa: S311 - when to kill, not a secret
    for _ in range(times):
        flushed, recorded = await killed(tmp_path / "store", random.randint(1, 80), random.random() / 50)
        in_store, trouble = await stored(tmp_path / "store")

        assert trouble is None
        assert flushed <= in_store <= recorded
        lost = max(lost, recorded - in_store)

    assert lost <= TICKS_PER_FLUSH
    figure(f"killed {times} times, lost at most {lost} ticks of the {TICKS_PER_FLUSH} between two flushes")
