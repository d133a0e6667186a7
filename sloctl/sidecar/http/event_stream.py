"""Readers of the stream: each has its own place in it, and none waits for another."""

import asyncio
from collections.abc import Iterable
from typing import Final, Protocol

from aiohttp import web

from sloctl.sidecar.component import MetricType, SelfMetric
from sloctl.sidecar.http.problem_details import problem_response

# So that proxies and readers see that the connection lives.
HEARTBEAT_SECONDS: Final = 15.0
# A reader that takes nothing for so long is let go.
STUCK_SECONDS: Final = 60.0
_RETRY_SECONDS: Final = 3
_HEADERS: Final = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}


class EventFeed(Protocol):
    """What a stream tells, after which *number* and when there is more."""

    is_closed: bool

    @property
    def number(self) -> int: ...
    async def wait_for_newer(self) -> None: ...
    def resume_after(self, event_id: str | None) -> int | None: ...
    def event_after(self, after: int | None) -> bytes: ...


class EventStream:
    """At most *limit* at once."""

    def __init__(self, changes: EventFeed, limit: int, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._changes = changes
        self._limit = limit
        self._heartbeat = heartbeat
        self._reading = 0

    def self_metrics(self) -> Iterable[SelfMetric]:
        told = "Clients of /api/v1/stream."
        return (SelfMetric("sloctl_stream_readers", told, MetricType.GAUGE, float(self._reading)),)

    async def serve_reader(self, request: web.Request) -> web.StreamResponse:
        """Events until the reader leaves or is let go."""
        if self._reading >= self._limit:
            return problem_response(
                503, f"there are {self._limit} readers already", Retry_After=str(_RETRY_SECONDS)
            )
        response = web.StreamResponse(headers=_HEADERS)
        self._reading += 1
        try:
            await self._send_events(request, response)
        except TimeoutError:
            response.force_close()
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._reading -= 1
        return response

    async def _send_events(self, request: web.Request, response: web.StreamResponse) -> None:
        changes = self._changes
        await response.prepare(request)
        await _write_in_time(response, f"retry: {_RETRY_SECONDS * 1000}\n\n".encode())
        place = changes.resume_after(request.headers.get("Last-Event-ID"))
        while not changes.is_closed:
            if place != changes.number:
                event, place = changes.event_after(place), changes.number
                await _write_in_time(response, event)
            elif not await self._is_told():
                await _write_in_time(response, b": alive\n\n")

    async def _is_told(self) -> bool:
        """Whether something came before the next heartbeat."""
        try:
            async with asyncio.timeout(self._heartbeat):
                await self._changes.wait_for_newer()
        except TimeoutError:
            return False
        return True


async def _write_in_time(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(STUCK_SECONDS):
        await response.write(data)
