"""Measure what a tick of scraping costs: a Markdown table on standard output.

Real HTTP from a process of its own. Processor time is that of the scraping process alone, the least of ten
ticks; all wanted counters grow in every tick, a quarter of them errors, and counted by label.
"""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import count, islice
from subprocess import PIPE, Popen
from typing import Final

from aiohttp import web

from sloctl.model import CountedSide, LabelMatcher, MatchOp, RatioIndicator, Selector, Slo
from sloctl.prometheus.credentials import ClientOptions
from sloctl.sidecar.http.server import serve_application
from sloctl.sidecar.sources import SourceUnavailable
from sloctl.sidecar.sources.scrape.source import ScrapeOptions, ScrapeSource
from sloctl.sidecar.sources.scrape.targets import ScrapeTarget
from tests.sidecar.specimens import slo

TICKS: Final = 10
TICK: Final = 5.0
STATUSES: Final = (200, 201, 404, 503)


def main() -> None:
    print("| a tick of scraping | processor time |", "|---|---|", sep="\n")
    row("one target, 20 series", megabytes=0, routes=5, targets=1)
    row("100 targets of 20 series", megabytes=0, routes=5, targets=100)
    row("one target, 5 MB of which 20 series are wanted", megabytes=5, routes=5, targets=1)
    row("one target, 1,000 SLOs with 4 series each", megabytes=0, routes=1000, targets=1)
    row("one target, 10,000 SLOs with 4 series each", megabytes=0, routes=10_000, targets=1)


def row(what: str, *, megabytes: int, routes: int, targets: int) -> None:
    slos = [one_route(number) for number in range(routes)] if routes > 5 else [slo()]
    command = [sys.executable, "-m", __spec__.name, str(megabytes), str(routes)]
    with Popen(command, stdout=PIPE, text=True) as server:
        assert server.stdout
        url = server.stdout.readline().strip()
        try:
            seconds = asyncio.run(least(url, slos, targets))
        finally:
            server.terminate()
    print(f"| {what} | {seconds * 1000:,.1f} ms |", flush=True)


async def least(url: str, slos: Sequence[Slo], targets: int) -> float:
    """Processor seconds of the cheapest tick."""
    scraped = tuple(
        ScrapeTarget.from_url(f"{url}/{number}", {"instance": str(number)}) for number in range(targets)
    )
    spent = []
    options = ScrapeOptions(scraped, ClientOptions(timeout_seconds=60))
    async with ScrapeSource(options, slos).open_source() as source:
        for tick in range(TICKS):
            began = time.process_time()
            while not await is_read(source, tick * TICK):  # noqa: ASYNC110 - no event tells an answer
                await asyncio.sleep(0.1)
            spent.append(time.process_time() - began)
    return min(spent)


async def is_read(source: ScrapeSource, at: float) -> bool:
    """A target that takes longer than a second, as with 10,000 SLOs, is read when it has answered."""
    try:
        await source.read_counts(at)
    except SourceUnavailable:
        return False
    return True


def one_route(number: int) -> Slo:
    route = LabelMatcher("route", MatchOp.EQUAL, f"/{number}")
    failed = LabelMatcher("status", MatchOp.MATCH, "5..")
    errors, total = Selector("requests_total", (route, failed)), Selector("requests_total", (route,))
    return slo(RatioIndicator(CountedSide.ERROR, (errors,), (total,)), name=f"route-{number}")


async def serve(megabytes: int, routes: int) -> None:
    other = "\n".join(islice(unwanted(), megabytes * 6_700))
    requests = count(1)

    async def expose(_: web.Request) -> web.Response:
        value = next(requests)
        wanted = "\n".join(
            f'requests_total{{method="GET",route="/{number}",status="{status}"}} {value * 3}'
            for number in range(routes)
            for status in STATUSES
        )
        return web.Response(text=f"{other}\n{wanted}\n")

    app = web.Application()
    app.router.add_get("/{target}", expose)
    async with serve_application(app, "127.0.0.1", 0) as url:
        print(url, flush=True)
        await asyncio.Event().wait()


def unwanted() -> Iterator[str]:
    """Lines of 150 bytes."""
    for number in count():
        yield (
            f'http_server_requests_{number // 50}_seconds_bucket{{application="payments",exception="None",'
            f'method="GET",outcome="SUCCESS",status="200",uri="/{number:010}",le="0.{number % 10}"}} {number}'
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(serve(*map(int, sys.argv[1:])))
    else:
        main()
