"""What really happened: error and total events of every second of the month."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

from bench.rules.profile import END, START
from sloctl.model import PolicyRow
from sloctl.slo.policy import alert_threshold
from sloctl.slo.resolutions import EventCounts


class Tally:
    """Events as they are made, spread evenly over the seconds between two scrapes."""

    def __init__(self) -> None:
        self._errors = array("d", bytes(8 * (END - START + 1)))
        self._total = array("d", bytes(8 * (END - START + 1)))

    def add(self, start: int, end: int, counts: EventCounts) -> None:
        """*counts* happened from *start* to *end*, Unix time."""
        if end > start:
            self._add(self._errors, start, end, counts.error / (end - start))
            self._add(self._total, start, end, counts.total / (end - start))

    def truth(self) -> "Truth":
        return Truth(_summed(self._errors), _summed(self._total))

    @staticmethod
    def _add(rates: "array[float]", start: int, end: int, rate: float) -> None:
        rates[start - START] += rate
        rates[end - START] -= rate


@dataclass(frozen=True, slots=True)
class Truth:
    """Events since the start of the month, by second."""

    errors: "array[float]"
    total: "array[float]"

    def counts(self, at: int, lookback: int) -> EventCounts:
        """Events of the *lookback* seconds before *at*, as far as the month reaches back."""
        last, first = at - START, max(at - lookback - START, 0)
        return EventCounts(self.errors[last] - self.errors[first], self.total[last] - self.total[first])

    def ratio(self, at: int, lookback: int) -> float:
        """Errors per event; 0 where nothing happened, for a truth is never unknown."""
        return self.counts(at, lookback).error_ratio or 0.0


def burning(truth: Truth, rows: Sequence[tuple[PolicyRow, float]], at: int) -> bool:
    """Whether an alert is above its threshold in truth, given the rows of a severity with theirs."""
    return any(
        min(truth.ratio(at, row.long), truth.ratio(at, row.short)) > threshold for row, threshold in rows
    )


def thresholds(policy: Iterable[PolicyRow], window: int, budget: Fraction) -> list[tuple[PolicyRow, float]]:
    return [(row, float(alert_threshold(row, window, budget))) for row in policy]


def _summed(rates: "array[float]") -> "array[float]":
    """Running sums of rates: index i holds what happened before second i."""
    return array("d", accumulate(accumulate(rates), initial=0.0))
