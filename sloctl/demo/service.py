"""The demo's payments service: its metrics, named as OpenTelemetry names them, and its traffic."""

from collections.abc import AsyncIterator, Iterator
from random import Random
from typing import Final, NoReturn

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from sloctl.demo.ground_truth import GroundTruth
from sloctl.demo.traffic import (
    EVERYDAY_ERROR_RATIO,
    IncidentSchedule,
    RequestKind,
    generate_requests,
    traffic_mix,
)
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.runtime import run_in_background

# Seconds of demo time between two batches of requests.
_BATCH_SECONDS: Final = 3.0
# Those of OpenTelemetry's semantic conventions that the demo's requests fall between.
_BUCKET_BOUNDS: Final = ("0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "+Inf")


class RequestMetrics(Collector):
    """A histogram that counts many alike requests at once."""

    def __init__(self) -> None:
        # From zero, as clients should: what a service shows first within a minute is taken for its past.
        self._served = {kind: 0.0 for kind, _ in traffic_mix(EVERYDAY_ERROR_RATIO)}

    def count_requests(self, kind: RequestKind, number: float) -> None:
        if number:
            self._served[kind] = self._served.get(kind, 0) + number

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(
            "http_server_request_duration_seconds",
            "Requests served.",
            labels=("http_route", "http_response_status_code"),
        )
        for uri, status in sorted({(kind.uri, kind.status) for kind in self._served}):
            times = {
                kind.seconds: number
                for kind, number in self._served.items()
                if (kind.uri, kind.status) == (uri, status)
            }
            buckets = [
                (bound, sum(number for seconds, number in times.items() if seconds <= float(bound)))
                for bound in _BUCKET_BOUNDS
            ]
            total = sum(seconds * number for seconds, number in times.items())
            family.add_metric((uri, status), buckets=buckets, sum_value=total)
        yield family


class DemoService:
    """A service whose requests come by themselves; *truth* keeps the counts that really happened."""

    def __init__(self, schedule: IncidentSchedule, *, time: Clock, random: Random) -> None:
        self.metrics = RequestMetrics()
        self.truth = GroundTruth()
        self._schedule = schedule
        self._time = time
        self._random = random

    async def generate_traffic(self) -> NoReturn:
        """Serve requests until cancelled; a late batch holds everything since the one before."""
        before = self._time.now()
        while True:
            await self._time.sleep(_BATCH_SECONDS)
            now = self._time.now()
            errors = total = 0
            ratio = self._schedule.error_ratio_at(now)
            for kind, number in generate_requests(now, now - before, error_ratio=ratio, random=self._random):
                self.metrics.count_requests(kind, number)
                errors += number if kind.status.startswith("5") else 0
                total += number
            self.truth.record_requests(now, errors=errors, total=total)
            before = now


def build_application(service: DemoService) -> web.Application:
    """Build the service on HTTP: /metrics and nothing else, for its traffic is made up inside."""
    registry = CollectorRegistry()
    registry.register(service.metrics)

    async def expose(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    async def serve_traffic(_: web.Application) -> AsyncIterator[None]:
        async with run_in_background(service.generate_traffic(), name="traffic"):
            yield

    app = web.Application()
    app.router.add_get("/metrics", expose)
    app.cleanup_ctx.append(serve_traffic)
    return app
