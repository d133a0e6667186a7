"""All of /metrics: the newest board, what the parts tell of themselves, and the process."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from sloctl.sidecar.board import Snapshot
from sloctl.sidecar.parts import Figure, Figures, Kind
from sloctl.sidecar.views.metrics import BoardText
from sloctl.sidecar.views.metrics_text import Format

# Seconds for which a number that changes by itself, such as an age, may be told again.
_SAME_FOR: Final = 1.0
_OPENMETRICS: Final = "application/openmetrics-text"


class MetricsPage:
    """What a scrape gets. The text of a board is made once; so is all of it within a second."""

    def __init__(
        self, newest: Callable[[], Snapshot], now: Callable[[], float], figures: Iterable[Figures]
    ) -> None:
        self._newest = newest
        self._now = now
        self._text = BoardText.of(Snapshot.without_slos(), now())
        self._making = asyncio.Lock()
        self._answers: dict[Format, _Answer] = {}
        self._registry = CollectorRegistry()
        self._registry.register(_FigureCollector(tuple(figures)))
        ProcessCollector(registry=self._registry)

    async def exposition(self, accept: str) -> tuple[bytes, str]:
        """The text, and its content type as *accept* (a header) asks for it."""
        encode, content_type = choose_encoder(accept)
        form = Format.OPENMETRICS if content_type.startswith(_OPENMETRICS) else Format.TEXT
        async with self._making:
            text = await self._newest_text()
            now = self._now()
            known = self._answers.get(form)
            if known is None or known.text is not text or not 0 <= now - known.at < _SAME_FOR:
                # OpenMetrics ends with a line of its own, which this encoder writes.
                body = text.exposition(form, now) + encode(self._registry)
                known = self._answers[form] = _Answer(text, now, body)
        return known.body, content_type

    async def _newest_text(self) -> BoardText:
        board, now = self._newest(), self._now()
        if board is not self._text.board or now > self._text.until:
            text = BoardText(board, now)
            for _ in text.parts():
                await asyncio.sleep(0)
            self._text = text
            self._answers.clear()
        return self._text


class _Answer(NamedTuple):
    """What was answered *at* a moment."""

    text: BoardText
    at: float
    body: bytes


class _FigureCollector(Collector):
    def __init__(self, figures: Iterable[Figures]) -> None:
        self._figures = figures

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: registering asks no part."""
        return ()

    def collect(self) -> Iterator[Metric]:
        figures = sorted((each for told in self._figures for each in told()), key=lambda figure: figure.name)
        for _, family in groupby(figures, key=lambda figure: figure.name):
            yield _family(list(family))


def _family(figures: list[Figure]) -> Metric:
    first = figures[0]
    make = CounterMetricFamily if first.kind is Kind.COUNTER else GaugeMetricFamily
    family = make(first.name, first.help)
    for figure in figures:
        family.add_sample(first.name, dict(figure.labels), figure.value)
    return family
