"""A collector, and a process that exports to it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from sloctl.sidecar.http.server import serve_application

PATIENCE = 60.0


@dataclass
class Collector:
    """What it was sent; one that is *deaf* never answers."""

    deaf: bool = False
    metrics: list[Metric] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    resources: list[Resource] = field(default_factory=list)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/v1/metrics", self._metrics)
        app.router.add_post("/v1/traces", self._traces)
        return app

    async def _metrics(self, request: web.Request) -> web.Response:
        await self._hear()
        for resource in ExportMetricsServiceRequest.FromString(await request.read()).resource_metrics:
            self.resources.append(resource.resource)
            self.metrics.extend(metric for scope in resource.scope_metrics for metric in scope.metrics)
        return web.Response(content_type="application/x-protobuf")

    async def _traces(self, request: web.Request) -> web.Response:
        await self._hear()
        for resource in ExportTraceServiceRequest.FromString(await request.read()).resource_spans:
            self.resources.append(resource.resource)
            self.spans.extend(span for scope in resource.scope_spans for span in scope.spans)
        return web.Response(content_type="application/x-protobuf")

    async def _hear(self) -> None:
        if self.deaf:
            await asyncio.sleep(PATIENCE)


@asynccontextmanager
async def collecting(collector: Collector) -> AsyncIterator[str]:
    async with serve_application(collector.application(), "127.0.0.1", 0) as url:
        yield url


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int | None
    out: str
    err: str


async def ran(program: str, **settings: str) -> Ended:
    """*program* in a process of its own, with these OTEL_ settings and no others."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", program),
        env={**environment, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    return Ended(process.returncode, out.decode(), err.decode())


def pairs(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {it.key: it.value.string_value for it in attributes}
