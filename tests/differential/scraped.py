"""What Prometheus holds of one series after scraping it: values, stale markers, and nothing at all."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

# Seconds between two columns of promtool's notation: phases of targets differ by whole ticks.
TICK: Final = 5
LOOKBACK: Final = 300

Point: TypeAlias = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Histogram:
    """A native histogram of two buckets, (1, 2] and (2, 4]."""

    fast: float
    slow: float


Value: TypeAlias = float | Histogram


@dataclass(frozen=True, slots=True)
class Scraped:
    """*times* are seconds; a value of None is a stale marker."""

    metric: str
    labels: Mapping[str, str]
    times: tuple[int, ...]
    values: tuple[Value | None, ...]

    @property
    def series(self) -> str:
        """As PromQL writes it."""
        labels = ", ".join(f'{name}="{value}"' for name, value in self.labels.items())
        return f"{self.metric}{{{labels}}}"

    def within(self, start: float, end: int, *, closed: bool) -> list[tuple[int, Value]]:
        """Samples that a range selects; stale markers are none."""
        bisect = bisect_left if closed else bisect_right
        first, last = bisect(self.times, start), bisect_right(self.times, end)
        samples = zip(self.times[first:last], self.values[first:last], strict=True)
        return [(at, value) for at, value in samples if value is not None]

    def newest(self, moment: int, *, closed: bool) -> tuple[int, Value] | None:
        """The sample an instant selector sees; None where there is nothing, or a stale marker was last."""
        last = bisect_right(self.times, moment) - 1
        if last < 0:
            return None
        age, value = moment - self.times[last], self.values[last]
        is_near = age < LOOKBACK or (closed and age == LOOKBACK)
        return (self.times[last], value) if is_near and value is not None else None

    def at(self, moment: int, *, closed: bool) -> Value | None:
        """The value of that sample."""
        found = self.newest(moment, closed=closed)
        return None if found is None else found[1]

    def notation(self, horizon: int) -> str:
        """In promtool's words, from 0 to *horizon*."""
        return " ".join(self._runs(horizon))

    def _runs(self, horizon: int) -> Iterator[str]:
        column = 0
        for at, value in zip(self.times, self.values, strict=True):
            if at > horizon:
                return
            blanks = at // TICK - column
            if blanks:
                yield f"_x{blanks}"
            yield _token(value)
            column = at // TICK + 1


def _token(value: Value | None) -> str:
    match value:
        case None:
            return "stale"
        case Histogram(fast, slow):
            return f"{{{{schema:0 sum:1 count:{fast + slow:g} offset:1 buckets:[{fast:g} {slow:g}]}}}}"
        case _:
            return repr(value)
