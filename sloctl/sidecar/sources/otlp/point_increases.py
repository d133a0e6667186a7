"""Measure by how much each point of many senders raises its series.

Only increases that are known to have happened are counted, and once: a point sent twice, one that comes late,
or a second sender under the same labels adds nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from fractions import Fraction
from math import isfinite
from typing import Final

from sloctl.duration import HOUR, MINUTE, format_duration
from sloctl.promql import format_number
from sloctl.sidecar.sources.counting.counter_increases import MAX_BASELINE_AGE, SeriesIncrease
from sloctl.sidecar.sources.counting.series import SeriesId
from sloctl.sidecar.sources.otlp.exponential_histogram import ExponentialHistogram, count_above
from sloctl.sidecar.sources.otlp.points import OtlpPoint, PointKind
from sloctl.sidecar.sources.otlp.series_limits import SeriesLimits

# A sender that is silent for so long is forgotten with all its series.
FORGET_AFTER: Final = HOUR
# Starts that differ by less are the same one: a double holds no nanoseconds.
_SAME_START: Final = 0.001
# A start that moves by less belongs to a sender that computes it anew each time, or to a second worker.
_START_DRIFT: Final = 1.0
_SHARED_LABELS: Final = "two senders use the same labels: give each a service.instance.id of its own"


class UnusablePoint(ValueError):
    """A point that is not counted; the message is for its sender."""


class _CountedSince(Enum):
    """The moment since which a value holds events that are not counted yet."""

    SERIES_START = auto()
    PREVIOUS_POINT = auto()
    UNKNOWN = auto()


@dataclass(slots=True)
class _SenderState:
    """The times since when, and when last, a sender was heard without an interruption, and from where."""

    heard_since: float
    last_heard: float
    address: str


def observations_metric(metric: str) -> str:
    """Name the counter of an exponential histogram's observations; no exporter can have such a name."""
    return f"{metric} (count)"


def slow_observations_metric(metric: str) -> str:
    """Name the counter of the observations above the threshold in the label `le`."""
    return f"{metric} (above)"


