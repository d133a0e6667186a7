"""A sidecar from its settings: the parts, put together."""

import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from sloctl.model import Slo
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.component import Component, MetricType, SelfMetric
from sloctl.sidecar.config.read import Settings
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.history_backfill import BackfillingSource
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.engine.tick_loop import SnapshotFeed, TickLoop
from sloctl.sidecar.filling import backfill_history
from sloctl.sidecar.http.application import Sidecar
from sloctl.sidecar.notify.notifier import Notifier
from sloctl.sidecar.reload import SpecFiles, SpecWatcher
from sloctl.sidecar.sources import Source
from sloctl.sidecar.sources.factories import SourceFactory, source_factory
from sloctl.sidecar.sources.prometheus.source import PrometheusSource, open_prometheus_source
from sloctl.sidecar.store.history_store import HistoryStore, StoreOptions
from sloctl.sidecar.telemetry.export import export_telemetry


class SidecarBuilder:
    """The parts of one sidecar, and how they depend on each other; without *files* nothing is reloaded."""

    def __init__(
        self, slos: Sequence[Slo], settings: Settings, *, time: Clock, files: SpecFiles | None = None
    ) -> None:
        self._settings = settings
        self._time = time
        self._source_factory: SourceFactory = source_factory(settings.source, slos, time)
        self._ledger = Engine(
            self._source_factory.slos,
            interval=settings.interval,
            refusals=self._source_factory.unsupported,
            patience=self._source_factory.stale_after_seconds,
        )
        self._feed = SnapshotFeed(
            Snapshot.without_data(self._source_factory.slos, self._source_factory.unsupported)
        )
        self._store = (
            None if settings.store is None else HistoryStore(StoreOptions(settings.store), self._ledger, time)
        )
        self._spec_watcher = None if files is None else SpecWatcher(files, apply=self._apply_specs, time=time)
        self._notifier = None if settings.notify is None else Notifier(settings.notify, self._feed, time)
        self._history_backfill: BackfillingSource | None = None
        self._poller = TickLoop(
            self._ledger,
            self._feed,
            time=time,
            interval=settings.interval,
            store_trouble=lambda: None if self._store is None else self._store.issue,
        )

    def build_sidecar(self) -> Sidecar:
        """All of it, not yet running."""
        parts: list[Component] = [lambda: export_telemetry(self._feed, self._time, os.environ)]
        if self._spec_watcher is not None:
            parts.append(self._spec_watcher.watch_files)
        if self._notifier is not None:
            parts.append(self._notifier.run_tasks)
        return Sidecar(
            self._open_source,
            self._poller,
            self._feed,
            self._ledger,
            time=self._time,
            interval=self._settings.interval,
            components=parts,
            routes=self._source_factory.routes,
            reload=None if self._spec_watcher is None else self._spec_watcher.reload_specs,
            targets=self._source_factory.target_states,
            self_metrics=self._collect_self_metrics,
            issues=self._collect_issues,
            web=self._settings.web,
        )

    async def _apply_specs(self, slos: Sequence[Slo]) -> None:
        self._source_factory.replace_slos(slos)
        if self._store is not None:
            await self._store.replace_slos(self._source_factory.slos, self._source_factory.unsupported)
        else:
            self._ledger.replace_slos(self._source_factory.slos, self._source_factory.unsupported)

    @asynccontextmanager
    async def _open_source(self) -> AsyncIterator[Source]:
        """The store first, so that the past of a Prometheus adds to what it holds; then that, then live."""
        async with AsyncExitStack() as stack:
            if self._store is not None:
                await stack.enter_async_context(self._store)
            source = await stack.enter_async_context(self._source_factory.open_source())
            self._history_backfill = await self._open_history_backfill(source, stack)
            if self._history_backfill is not None:
                source = await stack.enter_async_context(self._history_backfill.open_backfill())
            yield source

    async def _open_history_backfill(self, source: Source, stack: AsyncExitStack) -> BackfillingSource | None:
        if isinstance(source, PrometheusSource):
            return BackfillingSource(source, self._history_reader(source), waits=True)
        if self._settings.history is None:
            return None
        prometheus = open_prometheus_source(self._ledger.slos, self._settings.history, jitter=random.random)
        past = await stack.enter_async_context(prometheus)
        return BackfillingSource(source, self._history_reader(past), waits=False)

    def _history_reader(self, prometheus: PrometheusSource) -> Callable[[], Awaitable[None]]:
        async def read() -> None:
            now = self._time.now()
            await backfill_history(self._ledger, lambda known: prometheus.read_history(now, after=known), now)

        return read

    def _collect_issues(self) -> Mapping[str, str]:
        troubles = dict(self._source_factory.issues())
        if self._spec_watcher is not None:
            troubles |= self._spec_watcher.issues()
        if self._notifier is not None:
            troubles |= self._notifier.issues()
        if self._history_backfill is not None and self._history_backfill.issue is not None:
            troubles["history"] = self._history_backfill.issue
        if self._store is not None and self._store.issue is not None:
            troubles["store"] = self._store.issue
        return troubles

    def _collect_self_metrics(self) -> Iterable[SelfMetric]:
        yield SelfMetric(
            "sloctl_tick_seconds",
            "How long the last tick took.",
            MetricType.GAUGE,
            self._poller.last_tick_seconds,
        )
        if self._spec_watcher is not None:
            yield from self._spec_watcher.self_metrics()
        if self._notifier is not None:
            yield from self._notifier.self_metrics()
        if self._store is not None:
            yield from _of_store(self._store)


def _of_store(store: HistoryStore) -> Iterator[SelfMetric]:
    yield SelfMetric(
        "sloctl_store_flush_seconds",
        "How long the last flush took.",
        MetricType.GAUGE,
        store.last_flush_seconds,
    )
    if store.last_flush_at is not None:
        yield SelfMetric(
            "sloctl_store_last_flush_timestamp_seconds",
            "When all was last written down.",
            MetricType.GAUGE,
            store.last_flush_at,
        )
