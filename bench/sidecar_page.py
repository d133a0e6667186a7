"""What the page costs: bytes, server time and first paint, of the list and of one SLO.

Run as `python -m bench.sidecar_page`; a Markdown table on standard output. The sidecar is a process of
its own, ticking every five seconds, with a full month of history per SLO; Chromium is on the same machine.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Final

import aiohttp
from playwright.async_api import Browser, async_playwright

from bench.sidecar_http import INTERVAL, Varying
from bench.sidecar_scale import many, month
from sloctl.sidecar.clock import start_clock
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.engine.tick_loop import SnapshotFeed, TickLoop
from sloctl.sidecar.http.application import Sidecar, build_application
from sloctl.sidecar.http.server import serve_application
from sloctl.sidecar.runtime import tune_garbage_collector, wait_for_stop_signal
from sloctl.sidecar.sources import Source
from tests import real

ASKED: Final = 20
PAINTED: Final = 5
DETAIL: Final = "/slo/shop/slo-7"
# One word of plain text: what the browser takes for itself.
NOTHING: Final = "/healthz"
_PAINT: Final = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
_BYTES: Final = """
[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .reduce((sum, each) => sum + each.transferSize, 0)
"""


async def serve(count: int) -> None:
    """Print the URL, then serve until a signal says stop."""
    clock = start_clock(since=time.time())
    slos = many(count)
    feed, engine = SnapshotFeed(Snapshot.without_data(slos)), Engine(slos, interval=INTERVAL)
    checkpoint = month(clock.now())
    for slo in slos:
        engine.restore_checkpoints(slo, [checkpoint], clock.now(), counters=False)
    tick_loop = TickLoop(engine, feed, clock=clock, interval=INTERVAL)

    @asynccontextmanager
    async def open_source() -> AsyncIterator[Source]:
        yield Varying(count)

    tune_garbage_collector()
    sidecar = Sidecar(open_source, tick_loop, feed, engine, time=clock, interval=INTERVAL)
    async with serve_application(build_application(sidecar), "127.0.0.1", 0) as url:
        await feed.next_snapshot()
        print(url, flush=True)
        await wait_for_stop_signal()


@asynccontextmanager
async def served(count: int) -> AsyncIterator[str]:
    command = (sys.executable, "-m", "bench.sidecar_page", str(count))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()


async def waited(url: str) -> float:
    """Milliseconds until the whole answer is there, in the middle."""
    took: list[float] = []
    async with aiohttp.ClientSession() as session:
        for _ in range(ASKED):
            asked = time.perf_counter()
            async with session.get(url) as answer:
                await answer.read()
            took.append(1000 * (time.perf_counter() - asked))
            await asyncio.sleep(0.1)
    return median(took)


async def painted(browser: Browser, url: str) -> tuple[float, int]:
    """Milliseconds until the first paint, in the middle, and the bytes of a first visit."""
    paints, size = [], 0
    for _ in range(PAINTED):
        page = await browser.new_page()
        await page.goto(url, wait_until="load")
        while (paint := await page.evaluate(_PAINT)) is None:  # noqa: ASYNC110 - set by another process
            await asyncio.sleep(0.05)
        paints.append(paint)
        size = max(size, await page.evaluate(_BYTES))
        await page.close()
    return median(paints), size


async def measure(count: int, browser: Browser) -> None:
    async with served(count) as url:
        for path in (NOTHING, "/", DETAIL):
            took = await waited(url + path)
            paint, size = await painted(browser, url + path)
            cells = (f"{count:,}", f"`{path}`", f"{size / 1000:.0f} kB", f"{took:.0f} ms", f"{paint:.0f} ms")
            print(f"| {' | '.join(cells)} |", flush=True)


async def main() -> None:
    print("| SLOs | page | bytes of a first visit | answered within | first paint |")
    print("|---|---|---|---|---|")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=real.chromium(), args=["--no-sandbox"])
        for count in (500, 5000):
            await measure(count, browser)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])) if len(sys.argv) > 1 else main())
