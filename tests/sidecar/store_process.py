"""A sidecar's engine and store under load, as a process to be killed.

Run as `python -m tests.sidecar.store_process PATH`; says `recorded N` when N events have been counted,
`flushed N` when the first N of them are in the store. N goes on over restarts.
"""

import asyncio
import sys
from pathlib import Path

from sloctl.duration import DAY
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.sources import IntervalCounts, SloCounts
from sloctl.sidecar.store.history_store import HistoryStore, StoreOptions
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import slo

SLOS = tuple(slo(name=f"slo-{number}") for number in range(30))
START = 1_700_000_000.0
# The clock of all of them; ticks never get there.
NOW = START + 20 * DAY
TICKS_PER_FLUSH = 3


async def keep(path: Path) -> None:
    """A tick is a minute, so that steps are folded into bases all the time; never ends."""
    engine = Engine(SLOS, interval=60)
    async with HistoryStore(
        StoreOptions(path, flush_every=DAY), engine, Clock(lambda: NOW, asyncio.sleep)
    ) as store:
        counted = [engine.data_span(slo) for slo in SLOS]
        at = max((known[1] for known in counted if known is not None), default=START)
        events = counted_events(engine, at)
        while True:
            for _ in range(TICKS_PER_FLUSH):
                at += 60
                engine.record_tick(
                    at, [IntervalCounts(at, {slo.id: SloCounts({(): EventCounts(0, 1)}) for slo in SLOS})]
                )
                events += 1
                print("recorded", events, flush=True)
            await store.flush_changes()
            print("flushed", events, flush=True)


def counted_events(engine: Engine, at: float) -> int:
    """Of each SLO, and the same for all of them: a flush is one transaction."""
    states = engine.record_tick(at, []).states
    (total,) = {
        0.0 if (counts := state.burn_over(30 * DAY).counts) is None else counts.total for state in states
    }
    return round(total)


if __name__ == "__main__":
    asyncio.run(keep(Path(sys.argv[1])))
