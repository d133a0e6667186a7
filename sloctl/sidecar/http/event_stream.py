"""`/live`, the event stream: says only that there is a newer snapshot.

A reader then asks for whatever it shows. So an event is a few bytes however many SLOs there are, nothing is
queued for a slow reader, and no reader holds up another.
"""

import asyncio
from collections.abc import Iterable
from typing import Final, NoReturn

from aiohttp import web

from sloctl.sidecar.component import MetricType, SelfMetric
from sloctl.sidecar.engine.tick_loop import SnapshotFeed
from sloctl.sidecar.http.problem_details import problem_response

# So that proxies and readers see that the connection lives.
HEARTBEAT_SECONDS: Final = 15.0
# The connection of a reader that takes nothing for so long is closed.
WRITE_TIMEOUT_SECONDS: Final = 60.0
_RETRY_SECONDS: Final = 3
_HEADERS: Final = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}


class EventStream:
    """The snapshots of a feed as server-sent events, for at most *limit* readers at once."""

    def __init__(self, feed: SnapshotFeed, limit: int, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._feed = feed
        self._limit = limit
        self._heartbeat = heartbeat
        self._number = 0
        self._wake = asyncio.Event()
        self._is_closed = False
        self._reader_count = 0

    async def run(self) -> NoReturn:
        """Announce every snapshot until cancelled."""
        while True:
            await self._feed.next_snapshot()
            self._wake_readers()

    async def end_streams(self, _: web.Application) -> None:
        """End all answers: by themselves they never do, and would hold up the shutdown."""
        self._is_closed = True
        self._wake_readers()

    def self_metrics(self) -> Iterable[SelfMetric]:
        return (
            SelfMetric("sloctl_stream_readers", "Open pages.", MetricType.GAUGE, float(self._reader_count)),
        )

    async def serve_reader(self, request: web.Request) -> web.StreamResponse:
        """Send events until the reader leaves, takes nothing for a minute, or the sidecar ends.

        Answers 503 where the limit is reached.
        """
        if self._reader_count >= self._limit:
            return problem_response(
                503, f"there are {self._limit} readers already", Retry_After=str(_RETRY_SECONDS)
            )
        response = web.StreamResponse(headers=_HEADERS)
        self._reader_count += 1
        try:
            await self._send_events(request, response)
        except TimeoutError:
            response.force_close()
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._reader_count -= 1
        return response

    async def _send_events(self, request: web.Request, response: web.StreamResponse) -> None:
        # Whoever comes has just read what it shows.
        sent, event = self._number, f"retry: {_RETRY_SECONDS * 1000}\n\n"
        await response.prepare(request)
        while not self._is_closed:
            async with asyncio.timeout(WRITE_TIMEOUT_SECONDS):
                await response.write(event.encode())
            try:
                if sent == self._number:
                    async with asyncio.timeout(self._heartbeat):
                        await self._wake.wait()
            except TimeoutError:
                event = ": alive\n\n"
            else:
                sent, event = self._number, f"event: snapshot\ndata: {self._number}\n\n"

    def _wake_readers(self) -> None:
        self._number += 1
        self._wake.set()
        self._wake = asyncio.Event()
