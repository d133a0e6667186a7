"""A running notifier, an Alertmanager server with set answers, and time that passes on request."""

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
from tests.sidecar.notify.snapshots import T0

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
class AlertmanagerServer:
    """An Alertmanager that keeps what it receives and answers *status* and *body* after *delay* seconds."""

    status: int = 200
    body: bytes = b""
    delay: float = 0.0
    received: list[Mapping[str, Any]] = field(default_factory=list)
    requests: int = 0

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/api/v2/alerts", self._post)
        return app

    def alerts_named(
        self, alertname: str = "SLOErrorBudgetBurn", severity: str = "page"
    ) -> list[Mapping[str, Any]]:
        """All that it received of one alert, in order."""
        return [
            it
            for it in self.received
            if (it["labels"]["alertname"], it["labels"]["slo_severity"]) == (alertname, severity)
        ]

    async def _post(self, request: web.Request) -> web.Response:
        alerts = json.loads(await request.read())
        self.requests += 1
        await asyncio.sleep(self.delay)
        if self.status == 200:
            self.received.extend(alerts)
        return web.Response(status=self.status, body=self.body)


@dataclass
class NotifierRun:
    clock: ManualClock
    feed: SnapshotFeed
    notifier: Notifier
    servers: list[AlertmanagerServer]

    @property
    def server(self) -> AlertmanagerServer:
        return self.servers[0]

    async def publish(self, snapshot: Snapshot) -> None:
        self.clock.at = max(self.clock.at, snapshot.at or 0.0)
        self.feed.publish_snapshot(snapshot)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not is_so():  # noqa: ASYNC110 - what is waited for sets no event
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running_notifier(*receivers: AlertmanagerServer, **options: Any) -> AsyncIterator[NotifierRun]:  # noqa: ANN401 - AlertmanagerOptions checks
    clock, feed = ManualClock(), SnapshotFeed(Snapshot.without_data(()))
    async with AsyncExitStack() as stack:
        urls = [
            await stack.enter_async_context(serve_application(it.application(), "127.0.0.1", 0))
            for it in receivers
        ]
        chosen = replace(AlertmanagerOptions(urls=tuple(urls)), **options)
        notifier = Notifier(chosen, feed, clock.time(), wall_clock=clock.wall, jitter=lambda: 0.5)
        await stack.enter_async_context(notifier.run_tasks())
        yield NotifierRun(clock, feed, notifier, list(receivers))


def seconds(time: str) -> float:
    """In the sidecar's time."""
    return datetime.fromisoformat(time).timestamp() - WALL
