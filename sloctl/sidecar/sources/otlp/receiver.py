"""The route POST /v1/metrics, as the OTLP specification describes it: protobuf over HTTP, gzip or not."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

from aiohttp import web
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped] # has no types
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # has no types
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceResponse,
)

from sloctl.prometheus.gzip_body import GzipBody
from sloctl.sidecar.sources.otlp.points import RejectedPoints
from sloctl.sidecar.sources.otlp.request_pieces import RequestPiece, RequestReader

# Takes a request from an address in, in pieces short enough for other tasks; raises Overloaded.
AcceptRequest: TypeAlias = Callable[[Iterable[RequestPiece], RejectedPoints, str], Iterator[None]]

PROTOBUF: Final = "application/x-protobuf"
_ENCODINGS: Final = frozenset({"", "identity", "gzip"})
_PIECE_BYTES: Final = 16 * 1024
_RETRY_SECONDS: Final = 5
# From the first byte of a body to its last.
BODY_SECONDS: Final = 10.0
# Of each body so much is read whatever others take.
_FREE_BYTES: Final = 64 * 1024


class Overloaded(Exception):
    """More has arrived than is being counted."""


class _RejectedRequest(Exception):
    """A request that is refused, with the status of the answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class RequestBodies:
    """The bodies being read: inflated, each has *max_bytes* at most, all together *max_bytes_at_once*.

    Beyond that a sender is told to come again, rather than made to wait with what it holds.
    """

    def __init__(self, *, max_bytes: int, max_bytes_at_once: int) -> None:
        self._max_bytes = max_bytes
        self._max_bytes_at_once = max_bytes_at_once
        self._bytes = 0

    @asynccontextmanager
    async def read_body(self, request: web.Request) -> AsyncIterator[bytearray]:
        """Give the inflated body, for this block alone; raise _RejectedRequest and Overloaded."""
        body = bytearray()
        try:
            await self._fill_body(body, request)
            yield body
        finally:
            self._bytes -= len(body)
            # The exception of a sender that is gone holds its request, and all that was read of it.
            body.clear()

    async def _fill_body(self, body: bytearray, request: web.Request) -> None:
        """Read and inflate, in pieces, so that no body grows far beyond a limit before it is noticed."""
        compressed = GzipBody(_content_encoding(request))
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in request.content.iter_chunked(_PIECE_BYTES):
                    for piece in compressed.inflate_chunk(chunk):
                        body += piece
                        self._bytes += len(piece)
                        self._check_size(len(body))
            compressed.check_end()
        except TimeoutError:
            raise _RejectedRequest(408, f"a body comes within {BODY_SECONDS:g} s") from None
        except ValueError as broken:
            raise _RejectedRequest(400, "the body cannot be inflated") from broken

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            limit = f"{self._max_bytes / 1024**2:g} MiB"
            raise _RejectedRequest(413, f"a request has at most {limit} when inflated")
        if size > _FREE_BYTES and self._bytes > self._max_bytes_at_once:
            raise Overloaded(f"requests being read have {self._max_bytes_at_once / 1024**2:g} MiB together")


def otlp_routes(accept_request: AcceptRequest, bodies: RequestBodies) -> list[web.RouteDef]:
    """Return the route that hands requests, read by *bodies*, to *accept_request*."""

    async def export_metrics(request: web.Request) -> web.Response:
        rejected = RejectedPoints()
        try:
            _check_headers(request)
            async with bodies.read_body(request) as body:
                for _ in accept_request(RequestReader(body).read_pieces(), rejected, request.remote or ""):
                    await asyncio.sleep(0)
        except DecodeError as broken:
            reason = f"this is no ExportMetricsServiceRequest: {broken}"
            return _protobuf_response(Status(message=reason), status=400)
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


def _check_headers(request: web.Request) -> None:
    if request.content_type != PROTOBUF:
        raise _RejectedRequest(415, f"send {PROTOBUF}, not {request.content_type}")
    if _content_encoding(request) not in _ENCODINGS:
        raise _RejectedRequest(415, "send gzip or nothing as Content-Encoding")


def _content_encoding(request: web.Request) -> str:
    return request.headers.get("Content-Encoding", "").strip().lower()


def _protobuf_response(message: Message, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=message.SerializeToString(), content_type=PROTOBUF)
