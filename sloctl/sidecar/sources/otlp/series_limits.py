"""Bound the series that are remembered, in all, for each sender, and for each address that senders come from.

So none can starve the others, whatever names it invents.
"""

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

    def __init__(self, *, most_series: int, most_per_sender: int, most_per_address: int) -> None:
        self._most_series = most_series
        self._most_per_sender = most_per_sender
        self._most_per_address = most_per_address
        self._by_sender: Counter[str] = Counter()
        self._by_address: Counter[str] = Counter()

    def admit_series(self, point: OtlpPoint, address: str) -> None:
        """Take room for a new series; raise ValueError, for its sender, where there is none."""
        room = _series_room(point)
        if self._by_sender[point.sender] + room > self._most_per_sender:
            raise ValueError(f"its sender has {self._most_per_sender} series already, and this one is new")
        if self._by_address[address] + room > self._most_per_address:
            raise ValueError(f"its address has {self._most_per_address} series already, and this one is new")
        if self._by_address.total() + room > self._most_series:
            raise ValueError(f"there are {self._most_series} series already, and this one is new")
        self._by_sender[point.sender] += room
        self._by_address[address] += room

    def recount_series(self, points: Iterable[tuple[OtlpPoint, str]]) -> None:
        """Give back the room of all series but those of *points*, with the addresses of their senders."""
        self._by_sender.clear()
        self._by_address.clear()
        for point, address in points:
            room = _series_room(point)
            self._by_sender[point.sender] += room
            self._by_address[address] += room


def _series_room(point: OtlpPoint) -> int:
    labels = sum(len(name) + len(value) for name, value in point.series.labels)
    if labels > _MAX_LABEL_BYTES:
        raise ValueError(f"its labels have more than {_MAX_LABEL_BYTES} characters")
    buckets = len(point.value.buckets) if isinstance(point.value, ExponentialHistogram) else 0
    return 1 + (labels + buckets * _BUCKET_BYTES) // _UNIT_BYTES
