"""A sidecar from its settings: the parts, put together."""

import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from sloctl.model import Slo
from sloctl.sidecar.app import Sidecar
from sloctl.sidecar.board import Snapshot
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.configuration.read import Settings
from sloctl.sidecar.filling import backfill_history
from sloctl.sidecar.ledger import Engine
from sloctl.sidecar.notify.notifier import Notifier
from sloctl.sidecar.parts import Figure, Kind, Part
from sloctl.sidecar.poller import SnapshotFeed, TickLoop
from sloctl.sidecar.reload import SpecFiles, Specs
from sloctl.sidecar.remembering import BackfillingSource
from sloctl.sidecar.sources import Source
from sloctl.sidecar.sources.prometheus import PrometheusSource, open_prometheus_source
from sloctl.sidecar.store import HistoryStore, StoreOptions
from sloctl.sidecar.supplies import SourceFactory, source_factory
from sloctl.sidecar.telemetry.export import exporting


class Assembly:
    """The parts of one sidecar, and how they depend on each other; without *files* nothing is reloaded."""

    def __init__(
        self, slos: Sequence[Slo], settings: Settings, *, time: Clock, files: SpecFiles | None = None
    ) -> None:
        self._settings = settings
        self._time = time
        self._supply: SourceFactory = source_factory(settings.source, slos, time)
        self._ledger = Engine(
            self._supply.slos,
            interval=settings.interval,
            refusals=self._supply.unsupported,
            patience=self._supply.stale_after_seconds,
        )
        self._feed = SnapshotFeed(Snapshot.without_data(self._supply.slos, self._supply.unsupported))
        self._store = (
            None if settings.store is None else HistoryStore(StoreOptions(settings.store), self._ledger, time)
        )
        self._specs = None if files is None else Specs(files, apply=self._watch, time=time)
        self._notifier = None if settings.notify is None else Notifier(settings.notify, self._feed, time)
        self._past: BackfillingSource | None = None
        self._poller = TickLoop(
            self._ledger,
            self._feed,
            time=time,
            interval=settings.interval,
            store_trouble=lambda: None if self._store is None else self._store.issue,
        )

    def sidecar(self) -> Sidecar:
        """All of it, not yet running."""
        parts: list[Part] = [lambda: exporting(self._feed, self._time, os.environ)]
        if self._specs is not None:
            parts.append(self._specs.watching)
        if self._notifier is not None:
            parts.append(self._notifier.running)
        return Sidecar(
            self._open_source,
            self._poller,
            self._feed,
            self._ledger,
            time=self._time,
            interval=self._settings.interval,
            components=parts,
            routes=self._supply.routes,
            reload=None if self._specs is None else self._specs.reload,
            targets=self._supply.target_states,
            self_metrics=self._figures,
            issues=self._troubles,
            web=self._settings.web,
        )

    async def _watch(self, slos: Sequence[Slo]) -> None:
        self._supply.replace_slos(slos)
        if self._store is not None:
            await self._store.replace_slos(self._supply.slos, self._supply.unsupported)
        else:
            self._ledger.replace_slos(self._supply.slos, self._supply.unsupported)

    @asynccontextmanager
    async def _open_source(self) -> AsyncIterator[Source]:
        """The store first, so that the past of a Prometheus adds to what it holds; then that, then live."""
        async with AsyncExitStack() as stack:
            if self._store is not None:
                await stack.enter_async_context(self._store)
            source = await stack.enter_async_context(self._supply.open_source())
            self._past = await self._remembering(source, stack)
            if self._past is not None:
                source = await stack.enter_async_context(self._past.open_backfill())
            yield source

    async def _remembering(self, source: Source, stack: AsyncExitStack) -> BackfillingSource | None:
        if isinstance(source, PrometheusSource):
            return BackfillingSource(source, self._reads_past_of(source), waits=True)
        if self._settings.history is None:
            return None
        prometheus = open_prometheus_source(self._ledger.slos, self._settings.history, jitter=random.random)
        past = await stack.enter_async_context(prometheus)
        return BackfillingSource(source, self._reads_past_of(past), waits=False)

    def _reads_past_of(self, prometheus: PrometheusSource) -> Callable[[], Awaitable[None]]:
        async def read() -> None:
            now = self._time.now()
            await backfill_history(self._ledger, lambda known: prometheus.read_history(now, after=known), now)

        return read

    def _troubles(self) -> Mapping[str, str]:
        troubles = dict(self._supply.issues())
        if self._specs is not None:
            troubles |= self._specs.troubles()
        if self._notifier is not None:
            troubles |= self._notifier.troubles()
        if self._past is not None and self._past.issue is not None:
            troubles["history"] = self._past.issue
        if self._store is not None and self._store.issue is not None:
            troubles["store"] = self._store.issue
        return troubles

    def _figures(self) -> Iterable[Figure]:
        yield Figure(
            "sloctl_tick_seconds", "How long the last tick took.", Kind.GAUGE, self._poller.last_tick_seconds
        )
        if self._specs is not None:
            yield from self._specs.figures()
        if self._notifier is not None:
            yield from self._notifier.figures()
        if self._store is not None:
            yield from _of_store(self._store)


def _of_store(store: HistoryStore) -> Iterator[Figure]:
    yield Figure(
        "sloctl_store_flush_seconds", "How long the last flush took.", Kind.GAUGE, store.last_flush_seconds
    )
    if store.last_flush_at is not None:
        yield Figure(
            "sloctl_store_last_flush_timestamp_seconds",
            "When all was last written down.",
            Kind.GAUGE,
            store.last_flush_at,
        )
