"""A notifier, an Alertmanager that answers as told, and time that passes when told."""

import asyncio
import heapq
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from aiohttp import web

from sloctl.sidecar.clock import Clock
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.engine.tick_loop import SnapshotFeed
from sloctl.sidecar.http.server import serve_application
from sloctl.sidecar.notify.alertmanager import AlertmanagerOptions
from sloctl.sidecar.notify.notifier import Notifier
from tests.sidecar.notify.boards import T0

PATIENCE = 30.0
# The world's clock, a day off: the sidecar's time need not agree with it.
WALL = 86_400.0


class ManualClock:
    """Time for any number of sleepers."""

    def __init__(self) -> None:
        self.at = T0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []

    def time(self) -> Clock:
        return Clock(now=lambda: self.at, sleep=self._sleep)

    def wall(self) -> float:
        return self.at + WALL

    async def pass_(self, seconds: float) -> None:
        """In steps, so that whoever wakes may go back to sleep on the way."""
        end = self.at + seconds
        while self.at < end:
            self.at = min(end, self._sleepers[0][0] if self._sleepers else end)
            while self._sleepers and self._sleepers[0][0] <= self.at:
                heapq.heappop(self._sleepers)[2].set()
            for _ in range(20):
                await asyncio.sleep(0)

    async def _sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self.at + seconds, id(woken), woken))
        await woken.wait()


@dataclass
class Receiver:
    """An Alertmanager that notes what it takes; *answer* is what it says to it."""

    status: int = 200
    body: bytes = b""
    delay: float = 0.0
    taken: list[Mapping[str, Any]] = field(default_factory=list)
    asked: int = 0

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/api/v2/alerts", self._post)
        return app

    def named(self, alertname: str = "SLOErrorBudgetBurn", severity: str = "page") -> list[Mapping[str, Any]]:
        """What it was told of one alert, in order."""
        return [
            it
            for it in self.taken
            if (it["labels"]["alertname"], it["labels"]["slo_severity"]) == (alertname, severity)
        ]

    async def _post(self, request: web.Request) -> web.Response:
        alerts = json.loads(await request.read())
        self.asked += 1
        await asyncio.sleep(self.delay)
        if self.status == 200:
            self.taken.extend(alerts)
        return web.Response(status=self.status, body=self.body)


@dataclass
class Told:
    clock: ManualClock
    feed: SnapshotFeed
    notifier: Notifier
    receivers: list[Receiver]

    @property
    def receiver(self) -> Receiver:
        return self.receivers[0]

    async def publish(self, board: Snapshot) -> None:
        self.clock.at = max(self.clock.at, board.at or 0.0)
        self.feed.publish_snapshot(board)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not is_so():  # noqa: ASYNC110 - what is waited for tells no event
                await asyncio.sleep(0.005)


@asynccontextmanager
async def telling(*receivers: Receiver, **options: Any) -> AsyncIterator[Told]:  # noqa: ANN401 - AlertmanagerOptions checks
    clock, feed = ManualClock(), SnapshotFeed(Snapshot.without_data(()))
    async with AsyncExitStack() as stack:
        urls = [
            await stack.enter_async_context(serve_application(it.application(), "127.0.0.1", 0))
            for it in receivers
        ]
        chosen = replace(AlertmanagerOptions(urls=tuple(urls)), **options)
        notifier = Notifier(chosen, feed, clock.time(), wall=clock.wall, jitter=lambda: 0.5)
        await stack.enter_async_context(notifier.run_tasks())
        yield Told(clock, feed, notifier, list(receivers))


def seconds(time: str) -> float:
    """In the sidecar's time."""
    return datetime.fromisoformat(time).timestamp() - WALL
