"""All of /metrics: the newest snapshot, the self-metrics of the sidecar, and the process."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final, NamedTuple

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from sloctl.sidecar.component import MetricType, SelfMetric, SelfMetrics
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.http.metrics.exposition import (
    MAX_METRICS_BYTES,
    ExpositionFormat,
    SnapshotMetrics,
)

# Seconds for which a number that changes by itself, such as an age, may be served again.
_CACHE_SECONDS: Final = 1.0


class _CachedScrape(NamedTuple):
    metrics: SnapshotMetrics
    at: float
    body: bytes


class MetricsEndpoint:
    """The answer to a scrape: the text of a snapshot is rendered once, all of it once within a second."""

    def __init__(
        self,
        newest: Callable[[], Snapshot],
        now: Callable[[], float],
        self_metrics: Iterable[SelfMetrics],
        *,
        max_bytes: int = MAX_METRICS_BYTES,
    ) -> None:
        self._max_bytes = max_bytes
        self._newest = newest
        self._now = now
        self._metrics = SnapshotMetrics.render_snapshot(Snapshot.without_data(()), now())
        self._rendering = asyncio.Lock()
        self._scrapes: dict[ExpositionFormat, _CachedScrape] = {}
        self._registry = CollectorRegistry()
        self._registry.register(_SelfMetricCollector((*self_metrics, self._own_metrics)))
        ProcessCollector(registry=self._registry)

    async def show_metrics(self, request: web.Request) -> web.Response:
        body, content_type = await self.render_scrape(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def render_scrape(self, accept: str) -> tuple[bytes, str]:
        """Render everything in the format that *accept* (a header) asks for; give its content type too."""
        encode, content_type = choose_encoder(accept)
        is_openmetrics = content_type.startswith("application/openmetrics-text")
        form = ExpositionFormat.OPENMETRICS if is_openmetrics else ExpositionFormat.TEXT
        async with self._rendering:
            metrics = await self._latest_metrics()
            now = self._now()
            known = self._scrapes.get(form)
            if known is None or known.metrics is not metrics or not 0 <= now - known.at < _CACHE_SECONDS:
                # OpenMetrics ends with a line of its own, which this encoder writes.
                body = metrics.encode_metrics(form, now) + encode(self._registry)
                known = self._scrapes[form] = _CachedScrape(metrics, now, body)
        return known.body, content_type

    def issues(self) -> Mapping[str, str]:
        """Say how many SLOs the last scrape left out."""
        if not (omitted := self._metrics.omitted):
            return {}
        limit = f"{self._max_bytes:,} bytes (limits.metricsBytes)"
        return {"metrics": f"/metrics is at its limit of {limit}: {omitted:,} SLOs and groups are left out"}

    def _own_metrics(self) -> Iterable[SelfMetric]:
        description = "SLOs and groups that /metrics leaves out, for its size."
        return (
            SelfMetric("sloctl_metrics_omitted", description, MetricType.GAUGE, float(self._metrics.omitted)),
        )

    async def _latest_metrics(self) -> SnapshotMetrics:
        snapshot, now = self._newest(), self._now()
        if snapshot is not self._metrics.snapshot or now > self._metrics.valid_until:
            metrics = SnapshotMetrics(snapshot, now, self._max_bytes)
            for _ in metrics.render_parts():
                await asyncio.sleep(0)
            self._metrics = metrics
            self._scrapes.clear()
        return self._metrics


class _SelfMetricCollector(Collector):
    """The self-metrics of all components, for prometheus-client's encoder."""

    def __init__(self, self_metrics: Iterable[SelfMetrics]) -> None:
        self._self_metrics = self_metrics

    def describe(self) -> Iterable[Metric]:
        """Give nothing beforehand, so that registering asks no component."""
        return ()

    def collect(self) -> Iterator[Metric]:
        every = sorted((each for give in self._self_metrics for each in give()), key=lambda each: each.name)
        for name, named in groupby(every, key=lambda each: each.name):
            samples = list(named)
            is_counter = samples[0].kind is MetricType.COUNTER
            family = (CounterMetricFamily if is_counter else GaugeMetricFamily)(name, samples[0].help)
            for sample in samples:
                family.add_sample(name, dict(sample.labels), sample.value)
            yield family
