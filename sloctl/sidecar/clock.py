"""Time as an argument: what reads a clock or waits is handed one of these."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """*now* is in Unix seconds and never steps back; *sleep* waits that many of its seconds.

    One second of the world's time is *speed* of its seconds.
    """

    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    speed: float = 1


def start_clock(*, since: float, speed: float = 1) -> Clock:
    """Time that reads *since* now and passes *speed* times as fast as the world's.

    It follows a clock that nobody sets, so that a corrected system clock moves no event into another minute.
    """
    started = _monotonic_seconds()

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / speed)

    return Clock(now=lambda: since + (_monotonic_seconds() - started) * speed, sleep=sleep, speed=speed)


def _monotonic_seconds() -> float:
    """Since some moment; where the system has such a clock, the time it slept passes too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
