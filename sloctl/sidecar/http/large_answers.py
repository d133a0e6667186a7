"""Large answers, sent piece by piece, so that readers who take nothing hold next to no memory.

Handed over whole, an answer is copied for each reader and stays until the reader has taken it: a hundred
readers of a thousand SLOs who stop reading would hold hundreds of megabytes.
"""

import asyncio
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sloctl.sidecar.http.problem_details import problem_response

# What is smaller is sent whole.
_PIECE_BYTES: Final = 64 * 1024
# All large answers that are being sent, together; the same bytes for several readers count for each.
MAX_SENDING_BYTES: Final = 64 * 1024 * 1024
# A reader takes a piece within so many seconds, or is let go; 6 KB/s are less than any link has.
PIECE_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 3


def large_answer_middleware(
    max_bytes: int = MAX_SENDING_BYTES, piece_seconds: float = PIECE_SECONDS
) -> Middleware:
    """Send large answers in pieces; where *max_bytes* of them are being sent, answer 503."""
    sending = 0

    @web.middleware
    async def send_in_pieces(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal sending
        response = await handler(request)
        body = response.body if isinstance(response, web.Response) else None
        if not isinstance(body, bytes) or len(body) <= _PIECE_BYTES or response.compression:
            return response
        # One answer is always possible, however large.
        if sending and sending + len(body) > max_bytes:
            reason = "too much is being sent to slow readers already"
            return problem_response(503, reason, Retry_After=str(_RETRY_SECONDS))
        sending += len(body)
        try:
            return await _send_pieces(request, response, body, piece_seconds)
        finally:
            sending -= len(body)

    return send_in_pieces


async def _send_pieces(
    request: web.Request, whole: web.StreamResponse, body: bytes, piece_seconds: float
) -> web.StreamResponse:
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(body)
    pieces = memoryview(body)
    try:
        async with asyncio.timeout(piece_seconds):
            await response.prepare(request)
        if request.method != "HEAD":
            for start in range(0, len(body), _PIECE_BYTES):
                async with asyncio.timeout(piece_seconds):
                    await response.write(pieces[start : start + _PIECE_BYTES])
    except TimeoutError:
        response.force_close()
        if request.transport is not None:
            request.transport.abort()
    return response
