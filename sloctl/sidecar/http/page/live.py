"""The page's own stream: only that there is a newer board. What it shows the page then asks for itself.

The API's stream carries every number of every SLO, a megabyte at 500 of them; this one 60 bytes a tick.
"""

import asyncio
from typing import NoReturn

from sloctl.sidecar.engine.tick_loop import SnapshotFeed


class SnapshotEvents:
    """As a stream for `Readers`: the newest board is all there is to tell."""

    def __init__(self, feed: SnapshotFeed) -> None:
        self._feed = feed
        self._published = asyncio.Event()
        self.number = 0
        self.is_closed = False

    async def run(self) -> NoReturn:
        """Until cancelled."""
        while True:
            await self._feed.next_snapshot()
            self._wake_readers()

    async def wait_for_newer(self) -> None:
        """Returns when there is a newer board."""
        await self._published.wait()

    def end_streams(self) -> None:
        """Let all readers go."""
        self.is_closed = True
        self._wake_readers()

    def resume_after(self, _: str | None) -> int | None:
        """The page has just been read."""
        return self.number

    def event_after(self, _: int | None) -> bytes:
        return f"event: board\ndata: {self.number}\n\n".encode()

    def _wake_readers(self) -> None:
        self.number += 1
        self._published.set()
        self._published = asyncio.Event()
