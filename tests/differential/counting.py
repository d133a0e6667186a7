"""Raw series → events and errors of a minute, written a second time: from DESIGN, not from the rules.

The law of Prometheus: increase() is the difference of the first and the last sample in a range, resets
undone, extrapolated towards the ends of the range: fully to an end that is nearer than 1.1 scrape intervals,
else by half an interval, and never to before a counter (of a histogram: its count) was zero.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from sloctl.slo.resolutions import EventCounts
from tests.differential.scraped import Histogram, Scraped, Value


@dataclass(frozen=True, slots=True)
class Engine:
    """How a version of Prometheus reads ranges: 2 counts a sample on the left edge, 3 does not.

    Near zero, 2 asks first how far back a counter can reach, and 3 first how far back it may be extrapolated.
    """

    closed: bool
    zero_first: bool

    def increase(self, series: Scraped, start: float, end: int) -> float | None:
        """Of a counter."""
        points = [(at, _number(value)) for at, value in series.within(start, end, closed=self.closed)]
        if len(points) < 2:
            return None
        grown = sum(now - before if now >= before else now for (_, before), (_, now) in pairwise(points))
        return grown * self._stretch([at for at, _ in points], start, end, zero=_reach_of(points, grown))

    def native_increase(self, series: Scraped, start: float, end: int) -> Histogram | None:
        points = [(at, _histogram(value)) for at, value in series.within(start, end, closed=self.closed)]
        if len(points) < 2:
            return None
        grown = [_grown(before, now) for (_, before), (_, now) in pairwise(points)]
        fast, slow = sum(it.fast for it in grown), sum(it.slow for it in grown)
        zero = _reach_of([(at, value.fast + value.slow) for at, value in points], fast + slow)
        stretch = self._stretch([at for at, _ in points], start, end, zero=zero)
        return Histogram(fast * stretch, slow * stretch)

    def born(self, series: Scraped, now: int, reach: int) -> float | None:
        """The first value of a series that is there now and was not a minute ago."""
        points = series.within(now - reach, now, closed=self.closed)
        if not points or series.at(now, closed=self.closed) is None:
            return None
        if series.at(now - 60, closed=self.closed) is not None:
            return None
        return min(_number(value) for _, value in points)

    def _stretch(self, times: Sequence[int], start: float, end: int, *, zero: float | None) -> float:
        span = times[-1] - times[0]
        interval = span / (len(times) - 1)
        before = self._towards_start(times[0] - start, interval, zero)
        after = end - times[-1]
        return (span + before + (after if after < 1.1 * interval else interval / 2)) / span

    def _towards_start(self, distance: float, interval: float, zero: float | None) -> float:
        reach = float("inf") if zero is None else zero
        if self.zero_first:
            nearest = min(distance, reach)
            return nearest if nearest < 1.1 * interval else interval / 2
        return min(distance if distance < 1.1 * interval else interval / 2, reach)


@dataclass(frozen=True, slots=True)
class Counting:
    """Counts a minute of *engine* reads, of targets scraped every *scrape_interval* seconds.

    *witnesses* are all series of all targets, whatever their group: they show which target was there when.
    """

    engine: Engine
    scrape_interval: int = 15
    witnesses: Sequence[Scraped] = ()

    @property
    def reach(self) -> int:
        return 60 + self.scrape_interval

    def increases(self, series: Iterable[Scraped], now: int) -> float | None:
        """Of the last minute, or None where no series has two samples."""
        grown = self.raw(series, now, self.reach)
        return None if grown is None else grown * 60 / self.reach

    def raw(self, series: Iterable[Scraped], now: int, reach: float) -> float | None:
        return _total(self.engine.increase(it, now - reach, now) for it in series)

    def looked_at(self, series: Scraped, now: int, span: int) -> Scraped:
        """What looks every five minutes find, from *span* seconds ago to *now*."""
        looks = range(now - span, now + 1, 300)
        found = {at: value for at in looks if (value := self._at(series, at)) is not None}
        return replace(series, times=tuple(found), values=tuple(found.values()))

    def grown(self, series: Iterable[Scraped], now: int, span: int) -> float | None:
        """Increments from look to look."""
        return _total(self._grown(it, now, span) for it in series)

    def grown_with_births(self, series: Iterable[Scraped], now: int, span: int) -> float | None:
        """Increments from look to look; but all of a series born since, at a target that was there before."""
        known = self._targets(now - span)
        return _total(
            self._born_within(it, now, span) if _target(it) in known else self._grown(it, now, span)
            for it in series
        )

    def _born_within(self, series: Scraped, now: int, span: int) -> float | None:
        last = self._at(series, now)
        if last is not None and self._at(series, now - span) is None:
            return _number(last)
        return self._grown(series, now, span)

    def _grown(self, series: Scraped, now: int, span: int) -> float | None:
        # The range begins a millisecond before the first look.
        return self.engine.increase(self.looked_at(series, now, span), now - span - 0.001, now)

    def _targets(self, moment: int) -> set[tuple[str, str]]:
        """Those that were there."""
        return {_target(it) for it in self.witnesses if self._at(it, moment) is not None}

    def _at(self, series: Scraped, moment: int) -> Value | None:
        return series.at(moment, closed=self.engine.closed)

    def births(self, series: Iterable[Scraped], now: int) -> float:
        """First values of series born at a target that was there a minute ago."""
        known = self._targets(now - 60)
        born = (self.engine.born(it, now, self.reach) for it in series if _target(it) in known)
        return _total(born) or 0.0

    def native(self, series: Iterable[Scraped], now: int, reach: float) -> EventCounts | None:
        grown = [
            it for one in series if (it := self.engine.native_increase(one, now - reach, now)) is not None
        ]
        if not grown:
            return None
        fast, slow = sum(it.fast for it in grown), sum(it.slow for it in grown)
        return EventCounts(error=slow, total=fast + slow)


def _total(counts: Iterable[float | None]) -> float | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _target(series: Scraped) -> tuple[str, str]:
    return series.labels["job"], series.labels["instance"]


def _reach_of(points: Sequence[tuple[int, float]], grown: float) -> float | None:
    """Seconds before the first sample at which the counter was zero, at the pace of the range."""
    span = points[-1][0] - points[0][0]
    return span * points[0][1] / grown if grown > 0 else None


def _grown(before: Histogram, now: Histogram) -> Histogram:
    """A histogram that fell anywhere has started over."""
    if now.fast < before.fast or now.slow < before.slow:
        return now
    return Histogram(now.fast - before.fast, now.slow - before.slow)


def _number(value: Value) -> float:
    assert isinstance(value, float)
    return value


def _histogram(value: Value) -> Histogram:
    assert isinstance(value, Histogram)
    return value
