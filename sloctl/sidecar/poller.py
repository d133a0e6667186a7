"""The loop: one read of the source, one board, per tick."""

import asyncio
from typing import NoReturn

from sloctl.sidecar.board import Board
from sloctl.sidecar.clock import Time
from sloctl.sidecar.ledger import Ledger
from sloctl.sidecar.sources import Source, Unreadable


class Feed:
    """The newest board, and a way to wait for the next one; a slow reader skips boards, never blocks them."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self._published = asyncio.Event()

    def publish(self, board: Board) -> None:
        self.board = board
        self._published.set()
        self._published = asyncio.Event()

    async def next(self) -> Board:
        await self._published.wait()
        return self.board


async def poll(source: Source, ledger: Ledger, board: Board, now: float) -> Board:
    """The board after one read; the last one marked stale when the source gives nothing."""
    try:
        readings = await source.read(now)
    except Unreadable as trouble:
        return board.marked_stale(str(trouble))
    return ledger.record(now, readings)


class Poller:
    """Ticks every *interval* seconds; *ticked* is when the last tick ended."""

    def __init__(self, ledger: Ledger, feed: Feed, *, time: Time, interval: float) -> None:
        self._ledger = ledger
        self._feed = feed
        self._time = time
        self._interval = interval
        self.ticked = time.now()

    async def run(self, source: Source) -> NoReturn:
        """Until cancelled. A tick longer than the interval delays the next; none is made up for."""
        while True:
            began = self._time.now()
            self._feed.publish(await poll(source, self._ledger, self._feed.board, began))
            self.ticked = self._time.now()
            await self._time.sleep(max(0.0, began + self._interval - self.ticked))
