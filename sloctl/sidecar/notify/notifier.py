"""The tasks that send alerts to every Alertmanager, from snapshot to snapshot.

One task follows snapshots, one for each Alertmanager sends: a slow Alertmanager delays neither the ticks nor
its peers.

Stopping resolves nothing: a successor or a second replica goes on within the four minutes that alerts last,
and a page that ends because a pod was moved would be a false all-clear. What fires is sent once more at the
end, so that those four minutes are whole. A sidecar that finds nothing firing after its restart lets expire
what it had sent.
"""

import asyncio
import logging
import random
import time as world
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

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
from sloctl.sidecar.runtime import cancel_tasks, run_in_background, wait_for_first

_MAX_BACKOFF_SECONDS: Final = 30.0
_SHUTDOWN_SECONDS: Final = 1.0

_log: Final = logging.getLogger(__name__)


class Notifier:
    """A sender of the alerts in the snapshots of *feed*; *wall_clock* is the world's, in Unix seconds.

    Updates are seconds apart: where there was none for *asleep_after* seconds, the machine slept.
    """

    def __init__(
        self,
        options: AlertmanagerOptions,
        feed: SnapshotFeed,
        time: Clock,
        *,
        wall_clock: Callable[[], float] = world.time,
        jitter: Callable[[], float] = random.random,
        asleep_after: float = 120.0,
    ) -> None:
        self._options = options
        self._feed = feed
        self._time = time
        self._wall_clock = wall_clock
        self._jitter = jitter
        self._asleep_after = asleep_after
        self._active_alerts = ActiveAlerts(
            options.label_style,
            options.external_labels,
            ended_retention=RESENDS_UNTIL_EXPIRY * options.resend,
        )
        self._schedules = {url: SendSchedule(options.resend) for url in options.urls}
        self._health = {url: AlertmanagerHealth(redact_url(url)) for url in options.urls}
        self._changed = asyncio.Event()

    @property
    def health(self) -> tuple[AlertmanagerHealth, ...]:
        """One for each Alertmanager, in the order of the options."""
        return tuple(self._health.values())

    def self_metrics(self) -> Iterator[SelfMetric]:
        """Yield the counts of every Alertmanager."""
        for each in self._health.values():
            labels = {"alertmanager": each.url}
            for name, description, metric_type, value in (
                ("sloctl_notify_sent_total", "Alerts taken.", MetricType.COUNTER, each.sent),
                ("sloctl_notify_failed_total", "Alerts not taken.", MetricType.COUNTER, each.failed),
                ("sloctl_notify_queue", "Alerts waiting to be sent.", MetricType.GAUGE, each.queue),
            ):
                yield SelfMetric(name, description, metric_type, value, labels)

    def issues(self) -> Mapping[str, str]:
        """Name the Alertmanagers that do not accept what they should know, and the reason."""
        health = self._health.values()
        return {
            f"notify {it.url}": f"it takes no alerts: {it.last_error}"
            for it in health
            if it.queue and it.last_error
        }

    @asynccontextmanager
    async def run_tasks(self) -> AsyncIterator[None]:
        """Follow snapshots and send alerts while open, and send what fires once more at the end."""
        async with open_client(self._options.client) as client:
            alertmanagers = {
                url: Alertmanager(url, self._options, client, wall_clock=self._wall_clock)
                for url in self._schedules
            }
            senders = [self._send_loop(url, each) for url, each in alertmanagers.items()]
            async with run_in_background(self._update_loop(), *senders, name="Alertmanager sender"):
                yield
            now = self._time.now()
            ended_at = now if self._options.resolves_at_shutdown else None
            if last := [replace(alert, ended_at=ended_at) for alert in self._active_alerts.firing]:
                sending = [
                    asyncio.create_task(each.send_alerts(last, now)) for each in alertmanagers.values()
                ]
                await asyncio.wait(sending, timeout=_SHUTDOWN_SECONDS)
                await cancel_tasks(sending)

    async def _update_loop(self) -> None:
        """Update the active alerts, without a new snapshot too: a loop that hangs is no data."""
        updated_at, awake_since = self._time.now(), 0.0
        while True:
            snapshot, now = self._feed.snapshot, self._time.now()
            # Without data for as long as the machine slept, nothing is missing.
            awake_since = now if now - updated_at > self._asleep_after else awake_since
            updated_at = now
            try:
                has_changed = self._active_alerts.update(snapshot, now, awake_since=awake_since)
            except Exception:  # noqa: BLE001 - the loop's rim: one snapshot that trips us must not end all paging
                _log.exception("cannot evaluate the alerts of a snapshot")
                has_changed = False
            if has_changed:
                self._changed.set()
                self._changed = asyncio.Event()
            await wait_for_first(self._wait_newer_snapshot(snapshot), self._time.sleep(END_RESEND_SECONDS))

    async def _wait_newer_snapshot(self, snapshot: Snapshot) -> None:
        while self._feed.snapshot is snapshot:
            await self._feed.next_snapshot()

    async def _send_loop(self, url: str, alertmanager: Alertmanager) -> None:
        schedule, failures = self._schedules[url], 0
        while True:
            now = self._time.now()
            if not (due := schedule.due_alerts(self._active_alerts, now)):
                self._health[url] = replace(self._health[url], queue=0)
                await wait_for_first(self._changed.wait(), self._time.sleep(END_RESEND_SECONDS))
                continue
            schedule.mark_attempted(due, now)
            if await self._try_send(url, alertmanager, due, now=now):
                schedule.mark_sent(due, now)
                failures = 0
            else:
                failures += 1
                await self._time.sleep(backoff_seconds(failures, self._jitter()))

    async def _try_send(
        self, url: str, alertmanager: Alertmanager, due: list[ActiveAlert], *, now: float
    ) -> bool:
        """Send what is due; return whether all of it was accepted."""
        try:
            await alertmanager.send_alerts(due, now)
        except SendFailed as failure:
            self._record_failure(url, due, str(failure))
            return False
        except Exception as failure:  # noqa: BLE001 - the loop's rim: a bug in one alert's text is tried again
            _log.exception("cannot send to %s", redact_url(url))
            self._record_failure(url, due, type(failure).__name__)
            return False
        health = self._health[url]
        self._health[url] = replace(health, sent=health.sent + len(due), queue=0, last_error=None)
        return True

    def _record_failure(self, url: str, due: list[ActiveAlert], reason: str) -> None:
        health = self._health[url]
        failed = health.failed + len(due)
        self._health[url] = replace(health, failed=failed, queue=len(due), last_error=reason)


def backoff_seconds(failures: int, chance: float) -> float:
    """Return seconds to wait: 1, 2, 4 … 30, each from half as long (*chance* 0) to half as long again (1)."""
    # The exponent is bounded, for 2.0 ** 1024 is too large, and that many failures are a night.
    return min(2.0 ** min(failures - 1, 5), _MAX_BACKOFF_SECONDS) * (0.5 + chance)
