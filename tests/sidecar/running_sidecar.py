"""A sidecar and the service it watches, both on real ports; only time is a test's own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web

from sloctl.model import Slo
from sloctl.prometheus.credentials import ClientOptions
from sloctl.sidecar.build import build_sidecar
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.config.read import Settings
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.http.application import Sidecar, build_application
from sloctl.sidecar.http.server import serve_application
from sloctl.sidecar.sources.scrape import scrape_rounds
from sloctl.sidecar.sources.scrape.source import ScrapeOptions
from sloctl.sidecar.sources.scrape.targets import ScrapeTarget
from tests.sidecar.specimens import slo

START = 1_700_000_000.0
SHOP = slo()


@dataclass
class Shop:
    """The watched service: exposes what a test tells it to."""

    exposition: str = 'requests_total{status="200"} 100\n'
    status: int = 200
    content_type: str = "text/plain"

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/metrics", self._expose)
        return app

    async def _expose(self, _: web.Request) -> web.Response:
        return web.Response(text=self.exposition, status=self.status, content_type=self.content_type)


class ManualClock:
    """Time that passes only when told, one tick at a time."""

    def __init__(self) -> None:
        self.at = START
        self._ticks: asyncio.Queue[float] = asyncio.Queue()

    def time(self) -> Clock:
        return Clock(now=lambda: self.at, sleep=self._sleep)

    def tick(self, seconds: float = 5) -> None:
        self._ticks.put_nowait(seconds)

    async def _sleep(self, _: float) -> None:
        self.at += await self._ticks.get()


@dataclass
class RunningSidecar:
    """The running pair; *url* is the sidecar's."""

    url: str
    shop: Shop
    sidecar: Sidecar
    hours: ManualClock = field(repr=False)

    async def tick(self, exposition: str | None = None, *, seconds: float = 5) -> Snapshot:
        """The snapshot after the next tick, which finds *exposition*."""
        if exposition is not None:
            self.shop.exposition = exposition
        self.hours.tick(seconds)
        return await asyncio.wait_for(self.sidecar.feed.next_snapshot(), 60)


@asynccontextmanager
async def run_sidecar(
    *slos: Slo,
    job: str = "shop",
    **changed: Any,  # noqa: ANN401 - what each field takes
) -> AsyncIterator[RunningSidecar]:
    """After the first scrape, which counts nothing; *changed* are fields of the Sidecar."""
    shop, hours = Shop(), ManualClock()
    with pytest.MonkeyPatch.context() as patch:
        # A busy machine may take a second for anything.
        patch.setattr(scrape_rounds, "PATIENCE_SECONDS", 30)
        async with serve_application(shop.application(), "127.0.0.1", 0) as target:
            scraped = ScrapeOptions(
                (ScrapeTarget.from_url(target, {"job": job}),), ClientOptions(timeout_seconds=30)
            )
            sidecar = build_sidecar(slos or (SHOP,), Settings(5, scraped), time=hours.time())
            sidecar = replace(sidecar, **changed)
            first = asyncio.ensure_future(sidecar.feed.next_snapshot())
            async with serve_application(
                build_application(sidecar), "127.0.0.1", 0, sidecar.web.certificate
            ) as url:
                await asyncio.wait_for(first, 60)
                yield RunningSidecar(url, shop, sidecar, hours)
