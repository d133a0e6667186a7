"""OTLP over gRPC, against a real gRPC server; and without the package that speaks it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc  # type: ignore[import-untyped]  # it ships no types
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_service
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_service
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from sloctl.sidecar.slo_metrics import SLO_METRICS
from tests.sidecar.notify.snapshots import T0
from tests.sidecar.telemetry.otlp import ran
from tests.sidecar.telemetry.test_export import PROGRAM, SNAPSHOT

WITHOUT_GRPC = "import sys; sys.modules['grpc'] = None\n"


class GrpcCollector(metrics_service.MetricsServiceServicer, trace_service.TraceServiceServicer):
    """One servicer of both services; each has an Export, told apart by its request."""

    def __init__(self) -> None:
        self.metrics: set[str] = set()
        self.spans: list[str] = []

    async def Export(  # noqa: N802 - the service's own name
        self, request: ExportMetricsServiceRequest | ExportTraceServiceRequest, _: object
    ) -> ExportMetricsServiceResponse | ExportTraceServiceResponse:
        if isinstance(request, ExportMetricsServiceRequest):
            self.metrics |= {
                metric.name
                for resource in request.resource_metrics
                for scope in resource.scope_metrics
                for metric in scope.metrics
            }
            return ExportMetricsServiceResponse()
        self.spans += [
            span.name
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return ExportTraceServiceResponse()


@asynccontextmanager
async def collecting(collector: GrpcCollector) -> AsyncIterator[str]:
    server = grpc.aio.server()
    metrics_service.add_MetricsServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]  # generated
    trace_service.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]  # generated
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"http://127.0.0.1:{port}"
    await server.stop(grace=None)


async def test_a_collector_gets_metrics_and_spans_over_grpc() -> None:
    collector = GrpcCollector()
    async with collecting(collector) as url:
        ended = await ran(
            PROGRAM, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_EXPORTER_OTLP_PROTOCOL="grpc", FOR="0.2"
        )

    assert (ended.code, ended.err) == (0, "")
    assert collector.metrics == {
        metric.otel_name for metric in SLO_METRICS if list(metric.measure_snapshot(SNAPSHOT, T0 + 7))
    }
    assert collector.spans == ["tick"]


async def test_without_the_package_it_says_what_to_install() -> None:
    ended = await ran(
        WITHOUT_GRPC + PROGRAM,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="http://127.0.0.1:1",
        OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
    )

    assert ended.code == 0
    assert ended.err.count("pip install 'sloctl[otlp-grpc]'") == 1
