"""All of /metrics: the newest board, what the parts tell of themselves, and the process."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from sloctl.sidecar.component import MetricType, SelfMetric, SelfMetrics
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.http.metrics.exposition import ExpositionFormat, SnapshotMetrics

# Seconds for which a number that changes by itself, such as an age, may be told again.
_CACHE_SECONDS: Final = 1.0
_OPENMETRICS: Final = "application/openmetrics-text"


class MetricsEndpoint:
    """What a scrape gets. The text of a board is made once; so is all of it within a second."""

    def __init__(
        self, newest: Callable[[], Snapshot], now: Callable[[], float], figures: Iterable[SelfMetrics]
    ) -> None:
        self._newest = newest
        self._now = now
        self._text = SnapshotMetrics.render_snapshot(Snapshot.without_data(()), now())
        self._making = asyncio.Lock()
        self._answers: dict[ExpositionFormat, _CachedScrape] = {}
        self._registry = CollectorRegistry()
        self._registry.register(_SelfMetricCollector(tuple(figures)))
        ProcessCollector(registry=self._registry)

    async def render_scrape(self, accept: str) -> tuple[bytes, str]:
        """The text, and its content type as *accept* (a header) asks for it."""
        encode, content_type = choose_encoder(accept)
        form = (
            ExpositionFormat.OPENMETRICS if content_type.startswith(_OPENMETRICS) else ExpositionFormat.TEXT
        )
        async with self._making:
            text = await self._latest_metrics()
            now = self._now()
            known = self._answers.get(form)
            if known is None or known.text is not text or not 0 <= now - known.at < _CACHE_SECONDS:
                # OpenMetrics ends with a line of its own, which this encoder writes.
                body = text.encode_metrics(form, now) + encode(self._registry)
                known = self._answers[form] = _CachedScrape(text, now, body)
        return known.body, content_type

    async def _latest_metrics(self) -> SnapshotMetrics:
        board, now = self._newest(), self._now()
        if board is not self._text.snapshot or now > self._text.valid_until:
            text = SnapshotMetrics(board, now)
            for _ in text.render_parts():
                await asyncio.sleep(0)
            self._text = text
            self._answers.clear()
        return self._text


class _CachedScrape(NamedTuple):
    """What was answered *at* a moment."""

    text: SnapshotMetrics
    at: float
    body: bytes


class _SelfMetricCollector(Collector):
    def __init__(self, figures: Iterable[SelfMetrics]) -> None:
        self._figures = figures

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: registering asks no part."""
        return ()

    def collect(self) -> Iterator[Metric]:
        figures = sorted((each for told in self._figures for each in told()), key=lambda figure: figure.name)
        for _, family in groupby(figures, key=lambda figure: figure.name):
            yield _family(list(family))


def _family(figures: list[SelfMetric]) -> Metric:
    first = figures[0]
    make = CounterMetricFamily if first.kind is MetricType.COUNTER else GaugeMetricFamily
    family = make(first.name, first.help)
    for figure in figures:
        family.add_sample(first.name, dict(figure.labels), figure.value)
    return family
