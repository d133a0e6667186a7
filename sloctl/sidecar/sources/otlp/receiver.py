"""The route POST /v1/metrics, as the OTLP specification describes it: protobuf over HTTP, gzip or not."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from aiohttp import web
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped] # has no types
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # has no types
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from sloctl.sidecar.sources.otlp.points import RejectedPoints

# Takes a request in, in pieces short enough for other tasks; raises Overloaded.
AcceptRequest: TypeAlias = Callable[[ExportMetricsServiceRequest, RejectedPoints], Iterator[None]]

PROTOBUF: Final = "application/x-protobuf"
# The server inflates these by itself.
_ENCODINGS: Final = frozenset({"", "identity", "gzip", "deflate"})
_RETRY_SECONDS: Final = 5


class Overloaded(Exception):
    """More has arrived than is being counted."""


class _RejectedRequest(Exception):
    """A request that is refused, with the status of the answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def otlp_routes(accept_request: AcceptRequest, *, max_bytes: int) -> list[web.RouteDef]:
    """Return the route that hands requests of at most *max_bytes*, inflated, to *accept_request*."""

    async def export_metrics(request: web.Request) -> web.Response:
        try:
            exported = await _parse_request(request, max_bytes)
            rejected = RejectedPoints()
            for _ in accept_request(exported, rejected):
                await asyncio.sleep(0)
        except _RejectedRequest as refusal:
            return _protobuf_response(Status(message=str(refusal)), status=refusal.status)
        except Overloaded as overload:
            answer = _protobuf_response(Status(message=str(overload)), status=503)
            answer.headers["Retry-After"] = str(_RETRY_SECONDS)
            return answer
        response = ExportMetricsServiceResponse()
        if rejected.points:
            response.partial_success.CopyFrom(
                ExportMetricsPartialSuccess(rejected_data_points=rejected.points, error_message=str(rejected))
            )
        return _protobuf_response(response)

    return [web.post("/v1/metrics", export_metrics)]


async def _parse_request(request: web.Request, max_bytes: int) -> ExportMetricsServiceRequest:
    if request.content_type != PROTOBUF:
        raise _RejectedRequest(415, f"send {PROTOBUF}, not {request.content_type}")
    if request.headers.get("Content-Encoding", "").strip().lower() not in _ENCODINGS:
        raise _RejectedRequest(415, "send gzip or nothing as Content-Encoding")
    exported, body = ExportMetricsServiceRequest(), bytearray()
    try:
        # No more than the limit is ever held, inflated.
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > max_bytes:
                limit = f"{max_bytes / 1024**2:g} MiB"
                raise _RejectedRequest(413, f"a request has at most {limit} when inflated")
        exported.ParseFromString(bytes(body))
    except DecodeError as broken:
        raise _RejectedRequest(400, f"this is no ExportMetricsServiceRequest: {broken}") from broken
    except web.RequestPayloadError as broken:
        raise _RejectedRequest(400, "the body cannot be inflated") from broken
    return exported


def _protobuf_response(message: Message, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=message.SerializeToString(), content_type=PROTOBUF)
