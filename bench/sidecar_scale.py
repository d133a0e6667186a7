"""Many SLOs in one sidecar: memory and processor time over a minute of ticks of five seconds.

Run as `python -m bench.sidecar_scale SLOS SECONDS`, a process of its own; prints one line of JSON. It
includes the poller, the engine with a full month of history per SLO, one snapshot per tick with a reader that
waits for each, and the store with its flushes, all as in production, and the sidecar's imports. The source
gives counts without fetching them: one SLO in ten errs, and tells six label values. Not included: scraping,
and answering requests.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import sloctl.sidecar.http.application  # noqa: F401 - what a real one holds in memory
from sloctl.duration import DAY, HOUR
from sloctl.model import CountedSide, LabelMatcher, MatchOp, RatioIndicator, Selector, Slo
from sloctl.sidecar.clock import start_clock
from sloctl.sidecar.engine.checkpoint import Checkpoint, PackedHistory
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.history import CountHistory
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.engine.tick_loop import SnapshotFeed, TickLoop
from sloctl.sidecar.runtime import tune_garbage_collector
from sloctl.sidecar.sources import IntervalCounts, SloCounts
from sloctl.sidecar.store.history_store import HistoryStore, StoreOptions
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import slo

INTERVAL: Final = 5.0
_ERRING: Final = 10


@dataclass(frozen=True, slots=True)
class Scale:
    """*cores* is processor seconds per second; *tick* and *flush* the longest of each, in seconds; bytes."""

    slos: int
    resident: int
    peak: int
    cores: float
    tick: float
    flush: float
    stored: int


def many(count: int) -> tuple[Slo, ...]:
    return tuple(slo(_indicator(number), name=f"slo-{number}") for number in range(count))


def month(until: float) -> Checkpoint:
    """The history of a busy SLO: every step of every width is there."""
    history = CountHistory(step=int(INTERVAL), window=30 * DAY)
    at = until - 30 * DAY
    while at < until:
        at += HOUR // 12 if at < until - 7 * HOUR else INTERVAL
        history.record_counts(at, EventCounts(error=1, total=1000))
    return Checkpoint(
        group=(),
        since=until - 30 * DAY,
        last=until,
        errors=0,
        events=0,
        firing={},
        history=PackedHistory(history.base_minute, history.pack_base(), delta=b""),
    )


class Counting:
    """A source that knows its counts."""

    def __init__(self, slos: Sequence[Slo]) -> None:
        by_label = {
            ("pod", f"shop-{number}"): EventCounts(error=1 + number, total=160) for number in range(6)
        }
        quiet, erring = (
            SloCounts({(): EventCounts(0, 1000)}),
            SloCounts({(): EventCounts(21, 1000)}, by_label),
        )
        self._slos = {slo.id: quiet if number % _ERRING else erring for number, slo in enumerate(slos)}

    async def read_counts(self, now: float) -> Sequence[IntervalCounts]:
        return (IntervalCounts(now, self._slos),)


async def measured(count: int, seconds: float, directory: Path) -> Scale:
    clock = start_clock(since=time.time())
    slos = many(count)
    engine = Engine(slos, interval=INTERVAL)
    past = month(clock.now() - INTERVAL)
    for each in slos:
        engine.restore_checkpoints(each, [past], clock.now(), counters=False)
    # The store does not have it yet.
    for _, _, tracker in engine.iter_trackers():
        tracker.mark_unsaved()
    feed = SnapshotFeed(Snapshot.without_data(slos))
    poller = TickLoop(engine, feed, clock=clock, interval=INTERVAL)
    async with HistoryStore(StoreOptions(directory / "store"), engine, clock) as store:
        polling = asyncio.create_task(poller.run(Counting(slos)))
        # The first flush writes a whole month; what follows is every day.
        await feed.next_snapshot()
        await store.flush_changes()
        await store.flush_changes()
        await feed.next_snapshot()
        await feed.next_snapshot()
        used, began = time.process_time(), time.monotonic()
        tick = flush = 0.0
        while (passed := time.monotonic() - began) < seconds:
            await feed.next_snapshot()
            tick, flush = max(tick, poller.last_tick_seconds), max(flush, store.last_flush_seconds)
        cores = (time.process_time() - used) / passed
        polling.cancel()
        resident, peak = memory()
        return Scale(count, resident, peak, cores, tick, flush, _size(directory))


def memory() -> tuple[int, int]:
    """Resident bytes, now and at most."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    resident, peak = (int(status[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return resident, peak


def _size(directory: Path) -> int:
    """With SQLite's log, which holds what was written last."""
    return sum(file.stat().st_size for file in directory.iterdir())


def _indicator(number: int) -> RatioIndicator:
    total = Selector("http_requests_total", (LabelMatcher("route", MatchOp.EQUAL, f"/route/{number}"),))
    error = Selector(total.metric, (*total.matchers, LabelMatcher("code", MatchOp.MATCH, "5..")))
    return RatioIndicator(CountedSide.ERROR, numerator=(error,), total=(total,))


if __name__ == "__main__":
    tune_garbage_collector()
    with tempfile.TemporaryDirectory() as directory:
        scale = asyncio.run(measured(int(sys.argv[1]), float(sys.argv[2]), Path(directory)))
    print(json.dumps(asdict(scale)))
