"""Points of many senders, as they arrive → how much each series grew.

Its one law: only what is known to have happened is counted, and once. A point sent twice, one that comes
late, or a second sender under the same labels adds nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from fractions import Fraction
from math import isfinite
from typing import Final

from sloctl.decimals import format_number
from sloctl.duration import HOUR, format_duration
from sloctl.sidecar.sources.exposition import Series
from sloctl.sidecar.sources.increases import REMEMBERED, Observed
from sloctl.sidecar.sources.otlp_exponential import Exponential, above
from sloctl.sidecar.sources.otlp_points import Kind, Point

# Of a sender that is silent for so long everything is forgotten.
FORGOTTEN: Final = HOUR
# Starts that differ by less are the same one.
_SAME_START: Final = 1.0


class Unfit(ValueError):
    """A point that is not counted; the message tells its sender why."""


class _Since(Enum):
    """From when on a value has counted what nobody has counted yet."""

    ITS_START = auto()
    THE_POINT_BEFORE = auto()
    NOBODY_KNOWS = auto()


@dataclass(slots=True)
class _Target:
    """Since when, and when last, a sender was heard without an interruption."""

    first: float
    last: float


def observations(metric: str) -> str:
    """The name under which an exponential histogram's observations are counted; no exporter can have it."""
    return f"{metric} (count)"


def slow_observations(metric: str) -> str:
    """As above, of those that took longer than the threshold in the label `le`."""
    return f"{metric} (above)"


class Growth:
    """All times are Unix seconds by our clock; *listening* is since when.

    *thresholds*, in seconds by metric, are what exponential histograms are asked for. What is silent for
    longer than *stale* seconds may have lost something meanwhile. There are *max_series* at most.
    """

    def __init__(
        self,
        thresholds: Mapping[str, tuple[Fraction, ...]],
        *,
        listening: float,
        stale: float,
        max_series: int,
    ) -> None:
        self._thresholds = thresholds
        self._listening = listening
        self._stale = stale
        self._max_series = max_series
        # The newest point of each.
        self._series: dict[Series, Point] = {}
        self._targets: dict[str, _Target] = {}

    def ask_for(self, thresholds: Mapping[str, tuple[Fraction, ...]], now: float) -> None:
        """Other series may come from now on: what of them is new to us is not new to its sender."""
        self._thresholds = thresholds
        self._listening = now
        for target in self._targets.values():
            target.first = now

    def observed(self, point: Point, now: float) -> list[Observed]:
        """What *point* adds; raises Unfit."""
        _refuse_by_time(point, now)
        known = self._known(point)
        if known is not None and point.at <= known.at:
            return _nothing_new(point, known)
        target = self._heard(point, now)
        if point.value is None:
            return []
        if isinstance(point.value, float) and not (isfinite(point.value) and point.value >= 0):
            return [Observed(point.series, None, None)]
        since, newborn = self._since(point, known, now), False
        if since is _Since.NOBODY_KNOWS and known is None and _is_newborn(point, target, self._stale):
            since, newborn = _Since.ITS_START, True
        self._series[point.series] = point
        before = known.value if known is not None and since is _Since.THE_POINT_BEFORE else None
        return [
            Observed(series, value, None if since is _Since.NOBODY_KNOWS else grown, newborn=newborn)
            for series, value, grown in self._counters(point.series, point.value, before)
        ]

    def forget(self, now: float) -> None:
        """Senders that have long been silent."""
        self._targets = {
            name: target for name, target in self._targets.items() if now - target.last <= FORGOTTEN
        }
        self._series = {
            series: point for series, point in self._series.items() if point.target in self._targets
        }

    def _known(self, point: Point) -> Point | None:
        """The newest point of its series."""
        known = self._series.get(point.series)
        if known is None and len(self._series) >= self._max_series:
            raise Unfit(f"there are {self._max_series} series already, and this one is new")
        return known

    def _heard(self, point: Point, now: float) -> _Target:
        target = self._targets.get(point.target)
        if target is None or now - target.last > self._stale:
            target = self._targets[point.target] = _Target(now, now)
        target.last = now
        return target

    def _since(self, point: Point, known: Point | None, now: float) -> _Since:
        if point.kind is Kind.GAUGE:
            return _Since.NOBODY_KNOWS
        if point.kind is Kind.DELTA:
            return _Since.ITS_START
        if known is None or point.at - known.at > REMEMBERED:
            # What began long ago would all count as having happened now.
            started = point.start - max(0.0, point.at - now)
            is_fresh = started > max(self._listening, now - REMEMBERED)
            return _Since.ITS_START if is_fresh else _Since.NOBODY_KNOWS
        if _is_another_start(point, known):
            if point.start < known.at - _SAME_START:
                raise Unfit("two senders use the same labels: give each a service.instance.id of its own")
            return _Since.ITS_START
        return _Since.ITS_START if _fell(known.value, point.value) else _Since.THE_POINT_BEFORE

    def _counters(
        self, series: Series, value: float | Exponential, before: float | Exponential | None
    ) -> Iterator[tuple[Series, float, float]]:
        """Each counter behind *value*, what it shows, and how much it grew since *before*."""
        if isinstance(value, float):
            yield series, value, value - (before if isinstance(before, float) else 0.0)
            return
        last = before if isinstance(before, Exponential) else None
        metric, labels = series
        grown = float(value.count - (last.count if last is not None else 0))
        yield Series(observations(metric), labels), float(value.count), grown
        for threshold in self._thresholds.get(metric, ()):
            slow = Series(
                slow_observations(metric), tuple(sorted((*labels, ("le", format_number(threshold)))))
            )
            yield slow, above(value, None, float(threshold)), above(value, last, float(threshold))


def _refuse_by_time(point: Point, now: float) -> None:
    if not point.at:
        raise Unfit("it has no time")
    if abs(now - point.at) > REMEMBERED:
        raise Unfit(f"its time is more than {format_duration(REMEMBERED)} from ours")


def _nothing_new(point: Point, known: Point) -> list[Observed]:
    """A total says again what is known already; increments that come late are lost, and so it is told."""
    if point.kind is Kind.DELTA and (point.at, point.start) != (known.at, known.start):
        raise Unfit("increments that are no newer than others of the same series")
    return []


def _is_another_start(point: Point, known: Point) -> bool:
    return bool(point.start and known.start) and abs(point.start - known.start) > _SAME_START


def _is_newborn(point: Point, target: _Target, stale: float) -> bool:
    """A series that was never there although its sender is known for a while: it began with what it shows."""
    return point.kind is Kind.CUMULATIVE and target.last - target.first > stale


def _fell(before: float | Exponential | None, value: float | Exponential | None) -> bool:
    match before, value:
        case float(), float():
            return value < before
        case Exponential(), Exponential():
            return value.count < before.count
        case _:
            return True
