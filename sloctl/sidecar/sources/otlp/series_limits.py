"""Bound the series that are remembered, in all and for each sender, so that none can starve the others."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from sloctl.sidecar.sources.otlp.exponential_histogram import ExponentialHistogram
from sloctl.sidecar.sources.otlp.points import OtlpPoint

# What a series takes besides its labels and buckets is as much again.
_UNIT_BYTES: Final = 512
_BUCKET_BYTES: Final = 16
_MAX_LABEL_BYTES: Final = 16 * 1024


class SeriesLimits:
    """The room that series take: one of *most_series* each, and more where labels or buckets are many."""

    def __init__(self, *, most_series: int, most_per_sender: int) -> None:
        self._most_series = most_series
        self._most_per_sender = most_per_sender
        self._taken: Counter[str] = Counter()
        self._total = 0

    def admit_series(self, point: OtlpPoint) -> None:
        """Take room for a new series; raise ValueError, for its sender, where there is none."""
        room = _series_room(point)
        if self._taken[point.sender] + room > self._most_per_sender:
            raise ValueError(f"its sender has {self._most_per_sender} series already, and this one is new")
        if self._total + room > self._most_series:
            raise ValueError(f"there are {self._most_series} series already, and this one is new")
        self._taken[point.sender] += room
        self._total += room

    def recount_series(self, points: Iterable[OtlpPoint]) -> None:
        """Give back the room of all series but those of *points*."""
        self._taken.clear()
        for point in points:
            self._taken[point.sender] += _series_room(point)
        self._total = self._taken.total()


def _series_room(point: OtlpPoint) -> int:
    labels = sum(len(name) + len(value) for name, value in point.series.labels)
    if labels > _MAX_LABEL_BYTES:
        raise ValueError(f"its labels have more than {_MAX_LABEL_BYTES} characters")
    buckets = len(point.value.buckets) if isinstance(point.value, ExponentialHistogram) else 0
    return 1 + (labels + buckets * _BUCKET_BYTES) // _UNIT_BYTES
