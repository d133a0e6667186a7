"""A sidecar from its settings: every component, and the order in which they depend on each other.

The one module that knows all others. `build_sidecar` makes the components and hands the application what it
asks of them; the source opens over the store, and over the history of a Prometheus where there is one.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from sloctl.model import Slo
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.component import Component, MetricType, SelfMetric
from sloctl.sidecar.config.read import Settings
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.history_backfill import BackfillingSource, backfill_history
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.engine.tick_loop import SnapshotFeed, TickLoop
from sloctl.sidecar.http.application import Sidecar
from sloctl.sidecar.notify.notifier import Notifier
from sloctl.sidecar.reload import SpecFiles, SpecWatcher
from sloctl.sidecar.sources import Source
from sloctl.sidecar.sources.factories import ManagedSource, create_source
from sloctl.sidecar.sources.prometheus.source import PrometheusSource
from sloctl.sidecar.store.history_store import HistoryStore, StoreOptions
from sloctl.sidecar.telemetry.export import export_telemetry
from sloctl.sidecar.telemetry.issue_log import log_issues


def build_sidecar(
    slos: Sequence[Slo], settings: Settings, *, time: Clock, files: SpecFiles | None = None
) -> Sidecar:
    """Build a sidecar that does not run yet; without *files* its specs are never reloaded."""
    builder = _SidecarBuilder(slos, settings, time=time, files=files)
    components: list[Component] = [lambda: export_telemetry(builder.feed, time, os.environ)]
    components.append(lambda: log_issues(builder.feed, builder.logged_issues, time))
    if builder.spec_watcher is not None:
        components.append(builder.spec_watcher.watch_files)
    if builder.notifier is not None:
        components.append(builder.notifier.run_tasks)
    return Sidecar(
        builder.open_source,
        builder.tick_loop,
        builder.feed,
        builder.engine,
        time=time,
        interval=settings.interval,
        components=components,
        routes=builder.source.routes,
        reload=None if builder.spec_watcher is None else builder.spec_watcher.reload_specs,
        targets=lambda: builder.source.target_states,
        self_metrics=builder.collect_self_metrics,
        issues=builder.collect_issues,
        web=settings.web,
        max_metrics_bytes=settings.limits.metrics_bytes,
        label_style=settings.label_style,
    )


class _SidecarBuilder:
    """The components of one sidecar, and what several of them do together."""

    def __init__(
        self, slos: Sequence[Slo], settings: Settings, *, time: Clock, files: SpecFiles | None
    ) -> None:
        self._settings = settings
        self._time = time
        self.source: ManagedSource = create_source(settings.source, slos, time)
        counted, unsupported = self.source.slos, self.source.unsupported
        self.engine = Engine(
            counted,
            interval=settings.interval,
            unsupported=unsupported,
            stale_after=self.source.stale_after_seconds,
            max_group_entries=settings.limits.group_entries,
        )
        self.feed = SnapshotFeed(Snapshot.without_data(counted, unsupported))
        self._store = (
            None if settings.store is None else HistoryStore(StoreOptions(settings.store), self.engine, time)
        )
        self.spec_watcher = (
            None if files is None else SpecWatcher(files, apply_slos=self._apply_slos, time=time)
        )
        self.notifier = None if settings.notify is None else Notifier(settings.notify, self.feed, time)
        self._history_backfill: BackfillingSource | None = None
        self.tick_loop = TickLoop(
            self.engine,
            self.feed,
            clock=time,
            interval=settings.interval,
            store_issue=lambda: None if self._store is None else self._store.issue,
        )

    @asynccontextmanager
    async def open_source(self) -> AsyncIterator[Source]:
        """Open the store, then the source, then the history backfill, which adds to what the store holds."""
        async with AsyncExitStack() as stack:
            if self._store is not None:
                await stack.enter_async_context(self._store)
            source = await stack.enter_async_context(self.source.open_source())
            self._history_backfill = await self._open_history_backfill(source, stack)
            if self._history_backfill is not None:
                source = await stack.enter_async_context(self._history_backfill.open_backfill())
            yield source

    def collect_issues(self) -> Mapping[str, str]:
        """Collect the issues of all components, by the component's name."""
        issues = dict(self.source.issues())
        if self.engine.issue is not None:
            issues["groups"] = self.engine.issue
        if self.spec_watcher is not None:
            issues |= self.spec_watcher.issues()
        if self.notifier is not None:
            issues |= self.notifier.issues()
        if self._history_backfill is not None and self._history_backfill.issue is not None:
            issues["history"] = self._history_backfill.issue
        if self._store is not None and self._store.issue is not None:
            issues["store"] = self._store.issue
        return issues

    def logged_issues(self) -> Mapping[str, str]:
        """Collect the issues to log: not the targets, which are logged one by one."""
        issues, of_source = dict(self.collect_issues()), self.feed.snapshot.source_issue
        if issues.pop("scrape", None) is None and of_source is not None:
            issues["source"] = of_source
        return issues

    def collect_self_metrics(self) -> Iterable[SelfMetric]:
        """Collect the self-metrics of all components."""
        yield SelfMetric(
            "sloctl_tick_seconds",
            "How long the last tick took.",
            MetricType.GAUGE,
            self.tick_loop.last_tick_seconds,
        )
        yield SelfMetric(
            "sloctl_group_entries",
            "Groups of all SLOs that are told apart.",
            MetricType.GAUGE,
            float(self.engine.group_entry_count),
        )
        if self.spec_watcher is not None:
            yield from self.spec_watcher.self_metrics()
        if self.notifier is not None:
            yield from self.notifier.self_metrics()
        if self._store is not None:
            yield from self._store.self_metrics()

    async def _apply_slos(self, slos: Sequence[Slo]) -> None:
        self.source.replace_slos(slos)
        counted, unsupported = self.source.slos, self.source.unsupported
        if self._store is not None:
            await self._store.replace_slos(counted, unsupported)
        else:
            self.engine.replace_slos(counted, unsupported)

    async def _open_history_backfill(self, source: Source, stack: AsyncExitStack) -> BackfillingSource | None:
        if isinstance(source, PrometheusSource):
            return BackfillingSource(source, self._history_reader(source), waits=True)
        if self._settings.history is None:
            return None
        history = PrometheusSource(self._settings.history, self.engine.slos)
        prometheus = await stack.enter_async_context(history.open_source())
        return BackfillingSource(source, self._history_reader(prometheus), waits=False)

    def _history_reader(self, prometheus: PrometheusSource) -> Callable[[], Awaitable[None]]:
        async def read_history() -> None:
            now = self._time.now()
            await backfill_history(
                self.engine,
                lambda known, repaired: prometheus.read_history(now, after=known, repaired=repaired),
                now,
            )

        return read_history
