"""POST /v1/metrics as the OTLP specification describes it: protobuf over HTTP, gzip or not."""

import asyncio
from typing import Final

from aiohttp import web
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped] # has no types
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # has no types
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from sloctl.sidecar.sources.otlp.points import RejectedPoints
from sloctl.sidecar.sources.otlp.source import OtlpSource, Overloaded

PROTOBUF: Final = "application/x-protobuf"
# What the server inflates by itself.
_ENCODINGS: Final = frozenset({"", "identity", "gzip", "deflate"})
_RETRY_SECONDS: Final = 5


class _RejectedRequest(Exception):
    """With the status of the answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def otlp_routes(intake: OtlpSource) -> list[web.RouteDef]:
    """What the application has to serve for *intake*."""

    async def export(request: web.Request) -> web.Response:
        try:
            exported = await _parse_request(request, intake.options.max_bytes)
            rejected = RejectedPoints()
            for _ in intake.accept_request(exported, rejected):
                await asyncio.sleep(0)
        except _RejectedRequest as refusal:
            return _protobuf_response(Status(message=str(refusal)), status=refusal.status)
        except Overloaded as overload:
            answer = _protobuf_response(Status(message=str(overload)), status=503)
            answer.headers["Retry-After"] = str(_RETRY_SECONDS)
            return answer
        told = ExportMetricsServiceResponse()
        if rejected.points:
            told.partial_success.CopyFrom(
                ExportMetricsPartialSuccess(rejected_data_points=rejected.points, error_message=str(rejected))
            )
        return _protobuf_response(told)

    return [web.post("/v1/metrics", export)]


async def _parse_request(request: web.Request, max_bytes: int) -> ExportMetricsServiceRequest:
    if request.content_type != PROTOBUF:
        raise _RejectedRequest(415, f"send {PROTOBUF}, not {request.content_type}")
    if request.headers.get("Content-Encoding", "").strip().lower() not in _ENCODINGS:
        raise _RejectedRequest(415, "send gzip or nothing as Content-Encoding")
    exported = ExportMetricsServiceRequest()
    try:
        exported.ParseFromString(await _body(request, max_bytes))
    except DecodeError as broken:
        raise _RejectedRequest(400, f"this is no ExportMetricsServiceRequest: {broken}") from broken
    except web.RequestPayloadError as broken:
        raise _RejectedRequest(400, "the body cannot be inflated") from broken
    return exported


async def _body(request: web.Request, max_bytes: int) -> bytes:
    """Inflated; no more than the limit is ever held."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > max_bytes:
            raise _RejectedRequest(413, f"a request has at most {max_bytes / 1024**2:g} MiB when inflated")
    return bytes(body)


def _protobuf_response(message: Message, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=message.SerializeToString(), content_type=PROTOBUF)
