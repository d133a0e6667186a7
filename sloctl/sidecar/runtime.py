"""The process and its background tasks: starting, cancelling and leaving in time.

Every task of the sidecar is owned: whoever starts one with `run_in_background` also ends it, and a task that
crashes is logged rather than lost.
"""

import asyncio
import gc
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Collection, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Final

_THREAD_NAME: Final = "waiting"

_log: Final = logging.getLogger(__name__)


@asynccontextmanager
async def run_in_background(*works: Coroutine[Any, Any, object], name: str) -> AsyncIterator[None]:
    """Run every one of *works* as a task while the block runs, and cancel them at its end."""
    tasks = [asyncio.create_task(work, name=name) for work in works]
    for task in tasks:
        task.add_done_callback(_log_crash)
    try:
        yield
    finally:
        await cancel_tasks(tasks)


async def cancel_tasks(tasks: Collection[asyncio.Future[Any]]) -> None:
    """Cancel *tasks* and wait until they have ended, however they end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def wait_for_first(*waits: Awaitable[object]) -> None:
    """Wait until one of *waits* is over, and cancel the others."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel_tasks(tasks)


async def wait_for_stop_signal() -> None:
    """Wait for SIGTERM or Ctrl-C."""
    await listen_for_stop_signals().wait()


def listen_for_stop_signals() -> asyncio.Event:
    """Return an event that SIGTERM and Ctrl-C set from now on."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def tune_garbage_collector() -> None:
    """Set Python's collector for the whole process, once, before it serves.

    A snapshot holds no cycles: it goes when the next one comes, without the collector. But the collector
    takes each new snapshot for growth and walks through all that lives: at 10,000 SLOs 0.4 seconds per tick,
    half of all that the process does. Cycles of others, such as failed requests leave behind, are few; they
    wait some minutes longer.
    """
    gc.set_threshold(50_000, 20, 20)


def run_and_exit(work: Coroutine[None, None, None]) -> None:
    """Run *work* as asyncio.run does; end the process, with exit code 0, if a thread is busy after it.

    Python joins its threads before it ends, and the system's resolver cannot be told to stop: with a silent
    name server it waits for half a minute. By then *work* has closed and written everything.
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


def _log_crash(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (failure := task.exception()) is not None:
        _log.critical("the %s has crashed", task.get_name(), exc_info=failure)
