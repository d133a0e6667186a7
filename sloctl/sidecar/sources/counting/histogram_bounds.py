"""Tell whether a histogram has the bound that an SLO needs: else nobody knows which events were slow."""

from math import inf, isfinite
from typing import Final

from sloctl.promql import format_number

# Bounds further above than this prove nothing: all may be so much slower than the bound that is not there.
_NEAR_FACTOR: Final = 10
# A bound that differs by a rounding, as of a float32, is ours under a name that nobody can ask for.
_SAME_BOUND: Final = 1.000001


class HistogramBounds:
    """The bounds of one histogram around *threshold* (seconds), as far as one scrape shows them.

    A client may make buckets only once they count. Where it has not made this one, all bounds up to ten times
    higher count, and there is none below.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._is_there = False
        self._below = -inf
        self._above = inf
        self._has_silent_bound = False

    def add_bound(self, bound: float, value: float | None, *, is_threshold: bool) -> None:
        """Take in that a bucket of *bound* shows *value*."""
        if is_threshold:
            self._is_there = True
        elif bound <= self._threshold * _SAME_BOUND:
            self._below = max(self._below, bound)
        elif isfinite(bound):
            self._above = min(self._above, bound)
            if bound <= _NEAR_FACTOR * self._threshold and not value:
                self._has_silent_bound = True

    @property
    def has_threshold(self) -> bool:
        """Whether the bound is there, or its client is known to make it once it counts."""
        if self._is_there:
            return True
        is_near = self._above <= _NEAR_FACTOR * self._threshold
        return is_near and not self._has_silent_bound and self._below == -inf

    def __str__(self) -> str:
        wanted = format_number(self._threshold)
        nearest = [format_number(bound) for bound in (self._below, self._above) if isfinite(bound)]
        if not nearest:
            return f"its histogram has no bucket with le={wanted}, and no finite bound at all"
        return f"its histogram has no bucket with le={wanted}; the nearest are {' and '.join(nearest)}"
