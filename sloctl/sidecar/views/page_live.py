"""The page's own stream: only that there is a newer board. What it shows the page then asks for itself.

The API's stream carries every number of every SLO, a megabyte at 500 of them; this one 60 bytes a tick.
"""

import asyncio
from typing import NoReturn

from sloctl.sidecar.poller import SnapshotFeed


class Ticks:
    """As a stream for `Readers`: the newest board is all there is to tell."""

    def __init__(self, feed: SnapshotFeed) -> None:
        self._feed = feed
        self._published = asyncio.Event()
        self.number = 0
        self.are_over = False

    async def run(self) -> NoReturn:
        """Until cancelled."""
        while True:
            await self._feed.next_snapshot()
            self._wake()

    async def next(self) -> None:
        """Returns when there is a newer board."""
        await self._published.wait()

    def end(self) -> None:
        """Let all readers go."""
        self.are_over = True
        self._wake()

    def resumed(self, _: str | None) -> int | None:
        """The page has just been read."""
        return self.number

    def event(self, _: int | None) -> bytes:
        return f"event: board\ndata: {self.number}\n\n".encode()

    def _wake(self) -> None:
        self.number += 1
        self._published.set()
        self._published = asyncio.Event()
