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

from sloctl.duration import HOUR, format_duration
from sloctl.promql import format_number
from sloctl.sidecar.sources.counting.counter_increases import MAX_BASELINE_AGE, SeriesIncrease
from sloctl.sidecar.sources.otlp.exponential_histogram import ExponentialHistogram, count_above
from sloctl.sidecar.sources.otlp.points import OtlpPoint, PointKind
from sloctl.sidecar.sources.scrape.exposition import SeriesId

# Of a sender that is silent for so long everything is forgotten.
FORGET_AFTER: Final = HOUR
# Starts that differ by less are the same one.
_SAME_START: Final = 1.0


class UnusablePoint(ValueError):
    """A point that is not counted; the message tells its sender why."""


class _CountedSince(Enum):
    """From when on a value has counted what nobody has counted yet."""

    SERIES_START = auto()
    PREVIOUS_POINT = auto()
    UNKNOWN = auto()


@dataclass(slots=True)
class _SenderState:
    """Since when, and when last, a sender was heard without an interruption."""

    heard_since: float
    last_heard: float


def observations_metric(metric: str) -> str:
    """The name under which an exponential histogram's observations are counted; no exporter can have it."""
    return f"{metric} (count)"


def slow_observations_metric(metric: str) -> str:
    """As above, of those that took longer than the threshold in the label `le`."""
    return f"{metric} (above)"


class PointIncreases:
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
        self._series: dict[SeriesId, OtlpPoint] = {}
        self._targets: dict[str, _SenderState] = {}

    def replace_thresholds(self, thresholds: Mapping[str, tuple[Fraction, ...]], now: float) -> None:
        """Other series may come from now on: what of them is new to us is not new to its sender."""
        self._thresholds = thresholds
        self._listening = now
        for target in self._targets.values():
            target.heard_since = now

    def increases_of(self, point: OtlpPoint, now: float) -> list[SeriesIncrease]:
        """What *point* adds; raises Unfit."""
        _refuse_by_time(point, now)
        known = self._known(point)
        if known is not None and point.at <= known.at:
            return _nothing_new(point, known)
        target = self._heard(point, now)
        if point.value is None:
            return []
        if isinstance(point.value, float) and not (isfinite(point.value) and point.value >= 0):
            return [SeriesIncrease(point.series, None, None)]
        since, newborn = self._counted_since(point, known, now), False
        if since is _CountedSince.UNKNOWN and known is None and _is_newborn(point, target, self._stale):
            since, newborn = _CountedSince.SERIES_START, True
        self._series[point.series] = point
        before = known.value if known is not None and since is _CountedSince.PREVIOUS_POINT else None
        return [
            SeriesIncrease(
                series, value, None if since is _CountedSince.UNKNOWN else grown, is_new_series=newborn
            )
            for series, value, grown in self._counter_increases(point.series, point.value, before)
        ]

    def forget_silent_senders(self, now: float) -> None:
        """Senders that have long been silent."""
        self._targets = {
            name: target for name, target in self._targets.items() if now - target.last_heard <= FORGET_AFTER
        }
        self._series = {
            series: point for series, point in self._series.items() if point.sender in self._targets
        }

    def _known(self, point: OtlpPoint) -> OtlpPoint | None:
        """The newest point of its series."""
        known = self._series.get(point.series)
        if known is None and len(self._series) >= self._max_series:
            raise UnusablePoint(f"there are {self._max_series} series already, and this one is new")
        return known

    def _heard(self, point: OtlpPoint, now: float) -> _SenderState:
        target = self._targets.get(point.sender)
        if target is None or now - target.last_heard > self._stale:
            target = self._targets[point.sender] = _SenderState(now, now)
        target.last_heard = now
        return target

    def _counted_since(self, point: OtlpPoint, known: OtlpPoint | None, now: float) -> _CountedSince:
        if point.kind is PointKind.GAUGE:
            return _CountedSince.UNKNOWN
        if point.kind is PointKind.DELTA:
            return _CountedSince.SERIES_START
        if known is None or point.at - known.at > MAX_BASELINE_AGE:
            # What began long ago would all count as having happened now.
            started = point.start - max(0.0, point.at - now)
            is_fresh = started > max(self._listening, now - MAX_BASELINE_AGE)
            return _CountedSince.SERIES_START if is_fresh else _CountedSince.UNKNOWN
        if _is_another_start(point, known):
            if point.start < known.at - _SAME_START:
                raise UnusablePoint(
                    "two senders use the same labels: give each a service.instance.id of its own"
                )
            return _CountedSince.SERIES_START
        return (
            _CountedSince.SERIES_START
            if _counter_fell(known.value, point.value)
            else _CountedSince.PREVIOUS_POINT
        )

    def _counter_increases(
        self,
        series: SeriesId,
        value: float | ExponentialHistogram,
        before: float | ExponentialHistogram | None,
    ) -> Iterator[tuple[SeriesId, float, float]]:
        """Each counter behind *value*, what it shows, and how much it grew since *before*."""
        if isinstance(value, float):
            yield series, value, value - (before if isinstance(before, float) else 0.0)
            return
        last = before if isinstance(before, ExponentialHistogram) else None
        metric, labels = series
        grown = float(value.count - (last.count if last is not None else 0))
        yield SeriesId(observations_metric(metric), labels), float(value.count), grown
        for threshold in self._thresholds.get(metric, ()):
            slow = SeriesId(
                slow_observations_metric(metric), tuple(sorted((*labels, ("le", format_number(threshold)))))
            )
            yield slow, count_above(value, None, float(threshold)), count_above(value, last, float(threshold))


def _refuse_by_time(point: OtlpPoint, now: float) -> None:
    if not point.at:
        raise UnusablePoint("it has no time")
    if abs(now - point.at) > MAX_BASELINE_AGE:
        raise UnusablePoint(f"its time is more than {format_duration(MAX_BASELINE_AGE)} from ours")


def _nothing_new(point: OtlpPoint, known: OtlpPoint) -> list[SeriesIncrease]:
    """A total says again what is known already; increments that come late are lost, and so it is told."""
    if point.kind is PointKind.DELTA and (point.at, point.start) != (known.at, known.start):
        raise UnusablePoint("increments that are no newer than others of the same series")
    return []


def _is_another_start(point: OtlpPoint, known: OtlpPoint) -> bool:
    return bool(point.start and known.start) and abs(point.start - known.start) > _SAME_START


def _is_newborn(point: OtlpPoint, target: _SenderState, stale: float) -> bool:
    """A series that was never there although its sender is known for a while: it began with what it shows."""
    return point.kind is PointKind.CUMULATIVE and target.last_heard - target.heard_since > stale


def _counter_fell(
    before: float | ExponentialHistogram | None, value: float | ExponentialHistogram | None
) -> bool:
    match before, value:
        case float(), float():
            return value < before
        case ExponentialHistogram(), ExponentialHistogram():
            return value.count < before.count
        case _:
            return True
