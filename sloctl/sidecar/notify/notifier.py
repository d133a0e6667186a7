"""The tasks that keep every Alertmanager told, from board to board.

One task hears boards, one per Alertmanager tells: a slow Alertmanager delays neither the loop nor its peers.

Stopping resolves nothing: a successor or a second replica tells on within the four minutes that alerts last,
and a page that ends because a pod was moved would be a false all-clear. What fires is told once more on
leaving, so that those four minutes are whole. A sidecar that finds nothing burning after its restart leaves
what it had told to run out.
"""

import asyncio
import logging
import random
import time as world
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from sloctl.prometheus.async_client import open_client
from sloctl.prometheus.errors import redact_url
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.component import MetricType, SelfMetric
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.engine.tick_loop import SnapshotFeed
from sloctl.sidecar.notify.active_alerts import ActiveAlert, ActiveAlerts
from sloctl.sidecar.notify.alertmanager import (
    Alertmanager,
    AlertmanagerHealth,
    AlertmanagerOptions,
    SendFailed,
)
from sloctl.sidecar.notify.send_schedule import END_RESEND_SECONDS, RESENDS_UNTIL_EXPIRY, SendSchedule

_MAX_BACKOFF_SECONDS: Final = 30.0
_SHUTDOWN_SECONDS: Final = 1.0

_log: Final = logging.getLogger(__name__)


class Notifier:
    """Tells Alertmanagers what the boards of *feed* say; *wall* is the world's clock, in Unix seconds."""

    def __init__(
        self,
        options: AlertmanagerOptions,
        feed: SnapshotFeed,
        time: Clock,
        *,
        wall: Callable[[], float] = world.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._options = options
        self._feed = feed
        self._time = time
        self._wall_clock = wall
        self._jitter = jitter
        self._active_alerts = ActiveAlerts(
            options.label_style,
            options.external_labels,
            remembered=RESENDS_UNTIL_EXPIRY * options.resend,
        )
        self._schedules = {url: SendSchedule(options.resend) for url in options.urls}
        self._health = {url: AlertmanagerHealth(redact_url(url)) for url in options.urls}
        self._changed = asyncio.Event()

    @property
    def health(self) -> tuple[AlertmanagerHealth, ...]:
        """One for each Alertmanager, in the order of the options."""
        return tuple(self._health.values())

    def self_metrics(self) -> Iterator[SelfMetric]:
        """For /metrics."""
        for each in self._health.values():
            labels = {"alertmanager": each.url}
            yield SelfMetric(
                "sloctl_notify_sent_total", "Alerts taken.", MetricType.COUNTER, each.sent, labels
            )
            yield SelfMetric(
                "sloctl_notify_failed_total", "Alerts not taken.", MetricType.COUNTER, each.failed, labels
            )
            yield SelfMetric(
                "sloctl_notify_queue", "Alerts yet to be told.", MetricType.GAUGE, each.queue, labels
            )

    def issues(self) -> Mapping[str, str]:
        """Which Alertmanagers do not take what they should know, and why."""
        health = self._health.values()
        return {f"notify {it.url}": it.last_error for it in health if it.queue and it.last_error}

    @asynccontextmanager
    async def run_tasks(self) -> AsyncIterator[None]:
        """Hears and tells until closed."""
        async with open_client(self._options.client) as client:
            alertmanagers = {
                url: Alertmanager(url, self._options, client, wall=self._wall_clock)
                for url in self._schedules
            }
            telling = [self._send_loop(url, each) for url, each in alertmanagers.items()]
            tasks = [asyncio.create_task(work, name="notify") for work in (self._update_loop(), *telling)]
            for task in tasks:
                task.add_done_callback(_log_crash)
            try:
                yield
            finally:
                await _cancel_all(tasks)
                await self._leave(alertmanagers)

    async def _update_loop(self) -> None:
        """Also without a new board: a loop that hangs is no data too."""
        while True:
            board = self._feed.snapshot
            try:
                has_changed = self._active_alerts.update(board, self._time.now())
            except Exception:  # noqa: BLE001 - the loop's rim: one board that trips us must not end all paging
                _log.exception("cannot tell what the board says")
                has_changed = False
            if has_changed:
                self._changed.set()
                self._changed = asyncio.Event()
            await _wait_first(self._wait_newer_snapshot(board), self._time.sleep(END_RESEND_SECONDS))

    async def _wait_newer_snapshot(self, board: Snapshot) -> None:
        while self._feed.snapshot is board:
            await self._feed.next_snapshot()

    async def _send_loop(self, url: str, alertmanager: Alertmanager) -> None:
        outbox, failures = self._schedules[url], 0
        while True:
            now = self._time.now()
            if not (due := outbox.due_alerts(self._active_alerts, now)):
                self._health[url] = replace(self._health[url], queue=0)
                await _wait_first(self._changed.wait(), self._time.sleep(END_RESEND_SECONDS))
                continue
            outbox.mark_attempted(due, now)
            if await self._try_send(url, alertmanager, due, now=now):
                outbox.mark_sent(due, now)
                failures = 0
            else:
                failures += 1
                await self._time.sleep(backoff_seconds(failures, self._jitter()))

    async def _try_send(
        self, url: str, alertmanager: Alertmanager, due: list[ActiveAlert], *, now: float
    ) -> bool:
        """Whether it took all that was due."""
        try:
            await alertmanager.send_alerts(due, now)
        except SendFailed as failure:
            self._record_failure(url, due, str(failure))
            return False
        except Exception as failure:  # noqa: BLE001 - the loop's rim: a bug in one alert's text is tried again
            _log.exception("cannot tell %s", redact_url(url))
            self._record_failure(url, due, type(failure).__name__)
            return False
        health = self._health[url]
        self._health[url] = replace(health, sent=health.sent + len(due), queue=0, last_error=None)
        return True

    def _record_failure(self, url: str, due: list[ActiveAlert], reason: str) -> None:
        health = self._health[url]
        if health.last_error != reason:
            _log.warning("Alertmanager %s takes no alerts: %s", health.url, reason)
        failed = health.failed + len(due)
        self._health[url] = replace(health, failed=failed, queue=len(due), last_error=reason)

    async def _leave(self, alertmanagers: Mapping[str, Alertmanager]) -> None:
        now = self._time.now()
        ended = now if self._options.resolves_at_shutdown else None
        last = [replace(alarm, ended_at=ended) for alarm in self._active_alerts.firing]
        if not last:
            return
        telling = [asyncio.create_task(each.send_alerts(last, now)) for each in alertmanagers.values()]
        await asyncio.wait(telling, timeout=_SHUTDOWN_SECONDS)
        await _cancel_all(telling)


def backoff_seconds(failures: int, chance: float) -> float:
    """Seconds to wait: 1, 2, 4 … 30, each from half as long (*chance* 0) to half as long again (1)."""
    # The exponent is bounded, for 2.0 ** 1024 is too large, and that many failures are a night.
    return min(2.0 ** min(failures - 1, 5), _MAX_BACKOFF_SECONDS) * (0.5 + chance)


def _log_crash(task: asyncio.Task[None]) -> None:
    """These tasks end by themselves only through a bug."""
    if not task.cancelled() and (failure := task.exception()) is not None:
        _log.critical("nobody tells Alertmanager any more", exc_info=failure)


async def _wait_first(*waits: Awaitable[object]) -> None:
    """When the first of *waits* is over; the others are given up."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _cancel_all(tasks)


async def _cancel_all(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
