"""What reading a sidecar costs: /metrics and the list under 50 readers, and a thousand open pages.

Run as `python -m bench.sidecar_http`; a Markdown table on standard output. The sidecar is a process of
its own with real HTTP, every SLO of which changes at every tick; the readers are this process, on the same
machine, so that what they take counts as waiting.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Final

import aiohttp

from bench.sidecar_scale import many
from sloctl.sidecar.clock import start_clock
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.engine.tick_loop import SnapshotFeed, TickLoop
from sloctl.sidecar.http.application import Sidecar, build_application
from sloctl.sidecar.http.server import serve_application
from sloctl.sidecar.runtime import tune_garbage_collector, wait_for_stop_signal
from sloctl.sidecar.sources import IntervalCounts, SloCounts, Source
from sloctl.slo.resolutions import EventCounts

INTERVAL: Final = 5.0
READERS: Final = 50
SECONDS: Final = 30.0
STREAMS: Final = 1000
STREAMED_SLOS: Final = 100
SNAPSHOTS: Final = 6


class Varying:
    """A source that knows its counts, other ones at every tick."""

    def __init__(self, count: int) -> None:
        self._ids = [slo.id for slo in many(count)]
        self._random = Random(1)  # noqa: S311 - traffic, not a secret

    async def read_counts(self, now: float) -> Sequence[IntervalCounts]:
        counts = [
            EventCounts(error=self._random.random(), total=1000 + self._random.random()) for _ in self._ids
        ]
        return (
            IntervalCounts(
                now, {slo: SloCounts({(): each}) for slo, each in zip(self._ids, counts, strict=True)}
            ),
        )


async def serve(count: int) -> None:
    """Print the URL, then serve until a signal says stop."""
    clock = start_clock(since=time.time())
    slos = many(count)
    feed, engine = SnapshotFeed(Snapshot.without_data(slos)), Engine(slos, interval=INTERVAL)
    tick_loop = TickLoop(engine, feed, clock=clock, interval=INTERVAL)

    @asynccontextmanager
    async def open_source() -> AsyncIterator[Source]:
        yield Varying(count)

    tune_garbage_collector()
    sidecar = Sidecar(open_source, tick_loop, feed, engine, time=clock, interval=INTERVAL)
    async with serve_application(build_application(sidecar), "127.0.0.1", 0) as url:
        print(url, flush=True)
        await wait_for_stop_signal()


@asynccontextmanager
async def served(count: int) -> AsyncIterator[str]:
    command = (sys.executable, "-m", "bench.sidecar_http", str(count))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()


@dataclass(frozen=True, slots=True)
class Waits:
    """How long answers took, in seconds, and how many bytes the largest had."""

    seconds: list[float]
    largest: int

    def percentile(self, share: float) -> float:
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


async def read_by_many(url: str, *, pause: float) -> Waits:
    """READERS ask for SECONDS, each *pause* seconds after it had its last answer."""
    waits = Waits([], 0)
    largest = 0

    async def reader(session: aiohttp.ClientSession, number: int) -> None:
        nonlocal largest
        await asyncio.sleep(pause * number / READERS)
        while time.monotonic() < end:
            asked = time.perf_counter()
            async with session.get(url) as answer:
                body = await answer.read()
            assert answer.status == 200
            waits.seconds.append(time.perf_counter() - asked)
            largest = max(largest, len(body))
            await asyncio.sleep(pause)

    end = time.monotonic() + SECONDS
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(reader(session, number) for number in range(READERS)))
    return Waits(waits.seconds, largest)


@dataclass(frozen=True, slots=True)
class Streamed:
    """Events of `/live`, which carry no numbers.

    *spread* is from the first reader that has an event to the last, *late* how far ticks were off, both at
    worst and in seconds; *resident* bytes of the sidecar without and with its readers.
    """

    snapshots: int
    spread: float
    late: float
    resident: tuple[float, float]


async def stream_to_many(url: str) -> Streamed:
    arrivals: list[list[float]] = [[] for _ in range(STREAMS)]
    all_read = asyncio.Semaphore(0)

    async def reader(number: int) -> None:
        host, port = url.removeprefix("http://").split(":")
        stream, writer = await asyncio.open_connection(host, int(port), limit=4 * 1024 * 1024)
        writer.write(b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while len(arrivals[number]) < SNAPSHOTS + 1:
            if b"event: " in await stream.readuntil(b"\n\n"):
                arrivals[number].append(time.perf_counter())
        all_read.release()
        writer.close()

    alone = await resident(url)
    reading = [asyncio.create_task(reader(number)) for number in range(STREAMS)]
    await asyncio.sleep(SNAPSHOTS / 2 * INTERVAL)
    crowded = await resident(url)
    await asyncio.gather(*reading)
    # During the first one readers still came.
    snapshots = [sorted(each[number] for each in arrivals) for number in range(1, SNAPSHOTS + 1)]
    gaps = [later[0] - earlier[0] for earlier, later in pairwise(snapshots)]
    return Streamed(
        snapshots=len(snapshots),
        spread=max(arrived[-1] - arrived[0] for arrived in snapshots),
        late=max(abs(gap - INTERVAL) for gap in gaps),
        resident=(alone, crowded),
    )


async def resident(url: str) -> float:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("process_resident_memory_bytes"))


async def main() -> None:
    print("| what 50 readers ask of 1,000 SLOs | answers/s | p50 ms | p99 ms | worst ms | bytes |")
    print("|---|---:|---:|---:|---:|---:|")
    async with served(1000) as url:
        await asyncio.sleep(2 * INTERVAL)
        for path in ("/metrics", "/api/v1/slos", "/api/v1/slos?limit=1000"):
            for pause, how in ((1.0, "each once a second"), (0.0, "each at once again")):
                waits = await read_by_many(f"{url}{path}", pause=pause)
                figures = [1000 * waits.percentile(share) for share in (0.5, 0.99, 1)]
                rate = len(waits.seconds) / SECONDS
                shown = " | ".join(f"{figure:.0f}" for figure in figures)
                print(f"| `{path}`, {how} | {rate:.0f} | {shown} | {waits.largest:,} |", flush=True)
    async with served(STREAMED_SLOS) as url:
        streamed = await stream_to_many(url)
    alone, crowded = (size / 1e6 for size in streamed.resident)
    print()
    print(
        f"{STREAMS:,} readers of `/live`, {STREAMED_SLOS} SLOs that all change every {INTERVAL:.0f} s: "
        f"each heard of every snapshot, the last {1000 * streamed.spread:.0f} ms after the first at worst; "
        f"ticks were at most {1000 * streamed.late:.0f} ms off; "
        f"{alone:.0f} MB without readers, {crowded:.0f} MB with."
    )


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])) if len(sys.argv) > 1 else main())
