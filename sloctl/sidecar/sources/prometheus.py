"""The source that reads a Prometheus, whatever the kind of indicator: one reading per whole minute."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from sloctl.duration import HOUR
from sloctl.model import Slo
from sloctl.rollup import FINE_STEP
from sloctl.sidecar.client import open_client, shown
from sloctl.sidecar.sources import Reading, Readings, Unreadable
from sloctl.sidecar.sources.prometheus_burning import ByLabel, Telling
from sloctl.sidecar.sources.prometheus_history import Past, histories
from sloctl.sidecar.sources.prometheus_minutes import Outcome, Place, Progress, last_minute, read_minutes
from sloctl.sidecar.sources.prometheus_ranges import PrometheusOptions, Ranges, Unusable

# What lies further back when an outage ends is left to the history of the next start.
CATCH_UP: Final = HOUR
_TROUBLES: Final = 5
# So much is taken in before whatever else goes on has its turn.
_IN_ONE_GO: Final = 500

_log: Final = logging.getLogger(__name__)


class PrometheusSource:
    """Remembers how far each SLO has been read: what could not be read is asked for again.

    *troubles* are those of the last read, some of them.
    """

    def __init__(self, ranges: Ranges, slos: Iterable[Slo], options: PrometheusOptions) -> None:
        self.troubles: tuple[str, ...] = ()
        self._ranges = ranges
        self._slos = tuple(slos)
        self._options = options
        self._places: dict[str, Place] = {}
        self._telling = Telling(ranges, options.label_style, options.telling)

    def replan(self, slos: Iterable[Slo]) -> None:
        """Count these from now on; those that were read before go on where they were."""
        self._slos = tuple(slos)
        self._places = {slo.id: self._places[slo.id] for slo in self._slos if slo.id in self._places}

    async def read(self, now: float) -> Sequence[Readings]:
        """The minutes complete by *now* and not given yet, an hour of them at most; often none.

        Of an SLO that could be read only later, minutes come that are older than those given of others.
        """
        settled = now - self._options.settle_seconds
        oldest = last_minute(settled) - CATCH_UP
        # At first, the newest minute alone.
        start = Place(last_minute(settled) - FINE_STEP)
        places = {slo.id: self._places.setdefault(slo.id, start) for slo in self._slos}
        jobs = [(slo, max(places[slo.id], Place(oldest), key=lambda place: place.upto)) for slo in self._slos]
        outcome, told = Outcome(), dict[str, ByLabel]()
        try:
            async with asyncio.timeout(self._options.read_seconds):
                await read_minutes(
                    self._ranges, jobs, self._options.label_style, settled=settled, outcome=outcome
                )
                await self._telling.of(self._current(jobs, outcome), told)
        except TimeoutError:
            outcome.troubles.append(f"not everything was answered within {self._options.read_seconds:g} s")
        return self._readings(self._current(jobs, outcome), told, outcome.troubles)

    async def history(self, now: float, *, after: Mapping[str, float]) -> AsyncIterator[Past]:
        """What happened before *now*, oldest first per SLO; the next read goes on from there.

        *after*, by SLO id, is up to when the counts are known already, in Unix seconds. Raises Unreadable.
        """
        try:
            settled = now - self._options.settle_seconds
            async for piece in histories(
                self._ranges, self._slos, self._options.label_style, settled=settled, known=after
            ):
                for number, past in enumerate(piece.past):
                    yield past
                    if number % _IN_ONE_GO == 0:
                        await asyncio.sleep(0)
                self._places.update(piece.places)
        except Unusable as trouble:
            raise Unreadable(self._said(str(trouble))) from trouble

    def _current(self, jobs: Iterable[tuple[Slo, Place]], outcome: Outcome) -> list[tuple[Slo, Progress]]:
        """What was replanned meanwhile may have been asked for by the queries of another indicator."""
        current = {slo.id: slo for slo in self._slos}
        return [
            (slo, outcome.progress[slo.id])
            for slo, _ in jobs
            if slo.id in outcome.progress and current.get(slo.id) == slo
        ]

    def _readings(
        self, found: Iterable[tuple[Slo, Progress]], told: Mapping[str, ByLabel], troubles: Sequence[str]
    ) -> tuple[Readings, ...]:
        by_minute: dict[int, dict[str, Reading]] = {}
        for slo, progress in found:
            self._places[slo.id] = progress.place
            for at, groups in progress.steps.items():
                by_label = told.get(slo.id, {}).get(at, {})
                by_minute.setdefault(at, {})[slo.id] = Reading(groups, by_label)
        self.troubles = tuple(self._said(trouble) for trouble in dict.fromkeys(troubles[:_TROUBLES]))
        if troubles and not by_minute:
            raise Unreadable(self.troubles[0])
        if troubles:
            _log.warning("%s (%d such)", self.troubles[0], len(troubles))
        return tuple(Readings(float(at), by_minute[at]) for at in sorted(by_minute))

    def _said(self, trouble: str) -> str:
        return f"{shown(self._options.url)}: {trouble}"


@asynccontextmanager
async def open_prometheus(
    slos: Iterable[Slo], options: PrometheusOptions, *, jitter: Callable[[], float]
) -> AsyncIterator[PrometheusSource]:
    """A source with connections of its own; *jitter* gives numbers from 0 to 1, such as random.random."""
    async with open_client(options.client) as client:
        yield PrometheusSource(Ranges(client, options, jitter=jitter), slos, options)
