"""Raw series → events and errors of a minute, written a second time: from DESIGN, not from the rules.

The law of Prometheus: increase() is the difference of the first and the last sample in a range, resets
undone, extrapolated towards the ends of the range: fully to an end that is nearer than 1.1 scrape intervals,
else by half an interval, and never to before a counter (of a histogram: its count) was zero.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from sloctl.model import IDENTITY_LABELS
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

    *witnesses* are all series of events of all targets, whatever their group: they show who was there when.
    *identity_labels* tell targets apart.
    """

    engine: Engine
    scrape_interval: int = 15
    witnesses: Sequence[Scraped] = ()
    identity_labels: Sequence[str] = IDENTITY_LABELS

    @property
    def reach(self) -> int:
        return 60 + self.scrape_interval

    def increases(self, series: Iterable[Scraped], now: int) -> float | None:
        """Of the last minute, or None where no series has two samples."""
        return _total(self._increase(it, now) for it in series)

    def counted(self, series: Iterable[Scraped], now: int) -> float | None:
        """Of the last minute: of each series its increase, or the first value of one that was born."""
        newest = self._newest_that_went_on(now)
        return _total(self._born(it, now, newest) or self._increase(it, now) for it in series)

    def native(self, series: Iterable[Scraped], now: int, reach: float) -> EventCounts | None:
        grown = [
            it for one in series if (it := self.engine.native_increase(one, now - reach, now)) is not None
        ]
        if not grown:
            return None
        fast, slow = sum(it.fast for it in grown), sum(it.slow for it in grown)
        return EventCounts(error=slow, total=fast + slow)

    def looked_at(self, series: Scraped, now: int, span: int, *, every: int = 600) -> Scraped:
        """What looks at multiples of *every* find, from *span* seconds ago to *now*."""
        looks = range(-(-(now - span) // every) * every, now + 1, every)
        found = {at: value for at in looks if (value := self.at(series, at)) is not None}
        return replace(series, times=tuple(found), values=tuple(found.values()))

    def extrapolated(self, series: Iterable[Scraped], now: int, span: int) -> float | None:
        """Increments from look to look as increase() alone tells them."""
        return _total(
            self.engine.increase(self.looked_at(it, now, span), now - span - 0.001, now) for it in series
        )

    def grown(self, series: Iterable[Scraped], now: int, span: int) -> float | None:
        """Increments from look to look."""
        return _total(self._grown(it, now, span) for it in series)

    def grown_with_births(self, series: Iterable[Scraped], now: int, span: int) -> float | None:
        """Increments from look to look; but all of a series born since, at a target that went on."""
        known = {
            self._target(it)
            for it in self.witnesses
            if self.at(it, now) is not None and self.at(it, now - span) is not None
        }
        return _total(
            self._born_within(it, now, span) if self._target(it) in known else self._grown(it, now, span)
            for it in series
        )

    def at(self, series: Scraped, moment: int) -> Value | None:
        return series.at(moment, closed=self.engine.closed)

    def _increase(self, series: Scraped, now: int) -> float | None:
        grown = self.engine.increase(series, now - self.reach, now)
        return None if grown is None else grown * 60 / self.reach

    def _newest_that_went_on(self, now: int) -> dict[tuple[str, ...], int]:
        """By target: when a series that was there a minute ago was scraped last."""
        newest: dict[tuple[str, ...], int] = {}
        for it in self.witnesses:
            found = it.newest(now, closed=self.engine.closed)
            if found is not None and self.at(it, now - 60) is not None:
                newest[self._target(it)] = max(found[0], newest.get(self._target(it), 0))
        return newest

    def _born(self, series: Scraped, now: int, newest: Mapping[tuple[str, ...], int]) -> float | None:
        found = series.newest(now, closed=self.engine.closed)
        if found is None or any(self.at(series, now - look) is not None for look in (60, 300)):
            return None
        at, value = found
        return _number(value) if at - 1 <= newest.get(self._target(series), -2) else None

    def _born_within(self, series: Scraped, now: int, span: int) -> float | None:
        last = self.at(series, now)
        if last is not None and self.at(series, now - span) is None:
            return _number(last)
        return self._grown(series, now, span)

    def _grown(self, series: Scraped, now: int, span: int) -> float | None:
        """Without what increase() makes up at an end at which the series was not there."""
        # The range begins a millisecond before the first look.
        grown = self.engine.increase(self.looked_at(series, now, span), now - span - 0.001, now)
        looks = 2 * len(self.looked_at(series, now, span, every=1200).times) - 1
        ends = sum(self.at(series, moment) is not None for moment in (now, now - span))
        if grown is None or (ends < 2 and looks < 0):
            return None
        return grown * {2: 1.0, 1: 1 - 0.5 / (looks - 0.5), 0: 1 - 1 / looks}[ends]

    def _target(self, series: Scraped) -> tuple[str, ...]:
        return tuple(series.labels.get(label, "") for label in self.identity_labels)


def _total(counts: Iterable[float | None]) -> float | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


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
