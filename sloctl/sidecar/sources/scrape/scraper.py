"""One target, scraped again and again: what it showed, and how that goes."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from opentelemetry.trace import Status, StatusCode, get_tracer

from sloctl.prometheus.answers import HttpResponse
from sloctl.prometheus.async_client import HttpClient
from sloctl.prometheus.errors import RequestFailed
from sloctl.sidecar.sources.counting.counter_increases import Baseline, advance_baseline
from sloctl.sidecar.sources.counting.tally import HeldCounts, SeriesWeights, Tally, tally_samples
from sloctl.sidecar.sources.scrape.exposition import (
    ACCEPT,
    CONTENT_TYPES,
    OPENMETRICS,
    ExposedSample,
    ExpositionParser,
)
from sloctl.sidecar.sources.scrape.targets import ScrapeTarget, TargetState

_tracer: Final = get_tracer(__name__)


class TargetScraper:
    """Remembers what the counters of *target* showed last.

    *since* (Unix seconds): what the target says was created later was never scraped, and counts in full.
    """

    def __init__(self, target: ScrapeTarget, metrics: Collection[str], *, since: float | None = None) -> None:
        self.state = TargetState(target.display_url, target.labels)
        self._target = target
        self._exposition = ExpositionParser(metrics, target.labels)
        self._baseline = Baseline(at=since)
        self._owed: HeldCounts = {}

    def replace_metrics(self, metrics: Collection[str]) -> None:
        """*metrics* are wanted from now on: what of them is new to us is not new to the target."""
        self._exposition = ExpositionParser(metrics, self._target.labels)
        self._baseline = self._baseline.after_interruption()
        # It may be owed to an SLO that is no more, or that counts something else now.
        self._owed = {}

    async def scrape_target(self, client: HttpClient, shares: SeriesWeights, now: float) -> Tally | None:
        """What happened since the scrape before; None where nothing came, and *state* says why."""
        clock = asyncio.get_running_loop().time
        began = clock()
        with _tracer.start_as_current_span("scrape", record_exception=False) as span:
            span.set_attribute("url.full", self.state.url)
            try:
                samples = await self._fetch_samples(client)
            except (RequestFailed, ValueError) as failure:
                span.set_status(Status(StatusCode.ERROR, str(failure)))
                self._baseline = self._baseline.after_interruption()
                self.state = replace(self.state, up=False, error=str(failure), seconds=clock() - began)
                return None
        self._baseline, scrape = advance_baseline(self._baseline, samples, now)
        counted = tally_samples(scrape, shares, self._owed)
        self._owed = counted.held_counts
        self.state = replace(
            self.state, up=True, error=None, scraped_at=now, seconds=clock() - began, samples=len(samples)
        )
        return counted

    async def _fetch_samples(self, client: HttpClient) -> list[ExposedSample]:
        """Raises NoAnswer and ValueError."""
        target = self._target
        headers = {"Accept": ACCEPT}
        if target.host is not None:
            headers["Host"] = target.host_and_port
        answer = await client.get(target.url, headers=headers, server_name=target.host)
        return self._exposition.parse_samples(_text(answer), openmetrics=answer.content_type == OPENMETRICS)


def _text(answer: HttpResponse) -> str:
    if answer.status != 200:
        raise RequestFailed(f"answered {answer.status}")
    if answer.content_type not in CONTENT_TYPES:
        raise RequestFailed(f"answered {answer.content_type}, which is no metrics format")
    try:
        return answer.body.decode()
    except UnicodeDecodeError as wrong:
        raise RequestFailed(f"answered what is not UTF-8: {wrong.reason} at byte {wrong.start}") from None
