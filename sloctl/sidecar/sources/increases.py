"""Samples of one scrape after another → how much each counter grew.

Its one law: only what is known to have happened is counted. A value without a baseline is none, and a gap, a
restart or an unreadable value never invents events.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import TypeAlias

from sloctl.model import Labels
from sloctl.sidecar.sources.exposition import Series


@dataclass(frozen=True, slots=True)
class Observed:
    """One series in one scrape. *increase* is None where nothing tells what it showed before."""

    labels: Labels
    value: float
    increase: float | None
    newborn: bool


# By metric name.
Scrape: TypeAlias = Mapping[str, list[Observed]]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the last good scrape of a target showed; None for a series whose value could not be read."""

    values: Mapping[Series, float | None] = field(default_factory=dict)
    # Whether the scrape before this one succeeded: only then is an unknown series known to be new.
    unbroken: bool = False

    def interrupted(self) -> "Baseline":
        return replace(self, unbroken=False)


def advance(before: Baseline, samples: Iterable[tuple[Series, float]]) -> tuple[Baseline, Scrape]:
    """One more scrape. Of a series exposed twice the first sample counts, as in Prometheus."""
    values: dict[Series, float | None] = {}
    scrape: dict[str, list[Observed]] = {}
    for series, value in samples:
        if series in values:
            continue
        if not isfinite(value) or value < 0:
            # Remembered as it was, so that it is not taken for newborn when it can be read again.
            values[series] = before.values.get(series)
            continue
        values[series] = value
        scrape.setdefault(series.metric, []).append(_observed(before, series, value))
    return Baseline(values, unbroken=True), scrape


def _observed(before: Baseline, series: Series, value: float) -> Observed:
    newborn = before.unbroken and series not in before.values
    increase = value if newborn else _increase(before.values.get(series), value)
    return Observed(dict(series.labels), value, increase, newborn)


def _increase(before: float | None, value: float) -> float | None:
    """A counter that fell was reset to zero and has grown to *value* since."""
    if before is None:
        return None
    return value if value < before else value - before
