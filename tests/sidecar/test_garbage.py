"""What lives when the first board stands is no garbage."""

import asyncio
import gc

from sloctl.sidecar.board import Board
from sloctl.sidecar.garbage import garbage_calmed
from sloctl.sidecar.poller import Feed


async def test_after_the_first_board_the_collector_looks_at_what_is_new_only() -> None:
    feed = Feed(Board.empty())
    async with garbage_calmed(feed):
        await asyncio.sleep(0)
        before = gc.get_freeze_count()
        feed.publish(Board.empty())
        while gc.get_freeze_count() == before:  # noqa: ASYNC110 - the collector sends no event
            await asyncio.sleep(0)
        frozen = gc.get_freeze_count()

    assert frozen > 1000
    assert gc.get_freeze_count() == 0
