"""Large answers, sent piece by piece, so that readers who take nothing hold next to no memory.

Handed over whole, an answer is copied for each reader and stays until the reader has taken it: a hundred
readers of a thousand SLOs who stop reading would hold hundreds of megabytes. Pieces are large, since each
costs a call, until some readers do not take theirs at once; then they are small.
"""

import asyncio
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sloctl.sidecar.http.problem_details import problem_response

# What is smaller is sent whole.
_SMALL_PIECE_BYTES: Final = 64 * 1024
_LARGE_PIECE_BYTES: Final = 1024 * 1024
# With so many readers who have not taken their piece, further pieces are small.
_MOST_LARGE_PIECES: Final = 8
# All large answers that are being sent, together; the same bytes for several readers count for each.
MAX_SENDING_BYTES: Final = 64 * 1024 * 1024
# A reader takes a piece within so many seconds, or is let go; 6 KB/s are less than any link has.
PIECE_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 3


def large_answer_middleware(
    max_bytes: int = MAX_SENDING_BYTES, piece_seconds: float = PIECE_SECONDS
) -> Middleware:
    """Send large answers in pieces; where *max_bytes* of them are being sent, answer 503."""
    sending = _LargeAnswers(piece_seconds)

    @web.middleware
    async def send_in_pieces(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        body = response.body if isinstance(response, web.Response) else None
        if not isinstance(body, bytes) or len(body) <= _SMALL_PIECE_BYTES or response.compression:
            return response
        # One answer is always possible, however large.
        if sending.bytes and sending.bytes + len(body) > max_bytes:
            reason = "too much is being sent to slow readers already"
            return problem_response(503, reason, Retry_After=str(_RETRY_SECONDS))
        return await sending.send_answer(request, response, body)

    return send_in_pieces


class _LargeAnswers:
    """The answers that are being sent, *bytes* of them; a reader takes a piece within *piece_seconds*."""

    def __init__(self, piece_seconds: float) -> None:
        self.bytes = 0
        self._piece_seconds = piece_seconds
        # Readers who have not taken their piece yet.
        self._waiting = 0

    async def send_answer(
        self, request: web.Request, whole: web.StreamResponse, body: bytes
    ) -> web.StreamResponse:
        """Send *body* with the status and the headers of *whole*."""
        response = web.StreamResponse(status=whole.status, headers=whole.headers)
        response.content_length = len(body)
        self.bytes += len(body)
        try:
            async with asyncio.timeout(self._piece_seconds):
                await response.prepare(request)
            if request.method != "HEAD":
                await self.send_pieces(response, memoryview(body))
        except TimeoutError:
            response.force_close()
            if request.transport is not None:
                request.transport.abort()
        finally:
            self.bytes -= len(body)
        return response

    async def send_pieces(self, response: web.StreamResponse, rest: memoryview) -> None:
        while rest:
            size = _LARGE_PIECE_BYTES if self._waiting < _MOST_LARGE_PIECES else _SMALL_PIECE_BYTES
            self._waiting += 1
            try:
                async with asyncio.timeout(self._piece_seconds):
                    await response.write(rest[:size])
            finally:
                self._waiting -= 1
            rest = rest[size:]
