"""The demo's payments service: its metrics, named as Micrometer names them, and the traffic it gets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from random import Random
from typing import Final, NoReturn

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from sloctl.demo.ground_truth import GroundTruth
from sloctl.demo.traffic import IncidentSchedule, RequestKind, generate_requests
from sloctl.sidecar.clock import Clock

# Seconds of demo time between two batches of requests.
_BATCH_SECONDS: Final = 3.0
_BUCKET_BOUNDS: Final = ("0.05", "0.1", "0.2", "0.3", "0.5", "1.0", "2.0", "5.0", "+Inf")


class RequestMetrics(Collector):
    """A histogram that is told of many alike requests at once."""

    def __init__(self) -> None:
        self._served: dict[RequestKind, float] = {}

    def count_requests(self, kind: RequestKind, number: float) -> None:
        if number:
            self._served[kind] = self._served.get(kind, 0) + number

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(
            "http_server_requests_seconds", "Requests served.", labels=("uri", "status")
        )
        for uri, status in sorted({(kind.uri, kind.status) for kind in self._served}):
            times = {
                kind.seconds: number
                for kind, number in self._served.items()
                if (kind.uri, kind.status) == (uri, status)
            }
            family.add_metric(
                (uri, status),
                buckets=[(bound, _at_most(float(bound), times)) for bound in _BUCKET_BOUNDS],
                sum_value=sum(seconds * number for seconds, number in times.items()),
            )
        yield family


class DemoService:
    """Requests come by themselves while it runs; *truth* keeps what really happened."""

    def __init__(self, script: IncidentSchedule, *, time: Clock, random: Random) -> None:
        self.metrics = RequestMetrics()
        self.truth = GroundTruth()
        self._script = script
        self._time = time
        self._random = random

    async def generate_traffic(self) -> NoReturn:
        """Traffic until cancelled; a late batch holds everything since the one before."""
        before = self._time.now()
        while True:
            await self._time.sleep(_BATCH_SECONDS)
            now = self._time.now()
            self._serve(now, now - before)
            before = now

    def _serve(self, at: float, seconds: float) -> None:
        errors = total = 0
        error_ratio = self._script.error_ratio_at(at)
        for kind, number in generate_requests(at, seconds, error_ratio=error_ratio, random=self._random):
            self.metrics.count_requests(kind, number)
            errors += number if kind.status.startswith("5") else 0
            total += number
        self.truth.record_requests(at, errors=errors, total=total)


def build_application(service: DemoService) -> web.Application:
    """The service on HTTP: /metrics and nothing else, for its traffic is made up inside."""
    registry = CollectorRegistry()
    registry.register(service.metrics)

    async def expose(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    app = web.Application()
    app.router.add_get("/metrics", expose)
    app.cleanup_ctx.append(_used(service))
    return app


def _used(service: DemoService) -> Callable[[web.Application], AsyncIterator[None]]:
    async def used(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(service.generate_traffic(), name="traffic")
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    return used


def _at_most(bound: float, times: dict[float, float]) -> float:
    return sum(number for seconds, number in times.items() if seconds <= bound)
