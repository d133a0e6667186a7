"""One target, scraped again and again: its baseline and its state."""

import asyncio
from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import replace
from typing import Final

from opentelemetry.trace import Status, StatusCode, get_tracer

from sloctl.prometheus.async_client import HttpClient
from sloctl.prometheus.errors import RequestFailed
from sloctl.sidecar.sources import join_reasons
from sloctl.sidecar.sources.counting.counter_increases import (
    MAX_BASELINE_AGE,
    Baseline,
    advance_baseline,
)
from sloctl.sidecar.sources.counting.series import ExposedSample
from sloctl.sidecar.sources.counting.series_weights import SeriesWeights
from sloctl.sidecar.sources.counting.tally import HeldCounts, Tally, tally_in_pieces
from sloctl.sidecar.sources.scrape.body_memory import BodyMemory, BodyReservation
from sloctl.sidecar.sources.scrape.exposition import (
    ACCEPT,
    OPENMETRICS,
    PIECE_BYTES,
    ExpositionParser,
    process_start,
)
from sloctl.sidecar.sources.scrape.exposition_reader import ExpositionReader
from sloctl.sidecar.sources.scrape.sample_room import SampleRoom
from sloctl.sidecar.sources.scrape.targets import ScrapeTarget, TargetState
from sloctl.sidecar.sources.scrape.unmatched import SEARCHED_BYTES, ExposedSeries

_tracer: Final = get_tracer(__name__)


class TargetScraper:
    """The scrapes of *target*, each compared with the one before.

    A counter that was created after *since* (Unix seconds), by its own account, was never scraped, and counts
    in full.
    """

    def __init__(
        self,
        target: ScrapeTarget,
        metrics: Collection[str],
        *,
        bodies: BodyMemory,
        room: "SampleRoom[TargetScraper]",
        since: float | None = None,
    ) -> None:
        self.state = TargetState(target.display_url, target.labels)
        # By the clock of the event loop.
        self.answered_at = float("-inf")
        self._target = target
        self._bodies = bodies
        self._room = room
        self._parser = ExpositionParser(metrics, target.labels)
        self._baseline = Baseline(at=since)
        self._held_counts: HeldCounts = {}
        self._shared_at: float | None = None
        # Looked for in the next answer only: names of thousands of metrics take milliseconds.
        self.wants_exposed = False
        self.exposed: ExposedSeries | None = None

    def replace_metrics(self, metrics: Collection[str]) -> None:
        """Read *metrics* from now on: a series that is new to us is not new to the target."""
        self._parser = ExpositionParser(metrics, self._target.labels)
        self._baseline = self._baseline.after_interruption()
        # Held back for an SLO that may be no more, or that may count something else now.
        self._held_counts = {}

    async def scrape_target(self, client: HttpClient, weights: SeriesWeights, now: float) -> Tally | None:
        """Count the increases since the last scrape; None where it failed, and *state* says why."""
        clock = asyncio.get_running_loop().time
        began = clock()
        parser = self._parser
        with _tracer.start_as_current_span("scrape", record_exception=False) as span:
            span.set_attribute("url.full", self.state.url)
            try:
                async with self._bodies.open_reservation() as reservation:
                    samples, started = await self._fetch_samples(client, parser, reservation)
            except (RequestFailed, ValueError) as failure:
                span.set_status(Status(StatusCode.ERROR, str(failure)))
                self.record_failure(str(failure), clock() - began)
                return None
        baseline, scrape = advance_baseline(
            self._baseline, samples, now, process_start=started, most_series=self._room.most_for(self)
        )
        pieces = tally_in_pieces(scrape, weights, self._held_counts)
        while (tally := next(pieces)) is None:  # noqa: ASYNC110 - it waits for its own work
            await asyncio.sleep(0)
        # Only now: whoever gives the scrape up while it is counted loses nothing. Metrics that were replaced
        # meanwhile are not in it, and not new in the next one.
        is_current = parser is self._parser
        self._baseline = baseline if is_current else baseline.after_interruption()
        self._room.note_taken(self, len(samples) + len(self._baseline.vanished))
        if any(increase.is_other_process for increase in scrape):
            self._shared_at = now
        self.answered_at = clock()
        self._held_counts = tally.held_counts if is_current else {}
        self.state = replace(
            self.state, up=True, error=None, scraped_at=now, seconds=clock() - began, samples=len(samples)
        )
        return tally

    @property
    def left_out(self) -> frozenset[str]:
        """The metrics that have too many samples to be read."""
        return self._parser.left_out

    def unread_samples(self) -> str | None:
        """Say which samples of the last answer are not read, and why; None where all are."""
        reasons = []
        if self.left_out:
            names = join_reasons(sorted(self.left_out))
            reasons.append(f"more samples of what the SLOs name than there is room for, {names} not read")
        if self._parser.too_long:
            reasons.append(f"{self._parser.too_long} samples of more than 16 KiB, which are not read")
        return f"{self.state.url}: {'; '.join(reasons)}" if reasons else None

    def record_failure(self, reason: str, seconds: float) -> None:
        """Note that a scrape of *seconds* brought nothing: what is new afterwards may be older."""
        self._baseline = self._baseline.after_interruption()
        self.state = replace(self.state, up=False, error=reason, seconds=seconds)

    def issue(self, now: float) -> str | None:
        """Say that several processes answered by turns lately."""
        if self._shared_at is None or now - self._shared_at > MAX_BASELINE_AGE:
            return None
        return f"{self.state.url}: several processes answer at this address; only the newest is counted"

    async def _fetch_samples(
        self, client: HttpClient, parser: ExpositionParser, reservation: BodyReservation
    ) -> tuple[list[ExposedSample], float | None]:
        """Get and parse the metrics, and the start of the process; raise RequestFailed and ValueError."""
        target = self._target
        headers = {"Accept": ACCEPT}
        if target.host is not None:
            headers["Host"] = target.host_and_port
        searched = SEARCHED_BYTES if self.wants_exposed else 0
        reader = ExpositionReader(parser, reservation, raw_bytes=searched)
        try:
            answer = await client.get(target.url, headers=headers, server_name=target.host, reader=reader)
            return await self._parse_answer(reader, answer.content_type)
        finally:
            # The exception of a connection that broke holds its answer, until Python looks for cycles.
            reader.body.clear()

    async def _parse_answer(
        self, reader: ExpositionReader, content_type: str
    ) -> tuple[list[ExposedSample], float | None]:
        pieces = reader.parser.parse_in_pieces(
            reader.body,
            openmetrics=content_type == OPENMETRICS,
            most_samples=self._room.most_for(self),
            omitted=reader.omitted,
        )
        # Pieces of many large answers would follow each other before anybody else has a turn.
        async with self._room.parsing if len(reader.body) > PIECE_BYTES else nullcontext():
            while (samples := next(pieces)) is None:  # noqa: ASYNC110 - it waits for its own work
                await asyncio.sleep(0)
        if self.wants_exposed:
            self.exposed = ExposedSeries.from_body(reader.body, (sample.series for sample in samples))
            self.wants_exposed = False
        return samples, process_start(reader.body)