class PointIncreases:
    """The newest point of each series; all times are Unix seconds by our clock.

    We have listened *listening_since*. *thresholds*, in seconds by metric, are those at which exponential
    histograms are read. A sender that is silent for longer than *stale_seconds* may have lost points. The
    series are bounded by *limits*.
    """

    def __init__(
        self,
        thresholds: Mapping[str, tuple[Fraction, ...]],
        *,
        listening_since: float,
        stale_seconds: float,
        limits: SeriesLimits,
    ) -> None:
        self._thresholds = thresholds
        self._listening_since = listening_since
        self._stale_seconds = stale_seconds
        self._limits = limits
        self._newest: dict[SeriesId, OtlpPoint] = {}
        # By the time of its first point.
        self._seen_since: dict[SeriesId, float] = {}
        # By the time of the first point whose start had moved a little; no older one came back since.
        self._moving_since: dict[SeriesId, float] = {}
        self._senders: dict[str, _SenderState] = {}

    def replace_thresholds(self, thresholds: Mapping[str, tuple[Fraction, ...]], now: float) -> None:
        """Expect other series from now on: one that is new to us is not new to its sender."""
        self._thresholds = thresholds
        self._listening_since = now
        for sender in self._senders.values():
            sender.heard_since = now

    def increases_of(self, point: OtlpPoint, now: float, *, address: str = "") -> list[SeriesIncrease]:
        """Return the increase of each counter behind *point*, which came from *address*.

        Raises UnusablePoint.
        """
        before = self._newest.get(point.series)
        self._check_point(point, before, now)
        if before is not None and point.at <= before.at:
            # The same count again.
            return []
        sender = self._senders.get(point.sender)
        if sender is None:
            # Remembered with its first series only: names are invented at no cost.
            sender = _SenderState(now, now, address)
        elif now - sender.last_heard > self._stale_seconds:
            sender.heard_since = now
        sender.last_heard = now
        if point.value is None:
            return []
        if isinstance(point.value, float) and not (isfinite(point.value) and point.value >= 0):
            return [SeriesIncrease(point.series, None, None)]
        since = self._counted_since(point, before, now)
        # A series that appears although its sender has been heard for a while began with this value.
        is_new = (
            before is None
            and since is _CountedSince.UNKNOWN
            and point.kind is PointKind.CUMULATIVE
            and sender.last_heard - sender.heard_since > self._stale_seconds
        )
        if before is None:
            self._limits.admit_series(point, sender.address)
            self._senders[point.sender] = sender
        self._newest[point.series] = point
        seen_since = self._seen_since.setdefault(point.series, point.at)
        last = before.value if before is not None and since is _CountedSince.PREVIOUS_POINT else None
        is_counted = is_new or since is not _CountedSince.UNKNOWN
        return [
            SeriesIncrease(
                series,
                value,
                increase if is_counted else None,
                is_new_series=is_new,
                is_established=point.at - seen_since >= MINUTE,
            )
            for series, value, increase in self._counter_increases(point.series, point.value, last)
        ]

    def forget_silent_senders(self, now: float) -> None:
        """Forget senders that were not heard for FORGET_AFTER seconds, and their series."""
        self._senders = {
            name: sender for name, sender in self._senders.items() if now - sender.last_heard <= FORGET_AFTER
        }
        self._newest = {
            series: point for series, point in self._newest.items() if point.sender in self._senders
        }
        self._seen_since = {series: self._seen_since[series] for series in self._newest}
        self._moving_since = {
            series: since for series, since in self._moving_since.items() if series in self._newest
        }
        self._limits.recount_series(
            (point, self._senders[point.sender].address) for point in self._newest.values()
        )

    def _check_point(self, point: OtlpPoint, before: OtlpPoint | None, now: float) -> None:
        """Raise UnusablePoint for a point without a time, far from ours, or late."""
        if not point.at:
            raise UnusablePoint("it has no time")
        if abs(now - point.at) > MAX_BASELINE_AGE:
            raise UnusablePoint(f"its time is more than {format_duration(MAX_BASELINE_AGE)} from ours")
        if before is None:
            return
        # Increments that come late are lost; one that is sent again is not.
        is_late = point.at < before.at or (point.at == before.at and point.start != before.start)
        if point.kind is PointKind.DELTA and is_late:
            raise UnusablePoint("increments that are no newer than others of the same series")

    def _counted_since(self, point: OtlpPoint, before: OtlpPoint | None, now: float) -> _CountedSince:
        if point.kind is PointKind.GAUGE:
            return _CountedSince.UNKNOWN
        if point.kind is PointKind.DELTA:
            return _CountedSince.SERIES_START
        if before is None or point.at - before.at > MAX_BASELINE_AGE:
            # A count that began long ago would all count as having happened now.
            started = point.start - max(0.0, point.at - now)
            is_fresh = started > max(self._listening_since, now - MAX_BASELINE_AGE)
            return _CountedSince.SERIES_START if is_fresh else _CountedSince.UNKNOWN
        if point.start and before.start and abs(point.start - before.start) > _SAME_START:
            return self._counted_since_other_start(point, before)
        if not _counter_fell(before.value, point.value):
            return _CountedSince.PREVIOUS_POINT
        if point.start and before.start:
            # Since one start no counter falls: workers that began at the same moment.
            raise UnusablePoint(_SHARED_LABELS)
        return _CountedSince.SERIES_START

    def _counted_since_other_start(self, point: OtlpPoint, before: OtlpPoint) -> _CountedSince:
        """Tell a restart, a second worker, and a start that drifts from each other.

        Of workers all starts come back with each export, and the newest one counts. Until none has come back
        for as long as a sender may be silent, the total at a start that moved a little has no value before.
        """
        moved = point.start - before.start
        clock_error = _START_DRIFT if moved > _START_DRIFT else 0.0
        if point.start > before.at - clock_error and moved > 0:
            return _CountedSince.SERIES_START
        if moved < 0 or moved > _START_DRIFT:
            self._moving_since.pop(point.series, None)
            raise UnusablePoint(_SHARED_LABELS)
        since = self._moving_since.setdefault(point.series, point.at)
        is_drifting = point.at - since > MAX_BASELINE_AGE
        return _CountedSince.PREVIOUS_POINT if is_drifting else _CountedSince.UNKNOWN

    def _counter_increases(
        self,
        series: SeriesId,
        value: float | ExponentialHistogram,
        before: float | ExponentialHistogram | None,
    ) -> Iterator[tuple[SeriesId, float, float]]:
        """Give each counter behind *value*, its own value, and its increase since *before*."""
        if isinstance(value, float):
            yield series, value, value - (before if isinstance(before, float) else 0.0)
            return
        last = before if isinstance(before, ExponentialHistogram) else None
        metric, labels = series
        increase = float(value.count - (last.count if last is not None else 0))
        yield SeriesId(observations_metric(metric), labels), float(value.count), increase
        for threshold in self._thresholds.get(metric, ()):
            slow = SeriesId(
                slow_observations_metric(metric), tuple(sorted((*labels, ("le", format_number(threshold)))))
            )
            yield slow, count_above(value, None, float(threshold)), count_above(value, last, float(threshold))


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
