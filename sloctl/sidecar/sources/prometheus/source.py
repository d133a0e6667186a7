"""The source that reads a Prometheus, whatever the kind of indicator: one reading per whole minute."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from sloctl.duration import HOUR
from sloctl.model import Slo
from sloctl.prometheus.async_client import RangeQueries, open_client
from sloctl.prometheus.errors import PrometheusError, redact_url
from sloctl.sidecar.sources import IntervalCounts, SloCounts, SourceUnavailable
from sloctl.sidecar.sources.prometheus.history import PastCounts, read_histories
from sloctl.sidecar.sources.prometheus.label_counts import LabelCountQueries, LabelCounts
from sloctl.sidecar.sources.prometheus.minutes import (
    ReadOutcome,
    ReadPosition,
    ReadProgress,
    last_minute,
    read_minutes,
)
from sloctl.sidecar.sources.prometheus.options import PrometheusOptions
from sloctl.slo.resolutions import FINE_STEP

# What lies further back when an outage ends is left to the history of the next start.
MAX_CATCH_UP: Final = HOUR
_MAX_ISSUES: Final = 5
# So much is taken in before whatever else goes on has its turn.
_STEPS_PER_SLICE: Final = 500

_log: Final = logging.getLogger(__name__)


class PrometheusSource:
    """Remembers how far each SLO has been read: what could not be read is asked for again.

    *troubles* are those of the last read, some of them.
    """

    def __init__(self, ranges: RangeQueries, slos: Iterable[Slo], options: PrometheusOptions) -> None:
        self.issues: tuple[str, ...] = ()
        self._ranges = ranges
        self._slos = tuple(slos)
        self._options = options
        self._places: dict[str, ReadPosition] = {}
        self._telling = LabelCountQueries(ranges, options.label_style, options.contributor_labels)

    def replace_slos(self, slos: Iterable[Slo]) -> None:
        """Count these from now on; those that were read before go on where they were."""
        self._slos = tuple(slos)
        self._places = {slo.id: self._places[slo.id] for slo in self._slos if slo.id in self._places}

    async def read_counts(self, now: float) -> Sequence[IntervalCounts]:
        """The minutes complete by *now* and not given yet, an hour of them at most; often none.

        Of an SLO that could be read only later, minutes come that are older than those given of others.
        """
        settled = now - self._options.settle_seconds
        oldest = last_minute(settled) - MAX_CATCH_UP
        # At first, the newest minute alone.
        start = ReadPosition(last_minute(settled) - FINE_STEP)
        places = {slo.id: self._places.setdefault(slo.id, start) for slo in self._slos}
        jobs = [
            (slo, max(places[slo.id], ReadPosition(oldest), key=lambda place: place.read_until))
            for slo in self._slos
        ]
        outcome, told = ReadOutcome(), dict[str, LabelCounts]()
        try:
            async with asyncio.timeout(self._options.read_seconds):
                await read_minutes(
                    self._ranges, jobs, self._options.label_style, settled=settled, outcome=outcome
                )
                await self._telling.query_slos(self._current_progress(jobs, outcome), told)
        except TimeoutError:
            outcome.issues.append(f"not everything was answered within {self._options.read_seconds:g} s")
        return self._collect_counts(self._current_progress(jobs, outcome), told, outcome.issues)

    async def read_history(self, now: float, *, after: Mapping[str, float]) -> AsyncIterator[PastCounts]:
        """What happened before *now*, oldest first per SLO; the next read goes on from there.

        *after*, by SLO id, is up to when the counts are known already, in Unix seconds. Raises Unreadable.
        """
        try:
            settled = now - self._options.settle_seconds
            async for piece in read_histories(
                self._ranges, self._slos, self._options.label_style, settled=settled, known=after
            ):
                for number, past in enumerate(piece.counts):
                    yield past
                    if number % _STEPS_PER_SLICE == 0:
                        await asyncio.sleep(0)
                self._places.update(piece.positions)
        except PrometheusError as trouble:
            raise SourceUnavailable(self._said(str(trouble))) from trouble

    def _current_progress(
        self, jobs: Iterable[tuple[Slo, ReadPosition]], outcome: ReadOutcome
    ) -> list[tuple[Slo, ReadProgress]]:
        """What was replanned meanwhile may have been asked for by the queries of another indicator."""
        current = {slo.id: slo for slo in self._slos}
        return [
            (slo, outcome.progress[slo.id])
            for slo, _ in jobs
            if slo.id in outcome.progress and current.get(slo.id) == slo
        ]

    def _collect_counts(
        self,
        found: Iterable[tuple[Slo, ReadProgress]],
        told: Mapping[str, LabelCounts],
        troubles: Sequence[str],
    ) -> tuple[IntervalCounts, ...]:
        by_minute: dict[int, dict[str, SloCounts]] = {}
        for slo, progress in found:
            self._places[slo.id] = progress.position
            for at, groups in progress.steps.items():
                by_label = told.get(slo.id, {}).get(at, {})
                by_minute.setdefault(at, {})[slo.id] = SloCounts(groups, by_label)
        self.issues = tuple(self._said(trouble) for trouble in dict.fromkeys(troubles[:_MAX_ISSUES]))
        if troubles and not by_minute:
            raise SourceUnavailable(self.issues[0])
        if troubles:
            _log.warning("%s (%d such)", self.issues[0], len(troubles))
        return tuple(IntervalCounts(float(at), by_minute[at]) for at in sorted(by_minute))

    def _said(self, trouble: str) -> str:
        return f"{redact_url(self._options.url)}: {trouble}"


@asynccontextmanager
async def open_prometheus_source(
    slos: Iterable[Slo], options: PrometheusOptions, *, jitter: Callable[[], float]
) -> AsyncIterator[PrometheusSource]:
    """A source with connections of its own; *jitter* gives numbers from 0 to 1, such as random.random."""
    async with open_client(options.client) as client:
        queries = RangeQueries(
            client,
            options.url,
            concurrency=options.concurrency,
            partial_response=options.partial_response,
            jitter=jitter,
        )
        yield PrometheusSource(queries, slos, options)
