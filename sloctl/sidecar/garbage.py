"""Python's garbage collector, kept from stopping the loop.

A full collection looks at everything that lives: with a thousand SLOs it takes a tenth of a second in which
nobody is served. Specs, modules and a month of history are not what it looks for.
"""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sloctl.sidecar.poller import Feed


@asynccontextmanager
async def garbage_calmed(feed: Feed) -> AsyncIterator[None]:
    """Once the first board stands, what lives then is no longer looked at. For a process of its own."""
    task = asyncio.create_task(_freeze_after_next_board(feed), name="garbage")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        gc.unfreeze()


async def _freeze_after_next_board(feed: Feed) -> None:
    await feed.next()
    gc.collect()
    gc.freeze()
