"""The connection of one client: its limits, and the answer to what is no HTTP."""

import asyncio
import logging
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from sloctl.sidecar.http.problem_details import problem_response

# The request line and each header.
MAX_HEADER_BYTES: Final = 8190
MAX_BODY_BYTES: Final = 64 * 1024
# Between two requests.
_IDLE_SECONDS: Final = 75.0
# Until the headers of the first request have come.
_FIRST_REQUEST_SECONDS: Final = 10.0
# One that has had so long to send a request, and sent none, goes first.
_LONG_IDLE_SECONDS: Final = 1.0
# One that lasts so long may make room for another; answers take less, open pages and stalled readers more.
_LONG_REQUEST_SECONDS: Final = 0.25
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_log: Final = logging.getLogger(__name__)


class ConnectionLimit:
    """The connections of all clients, *most* of them; beyond, one makes room for the new one.

    That is the longest idle one, unless it has only just come and its request is on its way; else the one
    whose request has lasted longest: an open page, which comes again by itself, or a reader that takes
    nothing. A probe is answered whoever holds the others.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # Since when each is in its state, the longest first.
        self._idle: dict[HttpConnection, float] = {}
        self._busy: dict[HttpConnection, float] = {}

    def admit_connection(self, connection: "HttpConnection") -> bool:
        """Take up a new connection; False where all are at work, none for long, and it has to go."""
        if len(self._idle) + len(self._busy) >= self._most and not self.make_room():
            return False
        self._idle[connection] = asyncio.get_running_loop().time()
        return True

    def drop_connection(self, connection: "HttpConnection") -> None:
        self._idle.pop(connection, None)
        self._busy.pop(connection, None)

    def mark_busy(self, connection: "HttpConnection") -> None:
        """Note that it has a request."""
        if connection in self._idle:
            del self._idle[connection]
            self._busy[connection] = asyncio.get_running_loop().time()

    def mark_idle(self, connection: "HttpConnection") -> None:
        """Note that it waits for a request."""
        if connection in self._busy:
            del self._busy[connection]
            self._idle[connection] = asyncio.get_running_loop().time()

    def make_room(self) -> bool:
        now = asyncio.get_running_loop().time()
        idle, idle_since = next(iter(self._idle.items()), (None, now))
        busy, busy_since = next(iter(self._busy.items()), (None, now))
        has_idle = idle is not None and now - idle_since >= _LONG_IDLE_SECONDS
        if busy is not None and now - busy_since >= _LONG_REQUEST_SECONDS and not has_idle:
            busy.abort()
            self.drop_connection(busy)
            return True
        if idle is None:
            return False
        idle.force_close()
        self.drop_connection(idle)
        return True


class HttpConnection(web.RequestHandler):
    """A connection of aiohttp with errors in our words and a limit to how long the first request may take."""

    def __init__(self, server: web.Server, limit: ConnectionLimit) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # documented: None is no access log
            keepalive_timeout=_IDLE_SECONDS,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            # Only OTLP has bodies worth it; it knows its limits, and answers 415 to what it cannot inflate.
            auto_decompress=False,
        )
        self._expiry: asyncio.TimerHandle | None = None
        self.limit = limit

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if not self.limit.admit_connection(self):
            self.force_close()
            return
        self._expiry = asyncio.get_running_loop().call_later(_FIRST_REQUEST_SECONDS, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.mark_request_received()
        self.limit.drop_connection(self)
        super().connection_lost(exc)

    def abort(self) -> None:
        """Close the connection without sending what it has not taken."""
        if self.transport is not None:
            self.transport.abort()

    def mark_request_received(self) -> None:
        """Stop the clock of the first request."""
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer with an error that tells nothing of ours and nothing of what was sent; the log has it."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already: no other can be given")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            detail = "this is a bug; the log has it"
            _log.error("%s %s failed", request.method, request.path, exc_info=exc)
        else:
            detail = "this is no HTTP request"
            _log.debug("what was sent is no HTTP request: %s", message)
        response = problem_response(status, detail)
        # Instead of the framework's own, which tells its version.
        response.headers.update({**SECURITY_HEADERS, "Server": "sloctl"})
        response.force_close()
        return response


@web.middleware
async def first_request_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell the connection that a request has come, and when it is answered."""
    connection = request.protocol
    if not isinstance(connection, HttpConnection):
        return await handler(request)
    connection.mark_request_received()
    connection.limit.mark_busy(connection)
    try:
        return await handler(request)
    finally:
        connection.limit.mark_idle(connection)
