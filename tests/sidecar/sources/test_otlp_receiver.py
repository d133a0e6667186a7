"""POST /v1/metrics on a running sidecar, with OpenTelemetry's stock exporter and by hand."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction

import aiohttp
import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # has no types
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from sloctl.model import LatencyIndicator, NativeLatencyIndicator, Selector, Slo
from sloctl.sidecar.clock import start_clock
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.engine.tick_loop import SnapshotFeed, TickLoop
from sloctl.sidecar.http.application import Sidecar, build_application
from sloctl.sidecar.http.server import serve_application
from sloctl.sidecar.sources.otlp.receiver import PROTOBUF
from sloctl.sidecar.sources.otlp.source import OtlpOptions, OtlpSource
from tests.sidecar.sources.otlp_requests import counter, number, request
from tests.sidecar.specimens import slo

WATCHED = (
    slo(),
    slo(LatencyIndicator(Selector("request_duration_seconds"), threshold=Fraction(1)), name="fast"),
    slo(NativeLatencyIndicator(Selector("request_latency_seconds"), threshold=Fraction(1)), name="fast-too"),
)
TEMPORALITIES = {
    "cumulative": AggregationTemporality.CUMULATIVE,
    "delta": AggregationTemporality.DELTA,
}


@dataclass
class Watching:
    url: str
    feed: SnapshotFeed

    async def snapshot(self, holds: Callable[[Snapshot], bool]) -> Snapshot:
        """The first snapshot of which *holds* holds."""
        async with asyncio.timeout(30):
            while not holds(self.feed.snapshot):
                await self.feed.next_snapshot()
        return self.feed.snapshot


@asynccontextmanager
async def watching(*slos: Slo, options: OtlpOptions | None = None) -> AsyncIterator[Watching]:
    """A whole sidecar that ticks ten times a second."""
    real = start_clock(since=time.time())
    source = OtlpSource(options or OtlpOptions(), slos or WATCHED, now=real.now)

    feed = SnapshotFeed(Snapshot.without_data(source.slos, source.unsupported))
    engine = Engine(source.slos, interval=1)
    tick_loop = TickLoop(engine, feed, clock=real, interval=0.1)
    sidecar = Sidecar(
        source.open_source, tick_loop, feed, engine, time=real, interval=0.1, routes=source.routes
    )
    async with serve_application(build_application(sidecar), "127.0.0.1", 0) as url:
        yield Watching(url, feed)


def use_a_service(url: str, temporality: AggregationTemporality) -> None:
    """A service that answers a hundred requests, four of them with an error, ten of them slowly."""
    exporter = OTLPMetricExporter(
        endpoint=f"{url}/v1/metrics",
        compression=Compression.Gzip,
        preferred_temporality={Counter: temporality, Histogram: temporality},
    )
    provider = MeterProvider(
        metric_readers=[PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)],
        resource=Resource.create({"service.name": "shop", "service.instance.id": "a"}),
        views=[View(instrument_name="request.latency", aggregation=ExponentialBucketHistogramAggregation())],
    )
    meter = provider.get_meter("shop")
    answered = meter.create_counter("requests")
    histograms = [
        meter.create_histogram("request.duration", unit="s", explicit_bucket_boundaries_advisory=[0.5, 1]),
        meter.create_histogram("request.latency", unit="s"),
    ]
    for number_of_request in range(100):
        answered.add(1, {"status": "500" if number_of_request % 25 == 0 else "200"})
        for histogram in histograms:
            histogram.record(30 if number_of_request % 10 == 0 else 0.1)
        if number_of_request == 50:
            provider.force_flush()
    provider.force_flush()
    provider.shutdown()


def counted(snapshot: Snapshot) -> dict[str, tuple[float, float]]:
    return {state.slo.name: (round(state.errors, 6), state.events) for state in snapshot.states}


@pytest.mark.parametrize("temporality", TEMPORALITIES)
async def test_the_stock_exporter_of_opentelemetry_is_counted_exactly(temporality: str) -> None:
    async with watching() as sidecar:
        await asyncio.to_thread(use_a_service, sidecar.url, TEMPORALITIES[temporality])
        snapshot = await sidecar.snapshot(
            lambda snapshot: all(each.events >= 100 for each in snapshot.states)
        )

    assert counted(snapshot) == {"availability": (4, 100), "fast": (10, 100), "fast-too": (10, 100)}


def increments(value: float = 3) -> ExportMetricsServiceRequest:
    now = time.time()
    point = number(value, at=now, start=now - 1, labels={"status": "200"})
    return request(counter(point))


async def post(
    url: str, body: bytes, *, content_type: str = PROTOBUF, encoding: str = "identity"
) -> tuple[int, bytes, aiohttp.ClientResponse]:
    headers = {"Content-Type": content_type, "Content-Encoding": encoding}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/metrics", data=body, headers=headers) as answer,
    ):
        return answer.status, await answer.read(), answer


async def test_success_is_an_empty_response_in_protobuf() -> None:
    async with watching() as sidecar:
        status, body, answer = await post(sidecar.url, increments().SerializeToString())

    assert (status, body, answer.content_type) == (200, b"", "application/x-protobuf")


async def test_a_part_that_is_of_no_use_is_reported() -> None:
    exported = request(counter(number(1, at=0)), counter(number(2, at=time.time()), name="other"))

    async with watching() as sidecar:
        status, body, _ = await post(sidecar.url, exported.SerializeToString())

    partial = ExportMetricsServiceResponse.FromString(body).partial_success
    assert status == 200
    assert partial.rejected_data_points == 1
    assert partial.error_message == "requests_total: it has no time"


GOOD = increments().SerializeToString()
REFUSALS = {
    "garbage": (b"\xff\xff\xff", PROTOBUF, "identity", 400, "this is no ExportMetricsServiceRequest"),
    "cut off": (GOOD[:-3], PROTOBUF, "identity", 400, "this is no ExportMetricsServiceRequest"),
    "json": (b"{}", "application/json", "identity", 415, "send application/x-protobuf, not application/json"),
    "snappy": (GOOD, PROTOBUF, "snappy", 415, "send gzip or nothing as Content-Encoding"),
    "large": (bytes(200_000), PROTOBUF, "identity", 413, "a request has at most 0.1 MiB when inflated"),
    "a bomb": (
        gzip.compress(bytes(50_000_000)),
        PROTOBUF,
        "gzip",
        413,
        "a request has at most 0.1 MiB when inflated",
    ),
}


@pytest.mark.parametrize("kind", REFUSALS)
async def test_what_cannot_be_read_is_refused_with_a_status_in_protobuf(kind: str) -> None:
    body, content_type, encoding, expected, reason = REFUSALS[kind]

    async with watching(options=OtlpOptions(max_bytes=104_858)) as sidecar:
        status, refused, _ = await post(sidecar.url, body, content_type=content_type, encoding=encoding)
        again, _, _ = await post(sidecar.url, GOOD)

    assert status == expected
    assert Status.FromString(refused).message.startswith(reason)
    assert again == 200


async def test_a_body_that_is_no_gzip_is_refused() -> None:
    async with watching() as sidecar:
        status, _, _ = await post(sidecar.url, b"no gzip at all", encoding="gzip")

    assert status == 400


async def test_more_than_can_be_counted_is_asked_for_again_later() -> None:
    async with watching(options=OtlpOptions(max_points=0)) as sidecar:
        status, body, answer = await post(sidecar.url, GOOD)

    assert status == 503
    assert answer.headers["Retry-After"] == "5"
    assert Status.FromString(body).message == "0 points wait to be counted"


async def test_silence_shows_as_stale_with_the_reason() -> None:
    async with watching() as sidecar:
        snapshot = await sidecar.snapshot(lambda snapshot: snapshot.source_issue is not None)

    assert snapshot.source_issue == "no service sends what the SLOs count"
