"""Time as an argument: the one clock of the sidecar, which tests and the demo replace by their own."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial


@dataclass(frozen=True, slots=True)
class Clock:
    """A time and a way to wait, *speed* times as fast as the world's.

    *now* gives Unix seconds and never steps back; *sleep* waits that many seconds of this time.
    """

    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    speed: float = 1


def start_clock(*, since: float, speed: float = 1) -> Clock:
    """Start a clock that reads *since* (Unix seconds) now and runs *speed* times as fast as the world's.

    It follows a clock that nobody sets, so that a corrected system clock moves no event into another minute.
    """
    # Where the system has such a clock, the time it slept passes too.
    boot_clock = getattr(time, "CLOCK_BOOTTIME", None)
    monotonic = time.monotonic if boot_clock is None else partial(time.clock_gettime, boot_clock)
    started = monotonic()

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / speed)

    return Clock(now=lambda: since + (monotonic() - started) * speed, sleep=sleep, speed=speed)
