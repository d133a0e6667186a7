"""Readers of the stream: each has its own place in it, and none waits for another."""

import asyncio
from collections.abc import Iterable
from typing import Final, Protocol

from aiohttp import web

from sloctl.sidecar.parts import Figure, Kind
from sloctl.sidecar.views.problem import problem

# So that proxies and readers see that the connection lives.
HEARTBEAT_SECONDS: Final = 15.0
# A reader that takes nothing for so long is let go.
STUCK_SECONDS: Final = 60.0
_RETRY_SECONDS: Final = 3
_HEADERS: Final = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}


class Events(Protocol):
    """What a stream tells, after which *number* and when there is more."""

    are_over: bool

    @property
    def number(self) -> int: ...
    async def next(self) -> None: ...
    def resumed(self, event_id: str | None) -> int | None: ...
    def event(self, after: int | None) -> bytes: ...


class Readers:
    """At most *limit* at once."""

    def __init__(self, changes: Events, limit: int, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._changes = changes
        self._limit = limit
        self._heartbeat = heartbeat
        self._reading = 0

    def figures(self) -> Iterable[Figure]:
        told = "Clients of /api/v1/stream."
        return (Figure("sloctl_stream_readers", told, Kind.GAUGE, float(self._reading)),)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Events until the reader leaves or is let go."""
        if self._reading >= self._limit:
            return problem(503, f"there are {self._limit} readers already", Retry_After=str(_RETRY_SECONDS))
        response = web.StreamResponse(headers=_HEADERS)
        self._reading += 1
        try:
            await self._send(request, response)
        except TimeoutError:
            response.force_close()
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._reading -= 1
        return response

    async def _send(self, request: web.Request, response: web.StreamResponse) -> None:
        changes = self._changes
        await response.prepare(request)
        await _write(response, f"retry: {_RETRY_SECONDS * 1000}\n\n".encode())
        place = changes.resumed(request.headers.get("Last-Event-ID"))
        while not changes.are_over:
            if place != changes.number:
                event, place = changes.event(place), changes.number
                await _write(response, event)
            elif not await self._is_told():
                await _write(response, b": alive\n\n")

    async def _is_told(self) -> bool:
        """Whether something came before the next heartbeat."""
        try:
            async with asyncio.timeout(self._heartbeat):
                await self._changes.next()
        except TimeoutError:
            return False
        return True


async def _write(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(STUCK_SECONDS):
        await response.write(data)
