"""A scraping source, read tick by tick, and the targets it scrapes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from sloctl.model import CountedSide, RatioIndicator, Selector, Slo
from sloctl.prometheus.credentials import ClientOptions
from sloctl.sidecar.sources import Group
from sloctl.sidecar.sources.scrape import scrape_rounds
from sloctl.sidecar.sources.scrape.source import ScrapeOptions, ScrapeSource
from sloctl.sidecar.sources.scrape.targets import DnsService, ResolveHost, ScrapeTarget, resolve_host
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import slo

START = 1_700_000_000.0
TICK = 5.0
SHOP = slo()
OPTIONS = ClientOptions(timeout_seconds=5, max_bytes=256 * 1024)


class Shop:
    """A target that exposes what a test tells it to, and remembers the requests."""

    def __init__(self, text: str = "", **response: Any) -> None:  # noqa: ANN401 - of a web.Response
        self.text = text
        self.response = response
        self.hosts: list[str] = []

    async def expose(self, request: web.Request) -> web.Response:
        self.hosts.append(request.headers["Host"])
        if "body" in self.response:
            return web.Response(**self.response)
        return web.Response(**({"text": self.text} | self.response))


class Ticking:
    """A source, read every TICK seconds."""

    def __init__(self, source: ScrapeSource) -> None:
        self.source = source
        self.now = START

    async def tick(self, seconds: float = TICK) -> dict[str, dict[Group, EventCounts]]:
        """Counts by the SLO's name; raises Unreadable."""
        self.now += seconds
        (interval,) = await self.source.read_counts(self.now)
        assert interval.at == self.now
        return {slo_id.partition("/")[2]: dict(each.groups) for slo_id, each in interval.slos.items()}

    async def ungrouped(self, seconds: float = TICK) -> EventCounts | None:
        """Of the one SLO."""
        return (await self.tick(seconds)).get("availability", {}).get(())

    async def by_label(self) -> dict[tuple[str, str], EventCounts]:
        self.now += TICK
        (interval,) = await self.source.read_counts(self.now)
        return dict(interval.slos["shop/availability"].by_label)


@asynccontextmanager
async def scraping(
    *targets: str | ScrapeTarget | DnsService,
    slos: Sequence[Slo] = (SHOP,),
    client: ClientOptions = OPTIONS,
    resolve: ResolveHost = resolve_host,
    patience: float = 30,
    **options: Any,  # noqa: ANN401 - of ScrapeOptions
) -> AsyncIterator[Ticking]:
    """Read the targets; a round waits for each as long as *patience*, in seconds, says.

    More than in life, as a busy machine may take a second for anything.
    """
    meant = tuple(ScrapeTarget.from_url(each, {}) if isinstance(each, str) else each for each in targets)
    source = ScrapeSource(ScrapeOptions(meant, client, **options), slos, resolve=resolve)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scrape_rounds, "PATIENCE_SECONDS", patience)
        async with source.open_source():
            yield Ticking(source)


def indicator_of(metric: str) -> RatioIndicator:
    """Every event is an error."""
    return RatioIndicator(CountedSide.ERROR, numerator=(Selector(metric),), total=(Selector(metric),))


def served(ok: int, failed: int | None = None) -> str:
    errors = "" if failed is None else f'requests_total{{status="500"}} {failed}\n'
    return f'requests_total{{status="200"}} {ok}\n{errors}'
