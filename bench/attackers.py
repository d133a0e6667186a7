"""Whoever attacks a sidecar, in a process of its own, until it is ended.

python -m bench.attackers targets           prints the URL below which targets misbehave
python -m bench.attackers clients URL       connections that are held, readers that never read, floods
python -m bench.attackers senders URL       OTLP: bombs, bodies that stall, instances that are invented
"""

import asyncio
import gzip
import logging
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from itertools import count
from typing import Any, Final

import aiohttp
from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

_MIB: Final = 1024**2
_LINE: Final = b'requests_total{status="200",uri="/x"} 1\n'
_CUMULATIVE: Final = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
_HELD: Final = 300
# What has another type is not read at all.
_FORMAT: Final = "text/plain"


# --- targets ---


async def keep_silent(_: web.Request) -> web.Response:
    await asyncio.sleep(3600)
    return web.Response()


def serve_large() -> Callable[[web.Request], Coroutine[Any, Any, web.Response]]:
    body = b"# nothing to see\n" * (30 * _MIB // 17)

    async def expose(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=_FORMAT)

    return expose


def serve_bomb() -> Callable[[web.Request], Coroutine[Any, Any, web.Response]]:
    body = gzip.compress(b"x" * (512 * _MIB), 1)

    async def expose(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=_FORMAT, headers={"Content-Encoding": "gzip"})

    return expose


async def show_new_series(_: web.Request) -> web.Response:
    """Answer with 100,000 series that were never there."""
    now = time.time_ns()
    lines = [f'requests_total{{status="200",uri="/{now}/{number}"}} 1\n' for number in range(100_000)]
    return web.Response(text="".join(lines))


async def drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": _FORMAT})
    await response.prepare(request)
    for _ in range(3600):
        await response.write(b"#")
        await asyncio.sleep(1)
    return response


async def never_end(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": _FORMAT})
    await response.prepare(request)
    while True:
        await response.write(_LINE * 1000)


async def serve_targets() -> None:
    app = web.Application()
    for name, expose in (
        ("silent", keep_silent),
        ("large", serve_large()),
        ("bomb", serve_bomb()),
        ("new", show_new_series),
        ("drip", drip),
        ("endless", never_end),
    ):
        app.router.add_get(f"/{name}/{{n}}", expose)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.sleep(3600)


# --- clients ---


async def hold_connections(url: str) -> None:
    """Open connections without end: idle, half a request, open pages and /metrics that nobody reads."""
    host, port = url.removeprefix("http://").split(":")
    requests = (
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-",
        b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    )
    held: list[asyncio.StreamWriter] = []
    for number in count():
        with suppress(OSError):
            _, writer = await asyncio.open_connection(host, int(port), limit=1)
            held.append(writer)
            writer.write(requests[number % len(requests)])
        if len(held) > _HELD:
            held.pop(0).transport.abort()
        await asyncio.sleep(0.02)


async def flood_reloads(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with session.post(f"{url}/-/reload") as answer:
                    await answer.read()
            await asyncio.sleep(0.05)


# --- OTLP senders ---


def export(instance: str, *metrics: Metric) -> bytes:
    resource = Resource(
        attributes=[
            KeyValue(key="service.name", value=AnyValue(string_value="shop")),
            KeyValue(key="service.instance.id", value=AnyValue(string_value=instance)),
        ]
    )
    sent = ResourceMetrics(resource=resource, scope_metrics=[ScopeMetrics(metrics=metrics)])
    encoded: bytes = ExportMetricsServiceRequest(resource_metrics=[sent]).SerializeToString()
    return encoded


def requests_total(values: dict[str, float], started: float) -> Metric:
    """The counter of the service, by status; cumulative."""
    points = [
        NumberDataPoint(
            as_double=value,
            time_unix_nano=time.time_ns(),
            start_time_unix_nano=int(started * 1e9),
            attributes=[KeyValue(key="status", value=AnyValue(string_value=status))],
        )
        for status, value in values.items()
    ]
    return Metric(
        name="requests",
        sum=Sum(data_points=points, aggregation_temporality=_CUMULATIVE, is_monotonic=True),
    )


async def send_otlp(session: aiohttp.ClientSession, url: str, body: bytes, *, encoding: str = "") -> int:
    headers = {"Content-Type": "application/x-protobuf"} | (
        {"Content-Encoding": encoding} if encoding else {}
    )
    async with session.post(f"{url}/v1/metrics", data=body, headers=headers) as answer:
        await answer.read()
        return answer.status


async def send_bombs(url: str) -> None:
    """Send a histogram of 15.9 million empty buckets, in 15 kB."""
    point = ExponentialHistogramDataPoint(time_unix_nano=time.time_ns(), count=0)
    point.positive.bucket_counts.extend([0] * 15_900_000)
    histogram = ExponentialHistogram(data_points=[point], aggregation_temporality=_CUMULATIVE)
    body = gzip.compress(export("bomb", Metric(name="requests", exponential_histogram=histogram)))
    async with aiohttp.ClientSession() as session:
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                await send_otlp(session, url, body, encoding="gzip")
            await asyncio.sleep(0.5)


async def stall_bodies(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    head = (
        b"POST /v1/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\n"
        b"Content-Length: 16000000\r\n\r\n"
    )
    held: list[asyncio.StreamWriter] = []
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(head + bytes(15_000_000))
            held.append(writer)
        if len(held) > 40:
            held.pop(0).transport.abort()
        await asyncio.sleep(0.25)


async def invent_instances(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        for number in count():
            values = {f"{200 + status}": 1.0 for status in range(200)}
            body = export(f"invented-{number}", requests_total(values, time.time() - 1000))
            with suppress(aiohttp.ClientError, TimeoutError):
                await send_otlp(session, url, body)
            await asyncio.sleep(0.02)


async def attack(role: str, url: str) -> None:
    match role:
        case "targets":
            await serve_targets()
        case "clients":
            await asyncio.gather(hold_connections(url), flood_reloads(url))
        case _:
            await asyncio.gather(send_bombs(url), stall_bodies(url), invent_instances(url))


if __name__ == "__main__":
    # Those who are attacked let go of it.
    logging.disable()
    asyncio.run(attack(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""))
