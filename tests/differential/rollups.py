"""Rollups as the rules record them, kept in Python: counts per step, summed into any lookback."""

from array import array
from bisect import bisect_right

from sloctl.slo.resolutions import EventCounts


class Rollups:
    """Counts per step of the last *reach* seconds, in time order; a step without data is absent, not zero.

    Any lookback is answered from running sums.
    """

    def __init__(self, step: float, reach: float) -> None:
        self._step = step
        self._reach = reach
        self._ends = array("d")
        self._errors = array("d", [0.0])
        self._totals = array("d", [0.0])

    @property
    def since(self) -> float | None:
        """When the oldest step held began; None before the first count."""
        return self._ends[0] - self._step if self._ends else None

    def add_counts(self, at: float, counts: EventCounts) -> None:
        """Count what happened up to *at*. A time before the newest step is refused with ValueError."""
        end = -(-at // self._step) * self._step
        if self._ends and end < self._ends[-1]:
            raise ValueError(f"counts at {at} come after those of the step ending at {self._ends[-1]}")
        if not self._ends or end > self._ends[-1]:
            self._ends.append(end)
            self._errors.append(self._errors[-1])
            self._totals.append(self._totals[-1])
        self._errors[-1] += counts.error
        self._totals[-1] += counts.total
        self._drop_before(end - self._reach)

    def sum_counts(self, now: float, lookback: float) -> EventCounts | None:
        """Counts of the last *lookback* seconds; None where no step in it holds data."""
        first = bisect_right(self._ends, now - lookback + self._step / 2)
        last = bisect_right(self._ends, now + self._step)
        if first >= last:
            return None
        return EventCounts(
            error=self._errors[last] - self._errors[first], total=self._totals[last] - self._totals[first]
        )

    def _drop_before(self, horizon: float) -> None:
        old = bisect_right(self._ends, horizon)
        # In slices, so that forgetting costs a constant per step.
        if old * 2 <= len(self._ends) or old < 64:
            return
        del self._ends[:old]
        self._errors = array("d", (value - self._errors[old] for value in self._errors[old:]))
        self._totals = array("d", (value - self._totals[old] for value in self._totals[old:]))
