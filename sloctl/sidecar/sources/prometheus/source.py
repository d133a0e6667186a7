"""The source that reads a Prometheus: one interval per whole minute."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from sloctl.duration import HOUR
from sloctl.model import Slo
from sloctl.prometheus.async_client import RangeQueries, open_client
from sloctl.prometheus.errors import PrometheusError, redact_url
from sloctl.sidecar.sources import IntervalCounts, SloCounts, SourceUnavailable, UnsupportedSlo
from sloctl.sidecar.sources.prometheus.history import PastCounts, read_histories
from sloctl.sidecar.sources.prometheus.label_counts import LabelCountQueries, LabelCounts
from sloctl.sidecar.sources.prometheus.minutes import (
    ReadOutcome,
    ReadPosition,
    ReadProgress,
    RepairedSpan,
    last_minute,
    read_minutes,
)
from sloctl.sidecar.sources.prometheus.options import PrometheusOptions
from sloctl.sidecar.sources.prometheus.repairs import read_due_repairs
from sloctl.sidecar.sources.prometheus.silence import Span, read_silent_spans
from sloctl.sidecar.sources.scrape.targets import TargetState
from sloctl.slo.resolutions import FINE_STEP

# Minutes from before are left to the history of the next start.
MAX_CATCH_UP: Final = HOUR
_MAX_ISSUES: Final = 5
# So many steps are given before whatever else goes on has its turn.
_STEPS_PER_SLICE: Final = 500

_log: Final = logging.getLogger(__name__)


class PrometheusSource:
    """How far each SLO has been read, and the minutes since; read it while it is open.

    A minute that could not be read is asked for again. *jitter* gives numbers from 0 to 1.
    """

    # A minute's counts come once its samples are there; two minutes without any are two that failed.
    stale_after_seconds = 150.0
    unsupported: tuple[UnsupportedSlo, ...] = ()
    routes: Sequence[web.RouteDef] = ()
    target_states: tuple[TargetState, ...] = ()

    def __init__(
        self, options: PrometheusOptions, slos: Iterable[Slo], *, jitter: Callable[[], float] = random.random
    ) -> None:
        self._options = options
        self.slos = self._split_slos(slos)
        self._jitter = jitter
        self._queries: RangeQueries
        self._label_queries: LabelCountQueries
        self._positions: dict[str, ReadPosition] = {}
        self._issues: tuple[str, ...] = ()

    @asynccontextmanager
    async def open_source(self) -> AsyncIterator["PrometheusSource"]:
        """Open connections of its own."""
        options = self._options
        async with open_client(options.client) as client:
            self._queries = RangeQueries(
                client,
                options.url,
                concurrency=options.concurrency,
                partial_response=options.partial_response,
                jitter=self._jitter,
            )
            self._label_queries = LabelCountQueries(
                self._queries, options.label_style, options.contributor_labels
            )
            yield self

    def _split_slos(self, slos: Iterable[Slo]) -> tuple[Slo, ...]:
        return tuple(slo.split_by(self._options.cluster_labels) for slo in slos)

    def issues(self) -> Mapping[str, str]:
        """Return the first few reasons why the last read got less than all."""
        return {"prometheus": "; ".join(self._issues)} if self._issues else {}

    def replace_slos(self, slos: Iterable[Slo]) -> None:
        """Count these from now on; those that were read before go on where they were."""
        self.slos = self._split_slos(slos)
        self._positions = {slo.id: self._positions[slo.id] for slo in self.slos if slo.id in self._positions}

    async def read_counts(self, now: float) -> Sequence[IntervalCounts]:
        """Return the minutes complete by *now* and not given yet, an hour of them at most; often none.

        Of an SLO that could be read only later, minutes come that are older than those given of others.
        """
        settled = now - self._options.settle_seconds
        oldest = ReadPosition(last_minute(settled) - MAX_CATCH_UP)
        # At first, the newest minute alone.
        newest = ReadPosition(last_minute(settled) - FINE_STEP)
        jobs: list[tuple[Slo, ReadPosition]] = []
        for slo in self.slos:
            position = self._positions.setdefault(slo.id, newest)
            jobs.append((slo, position if position.read_until >= oldest.read_until else oldest))
        outcome, by_label = ReadOutcome(), dict[str, LabelCounts]()
        silent: Sequence[Span] = ()
        style = self._options.label_style
        try:
            async with asyncio.timeout(self._options.read_seconds):
                await read_minutes(self._queries, jobs, style, settled=settled, outcome=outcome)
                await read_due_repairs(self._queries, jobs, style, outcome=outcome)
                silent = await read_silent_spans(self._queries, jobs, outcome)
                await self._label_queries.query_slos(self._current_progress(jobs, outcome), by_label)
        except TimeoutError:
            outcome.issues.append(f"not everything was answered within {self._options.read_seconds:g} s")
        current = self._current_progress(jobs, outcome)
        gaps = [
            IntervalCounts(end, {}, gaps={slo.id: (begin, end) for slo, _ in current})
            for begin, end in silent
        ]
        repaired = repaired_intervals((slo, outcome.repairs.get(slo.id, ())) for slo, _ in current)
        return (*gaps, *repaired, *self._collect_counts(current, by_label, outcome.issues))

    async def read_history(
        self, now: float, *, after: Mapping[str, float], repaired: Mapping[str, float]
    ) -> AsyncIterator[PastCounts]:
        """Give the counts from before *now*, oldest first per SLO; the next read goes on from there.

        *after*, by SLO id, is up to when the counts are known already, in Unix seconds, and *repaired* up to
        when repairs are. Raises SourceUnavailable.
        """
        settled = now - self._options.settle_seconds
        try:
            async for chunk in read_histories(
                self._queries,
                self.slos,
                self._options.label_style,
                settled=settled,
                known=after,
                repaired=repaired,
            ):
                for number, past in enumerate(chunk.counts):
                    yield past
                    if number % _STEPS_PER_SLICE == 0:
                        await asyncio.sleep(0)
                self._positions.update(chunk.positions)
        except PrometheusError as failure:
            raise SourceUnavailable(f"{redact_url(self._options.url)}: {failure}") from failure

    def _current_progress(
        self, jobs: Iterable[tuple[Slo, ReadPosition]], outcome: ReadOutcome
    ) -> list[tuple[Slo, ReadProgress]]:
        """Leave out SLOs replaced meanwhile: their counts may be those of another indicator."""
        current = {slo.id: slo for slo in self.slos}
        return [
            (slo, outcome.progress[slo.id])
            for slo, _ in jobs
            if slo.id in outcome.progress and current.get(slo.id) == slo
        ]

    def _collect_counts(
        self,
        progress_by_slo: Iterable[tuple[Slo, ReadProgress]],
        by_label: Mapping[str, LabelCounts],
        issues: Sequence[str],
    ) -> tuple[IntervalCounts, ...]:
        by_minute: dict[int, dict[str, SloCounts]] = {}
        for slo, progress in progress_by_slo:
            self._positions[slo.id] = progress.position
            for at, groups in progress.steps.items():
                labels = by_label.get(slo.id, {}).get(at, {})
                by_minute.setdefault(at, {})[slo.id] = SloCounts(groups, labels)
        url = redact_url(self._options.url)
        self._issues = tuple(f"{url}: {issue}" for issue in dict.fromkeys(issues[:_MAX_ISSUES]))
        if issues and not by_minute:
            raise SourceUnavailable(self._issues[0])
        return tuple(IntervalCounts(float(at), by_minute[at]) for at in sorted(by_minute))


def repaired_intervals(
    spans_by_slo: Iterable[tuple[Slo, Iterable[RepairedSpan]]],
) -> list[IntervalCounts]:
    return [
        IntervalCounts(float(span.end), {slo.id: SloCounts(span.groups)}, begin=float(span.begin))
        for slo, spans in spans_by_slo
        for span in spans
    ]
