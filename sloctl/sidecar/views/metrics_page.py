"""All of /metrics: the newest board, what the parts tell of themselves, and the process."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from sloctl.sidecar.board import Board
from sloctl.sidecar.parts import Figure, Figures, Kind
from sloctl.sidecar.views.metrics import BoardText
from sloctl.sidecar.views.metrics_text import Format

_OPENMETRICS: Final = "application/openmetrics-text"


class MetricsPage:
    """What a scrape gets. The text of a board is kept for the next scrape of the same board."""

    def __init__(
        self, newest: Callable[[], Board], now: Callable[[], float], figures: Iterable[Figures]
    ) -> None:
        self._newest = newest
        self._now = now
        self._text = BoardText(newest(), now())
        self._registry = CollectorRegistry()
        self._registry.register(_FigureCollector(tuple(figures)))
        ProcessCollector(registry=self._registry)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """The text, and its content type as *accept* (a header) asks for it."""
        encode, content_type = choose_encoder(accept)
        form = Format.OPENMETRICS if content_type.startswith(_OPENMETRICS) else Format.TEXT
        board, now = self._newest(), self._now()
        if board is not self._text.board or now > self._text.until:
            self._text = BoardText(board, now)
        # OpenMetrics ends with a line of its own, which this encoder writes.
        return self._text.exposition(form, now) + encode(self._registry), content_type


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
