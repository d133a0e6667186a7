"""Running sums of the buckets of a history, for the sum of any lookback at any moment, also one to come."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from sloctl.sidecar.engine.buckets import EMPTY_SUM, BucketSum, add_sums, subtract_sums


class TimedBucket(NamedTuple):
    """The counts of one bucket, from *begin* to *end*, Unix seconds."""

    begin: float
    end: float
    seen: BucketSum


class RunningSums:
    """Running sums of *buckets*, the oldest first, for sums over any range that ends at the end of one."""

    def __init__(self, buckets: Sequence[TimedBucket]) -> None:
        self._buckets = buckets
        self._ends = [each.end for each in buckets]
        self._until = list(accumulate((each.seen for each in buckets), add_sums, initial=EMPTY_SUM))

    def lookback_sums(self, at: float, lookbacks: Sequence[int]) -> list[BucketSum]:
        last = bisect_right(self._ends, at)
        width = self._buckets[last - 1].end - self._buckets[last - 1].begin if last else 0
        sums = []
        for lookback in lookbacks:
            cut = at - max(lookback, width)
            first = bisect_right(self._ends, cut)
            # The nearest edge, as the history itself rounds.
            if first < last and cut > (self._buckets[first].begin + self._buckets[first].end) / 2:
                first += 1
            sums.append(subtract_sums(self._until[last], self._until[first]))
        return sums
