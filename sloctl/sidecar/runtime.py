"""Leaving in time: a thread that still waits for a name server is waited for by nobody.

Python joins its threads before it ends, and the system's resolver has no way to be told that nobody is
interested any more; with a silent name server it waits for half a minute.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Final

_THREAD_NAME: Final = "waiting"


def run_and_exit(work: Coroutine[None, None, None]) -> None:
    """As asyncio.run; where a thread is still busy after *work*, the process ends here, with exit code 0.

    By then *work* has closed and written down everything.
    """
    threads = ThreadPoolExecutor(thread_name_prefix=_THREAD_NAME)
    asyncio.run(_run_with_executor(work, threads))
    threads.shutdown(wait=False, cancel_futures=True)
    if any(thread.name.startswith(_THREAD_NAME) for thread in threading.enumerate()):
        logging.shutdown()
        os._exit(0)


async def _run_with_executor(work: Coroutine[None, None, None], threads: ThreadPoolExecutor) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(threads)
    await work
    # The loop waits for its executor when it closes: it gets one that has nothing to do.
    loop.set_default_executor(ThreadPoolExecutor())
