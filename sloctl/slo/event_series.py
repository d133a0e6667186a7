"""Event counts of one budget step by step, from which any lookback is summed at every step at once.

Whole columns are summed by `itertools` and `operator`, a lookback of a month of minutes in some milliseconds.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, repeat
from math import isfinite
from operator import sub
from typing import Final, Self

from sloctl.slo.resolutions import EventCounts

# The error ratio of a lookback without events: above no threshold, and never a share of anything.
NO_RATIO: Final = -1.0
# Counts are summed as whole numbers of this part of an event, so that sums of any length are exact: what adds
# up to nothing is 0, and no error grows from month to month.
_UNITS: Final = 2**40


class EventSeries:
    """Event counts from *start* on, Unix seconds, one pair for each *step* (seconds); some may be missing.

    Index 0 is the step that ends at start + step. What is missing counts as no events, and is remembered.
    """

    def __init__(
        self, start: int, step: int, *, events: Sequence[float | None], errors: Sequence[float | None]
    ) -> None:
        """Take one entry for each step, None where nothing is known; errors there count as none."""
        self.start = start
        self.step = step
        self.known = bytes(total is not None for total in events)
        self._events = _running_sums(events)
        self._errors = _running_sums(errors)
        self._ratios: dict[tuple[int, int, int], list[float]] = {}
        self._covered: dict[int, list[int]] = {}

    @classmethod
    def from_points(
        cls, start: int, end: int, *, step: int, events: Mapping[int, float], errors: Mapping[int, float]
    ) -> Self:
        """Take counts by the end of their step; a number that is none is missing."""
        moments = range(start + step, end + 1, step)
        totals = [
            total if (total := events.get(at)) is not None and isfinite(total) else None for at in moments
        ]
        return cls(
            start,
            step,
            events=totals,
            errors=[
                None if total is None else errors.get(at, 0.0)
                for at, total in zip(moments, totals, strict=True)
            ],
        )

    def change_counts(self, change: Callable[[int, EventCounts], EventCounts | None]) -> "EventSeries":
        """Change each known step, by its end and its counts; one that becomes None is missing."""
        changed = [
            change(self.moment_at(index), self.counts_between(index, index + 1)) if is_known else None
            for index, is_known in enumerate(self.known)
        ]
        return EventSeries(
            self.start,
            self.step,
            events=[None if each is None else each.total for each in changed],
            errors=[None if each is None else each.error for each in changed],
        )

    def __len__(self) -> int:
        return len(self.known)

    @property
    def end(self) -> int:
        """The end of the last step, Unix seconds."""
        return self.start + len(self) * self.step

    def moment_at(self, index: int) -> int:
        """Return the Unix second at which a step ends."""
        return self.start + (index + 1) * self.step

    def first_turn(self, interval: int) -> int:
        """Return the index of the first step that ends at a multiple of *interval* seconds."""
        return (-(self.start + self.step) % interval) // self.step

    def counts_between(self, first: int, end: int) -> EventCounts:
        """Sum the steps from index *first* up to and without *end*."""
        first, end = max(first, 0), max(end, 0)
        return EventCounts(
            (self._errors[end] - self._errors[first]) / _UNITS,
            (self._events[end] - self._events[first]) / _UNITS,
        )

    def counts_at(self, index: int, lookback: int) -> EventCounts:
        """Sum the lookback that ends with the step at *index*."""
        return self.counts_between(index + 1 - lookback // self.step, index + 1)

    def error_ratios(self, lookback: int, *, first: int = 0, every: int = 1) -> list[float]:
        """Return, for each *every*th step from index *first* on, errors per event of the lookback up to it.

        NO_RATIO stands where the lookback holds no events.
        """
        key = (lookback, first, every)
        if key not in self._ratios:
            columns = (self._lookback_sums(sums, key) for sums in (self._errors, self._events))
            self._ratios[key] = [
                error / total if total else NO_RATIO for error, total in zip(*columns, strict=True)
            ]
        return self._ratios[key]

    def covered_seconds(self, window: int) -> list[int]:
        """Return, for every step, how long ago the first data within the window began.

        As the rules' record of their first rollup: holes are covered, until one is as long as the window.
        """
        if window not in self._covered:
            self._covered[window] = list(self._watch_coverage(window))
        return self._covered[window]

    def _watch_coverage(self, window: int) -> Iterator[int]:
        began, last = None, None
        step, at = self.step, self.start
        for is_known in self.known:
            if is_known:
                if began is None or last is None or at - last >= window:
                    began = at
                last = at + step
            at += step
            yield 0 if began is None or last is None or at - last >= window else at - began

    def _lookback_sums(self, sums: Sequence[int], key: tuple[int, int, int]) -> Iterator[int]:
        lookback, first, every = key
        ends = range(first + 1, len(sums), every)
        steps = lookback // self.step
        # Where the lookback reaches back before the series, it begins with the series.
        short = len(range(first + 1, min(steps, len(sums)), every))
        begins = range(first + 1 + short * every - steps, len(sums) - steps, every)
        return map(
            sub,
            sums[ends.start : ends.stop : every],
            chain(repeat(0, short), sums[begins.start : max(begins.stop, 0) : every]),
        )


def _running_sums(counts: Iterable[float | None]) -> list[int]:
    return list(accumulate((round(count * _UNITS) if count else 0 for count in counts), initial=0))
