"""A sidecar that scrapes one target: the parts, put together."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiohttp

from sloctl.model import Slo
from sloctl.sidecar.app import Sidecar
from sloctl.sidecar.board import Board
from sloctl.sidecar.clock import Time
from sloctl.sidecar.ledger import Ledger
from sloctl.sidecar.poller import Feed, Poller
from sloctl.sidecar.sources import Source
from sloctl.sidecar.sources.scrape import ScrapeSource, Target, plan


def scraping(
    slos: Iterable[Slo], target: Target, *, time: Time, interval: float, timeout_seconds: float
) -> Sidecar:
    """Watches what a scrape can count; the other SLOs stand on the board with the reason."""
    scraped = plan(slos)
    feed = Feed(Board.unread(scraped.slos, scraped.refusals))
    ledger = Ledger(scraped.slos, interval=interval, refusals=scraped.refusals)

    @asynccontextmanager
    async def open_source() -> AsyncIterator[Source]:
        async with aiohttp.ClientSession() as session:
            yield ScrapeSource(session, target, scraped, timeout_seconds=timeout_seconds)

    poller = Poller(ledger, feed, time=time, interval=interval)
    return Sidecar(open_source, poller, feed, ledger, time=time, interval=interval)
