"""Time as an argument: what reads a clock or waits is handed one of these."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Time:
    """*now* is in Unix seconds and never steps back; *sleep* waits that many of its seconds.

    One second of the world's time is *speed* of its seconds.
    """

    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    speed: float = 1


def running(*, since: float, speed: float = 1) -> Time:
    """Time that reads *since* now and passes *speed* times as fast as the world's.

    It follows the monotonic clock, so that a corrected system clock moves no event into another minute.
    """
    started = time.monotonic()

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / speed)

    return Time(now=lambda: since + (time.monotonic() - started) * speed, sleep=sleep, speed=speed)
