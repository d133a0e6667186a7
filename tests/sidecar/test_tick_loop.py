"""The tick loop goes on whatever a source does, and lets others have their turn."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from sloctl.sidecar.clock import Clock, start_clock
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.engine.tick_loop import ObservedSource, SnapshotFeed, TickLoop, poll_source
from sloctl.sidecar.sources import IntervalCounts, SloCounts, Source
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import slo

SHOP = slo()
T0 = 1_700_000_000.0


class Told:
    """A source that gives what the test put in: readings, or a failure to raise."""

    def __init__(self, *answers: Exception | EventCounts) -> None:
        self._answers = list(answers)

    async def read_counts(self, now: float) -> Sequence[IntervalCounts]:
        match self._answers.pop(0):
            case EventCounts() as counts:
                return (IntervalCounts(now, {SHOP.id: SloCounts({(): counts})}),)
            case failure:
                raise failure


class Ticks:
    """Each sleep lets the test go on, and lasts until the test says so; it lasts *late* seconds longer."""

    def __init__(self, late: float = 0.0) -> None:
        self.at = T0
        self.slept: list[float] = []
        self._late = late
        self._go = asyncio.Semaphore(0)

    def time(self) -> Clock:
        return Clock(now=lambda: self.at, sleep=self._sleep)

    def tick(self) -> None:
        self._go.release()

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self._go.acquire()
        self.at += seconds + self._late


@asynccontextmanager
async def polling(source: Source, ticks: Ticks, **options: object) -> AsyncIterator[SnapshotFeed]:
    """After the first tick."""
    feed = SnapshotFeed(Snapshot.without_data([SHOP]))
    poller = TickLoop(Engine([SHOP], interval=5), feed, clock=ticks.time(), interval=5, **options)  # type: ignore[arg-type] # passed on
    first = asyncio.ensure_future(feed.next_snapshot())
    await asyncio.sleep(0)
    task = asyncio.create_task(poller.run(source))
    await asyncio.wait_for(first, 10)
    yield feed
    task.cancel()


async def next_snapshot(feed: SnapshotFeed, ticks: Ticks) -> Snapshot:
    snapshot = asyncio.ensure_future(feed.next_snapshot())
    await asyncio.sleep(0)
    ticks.tick()
    return await asyncio.wait_for(snapshot, 10)


async def test_a_bug_makes_the_snapshot_stale_and_the_loop_lives(caplog: pytest.LogCaptureFixture) -> None:
    ticks = Ticks()
    async with polling(
        Told(EventCounts(0, 10), ZeroDivisionError("ours"), EventCounts(0, 10)), ticks
    ) as feed:
        broken = await next_snapshot(feed, ticks)
        mended = await next_snapshot(feed, ticks)

    assert broken.source_issue == "a mistake in sloctl: ZeroDivisionError; the log has more"
    assert broken.states[0].stale
    assert "ZeroDivisionError: ours" in caplog.text
    assert (mended.source_issue, mended.states[0].stale) == (None, False)


async def test_a_late_tick_is_counted_when_it_comes_and_none_is_made_up_for() -> None:
    ticks = Ticks(late=12)
    async with polling(Told(EventCounts(0, 10), EventCounts(0, 10), EventCounts(0, 10)), ticks) as feed:
        await next_snapshot(feed, ticks)
        snapshot = await next_snapshot(feed, ticks)

    assert snapshot.at == T0 + 34
    assert ticks.slept[:2] == [5, 5]


async def test_the_snapshot_tells_the_trouble_of_the_store() -> None:
    ticks = Ticks()
    async with polling(Told(EventCounts(0, 10)), ticks, store_issue=lambda: "disk full") as feed:
        assert feed.snapshot.store_issue == "disk full"


async def test_others_have_their_turn_while_a_large_snapshot_is_made() -> None:
    slos = [slo(name=f"slo-{number}") for number in range(500)]
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(others())
    await poll_source(Told(EventCounts(0, 10)), Engine(slos, interval=5), Snapshot.without_data(slos), T0)
    other.cancel()

    assert turns >= 5


async def test_time_goes_forward_only() -> None:
    clock = start_clock(since=T0, speed=1000)
    seen = [clock.now() for _ in range(1000)]
    await clock.sleep(10)

    assert seen == sorted(seen)
    assert clock.now() >= T0 + 10


async def test_waiting_for_a_source_is_progress_up_to_ten_minutes() -> None:
    at = [T0]
    observed = ObservedSource(Hanging(), Clock(now=lambda: at[0], sleep=asyncio.sleep))
    reading = asyncio.ensure_future(observed.read_counts(T0))
    await asyncio.sleep(0)
    at[0] = T0 + 300
    waiting = observed.last_progress_at
    at[0] = T0 + 900
    hanging = observed.last_progress_at
    reading.cancel()

    assert (waiting, hanging) == (T0 + 300, T0 + 600)


class Hanging:
    """A source that never answers."""

    async def read_counts(self, now: float) -> Sequence[IntervalCounts]:  # noqa: ARG002 - the shape of a Source
        await asyncio.Event().wait()
        return ()
