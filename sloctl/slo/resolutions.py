"""The rollup ladder: counts recorded once per step, summed into every lookback.

Its one law: a lookback is the sum of the rollups whose end lies within (now - lookback + step/2, now]. The
half step makes the sum hold exactly lookback/step rollups whether the reader's ranges are closed (Prometheus
2) or left-open (Prometheus 3), for a reader that looks up to half a step after the newest rollup.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from sloctl.duration import HOUR, MINUTE
from sloctl.model import PolicyRow, Severity

FINE_STEP: Final = MINUTE
COARSE_STEP: Final = 5 * MINUTE
MAX_FINE_LOOKBACK: Final = 6 * HOUR


class Resolution(Struct, frozen=True):
    """One lookback and the step of the rollups that serve it; seconds."""

    lookback: int
    step: int

    @property
    def range_seconds(self) -> int:
        """How far back a reader selects rollups."""
        return self.lookback - self.step // 2


class Resolutions(Struct, frozen=True):
    """Every lookback of an SLO, from the shortest to the window."""

    entries: tuple[Resolution, ...]

    def for_lookback(self, lookback: int) -> Resolution:
        return next(rung for rung in self.entries if rung.lookback == lookback)

    def with_step(self, step: int) -> tuple[Resolution, ...]:
        return tuple(rung for rung in self.entries if rung.step == step)


def build_resolutions(policy: Iterable[PolicyRow], window: int) -> Resolutions:
    """Fine rollups for what a page looks at, coarse ones for everything else.

    Five minutes are always there, for the current burn rate.
    """
    paged = {
        lookback for row in policy if row.severity is Severity.PAGE for lookback in (row.long, row.short)
    }
    rest = {lookback for row in policy for lookback in (row.long, row.short)} | {window}
    fine = {lookback for lookback in paged if lookback <= MAX_FINE_LOOKBACK} | {COARSE_STEP}
    fine |= {lookback for lookback in rest if lookback % COARSE_STEP or lookback <= 2 * COARSE_STEP}
    return Resolutions(
        tuple(
            Resolution(lookback, FINE_STEP if lookback in fine else COARSE_STEP)
            for lookback in sorted(fine | paged | rest)
        )
    )


class EventCounts(Struct, frozen=True):
    """Events of some stretch of time; estimates, so not whole numbers."""

    error: float
    total: float

    @property
    def error_ratio(self) -> float | None:
        """None where nothing happened: no traffic is neither good nor bad."""
        return self.error / self.total if self.total > 0 else None


class Rollups:
    """Counts per step of the last *reach* seconds, in time order; a step without data is absent, not zero.

    Any lookback is answered in O(log n), from running sums.
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
