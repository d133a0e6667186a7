"""What happened to an SLO over a range of time: points for charts, from the history of one account.

Its one law: a chart shows what the history holds. Steps are merged into points, never split, so that an old
range has fewer points than a young one; where nothing was seen there is no point.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final, NamedTuple

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import Severity
from sloctl.sidecar.engine.buckets import BucketSum
from sloctl.sidecar.engine.evaluation import LookbackBurn, SloPlan, evaluate_alerts, evaluate_burns
from sloctl.sidecar.engine.tracker import SloTracker
from sloctl.slo.health import AlertState
from sloctl.slo.resolutions import EventCounts

MAX_POINTS: Final = 96
# Seconds a point may last, so that its edges are edges of steps.
_POINT_WIDTHS: Final = (
    15,
    30,
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    8 * HOUR,
)


@dataclass(frozen=True, slots=True)
class TimelinePoint:
    """What was seen from *begin* to *end* (Unix seconds).

    *budget_left* is what the errors up to *end* have left of the budget of the window that ends now.
    """

    begin: float
    end: float
    counts: EventCounts
    burn_rate: float | None
    budget_left: float | None


@dataclass(frozen=True, slots=True)
class FiringPeriod:
    """From *begin* to *end* an alert fired, as far as the points tell."""

    severity: Severity
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class SloTimeline:
    """One range, and the *points* that touch it; time without a point is time without data.

    Of what was *firing* tickets come before pages.
    """

    begin: float
    end: float
    points: tuple[TimelinePoint, ...]
    firing: tuple[FiringPeriod, ...] = ()


def build_timeline(account: SloTracker, period: LookbackBurn, *, begin: float, end: float) -> SloTimeline:
    """*period* is the burn of the whole window, which the budget's line ends at.

    When alerts fired is decided anew at the end of each point; where steps are wider than a lookback, they
    stand in for it.
    """
    measure = account.plan
    steps = [_TimedBucket(*step) for step in account.buckets_after(begin - max(measure.lookbacks, default=0))]
    points = _merge_points(measure, steps, period, begin=begin, end=end)
    return SloTimeline(begin, end, points, tuple(_firing_periods(measure, steps, points)))


def recent_burn_rates(account: SloTracker, *, end: float, width: int, points: int) -> list[float | None]:
    """Burn rates of *points* times *width* seconds, the oldest first; None where nothing happened."""
    begin = end - points * width
    errors, totals = [0.0] * points, [0.0] * points
    for _, ended, seen in account.buckets_after(begin):
        place = min(points - 1, int((ended - begin - 1) // width))
        errors[place] += seen.error
        totals[place] += seen.total
    budget = account.plan.budget
    return [
        max(0.0, error) / total / budget if total > 0 else None
        for error, total in zip(errors, totals, strict=True)
    ]


class _TimedBucket(NamedTuple):
    begin: float
    end: float
    seen: BucketSum


class _PrefixSums:
    """Sums over any stretch that ends at the end of a step."""

    def __init__(self, steps: Sequence[_TimedBucket]) -> None:
        self._ends = [step.end for step in steps]
        self._widths = [step.end - step.begin for step in steps]
        self._until = [BucketSum(0, 0.0, 0.0)]
        for step in steps:
            before, seen = self._until[-1], step.seen
            self._until.append(
                BucketSum(before.seconds + seen.seconds, before.error + seen.error, before.total + seen.total)
            )

    def lookback_sums(self, at: float, lookbacks: Iterable[int]) -> list[BucketSum]:
        last = bisect_right(self._ends, at)
        width = self._widths[last - 1] if last else 0
        return [self._sum_between(at - max(lookback, width), last) for lookback in lookbacks]

    def _sum_between(self, cut: float, last: int) -> BucketSum:
        first = bisect_right(self._ends, cut)
        # The nearest edge, as the history itself rounds.
        if first < last and cut - (self._ends[first] - self._widths[first]) > self._widths[first] / 2:
            first += 1
        end, begin = self._until[last], self._until[first]
        return BucketSum(end.seconds - begin.seconds, end.error - begin.error, end.total - begin.total)


def _merge_points(
    measure: SloPlan, steps: Sequence[_TimedBucket], period: LookbackBurn, *, begin: float, end: float
) -> tuple[TimelinePoint, ...]:
    width = _width(end - begin)
    shown = [step for step in steps if step.end > begin and step.begin < end]
    after = sum(step.seen.error for step in steps if step.begin >= end)
    merged: list[TimelinePoint] = []
    for _, some in groupby(reversed(shown), key=lambda step: -(-step.end // width)):
        together = list(some)
        errors = max(0.0, sum(step.seen.error for step in together))
        counts = EventCounts(errors, sum(step.seen.total for step in together))
        merged.append(
            TimelinePoint(
                begin=together[-1].begin,
                end=together[0].end,
                counts=counts,
                burn_rate=None if counts.error_ratio is None else counts.error_ratio / measure.budget,
                budget_left=_left(measure, period, after),
            )
        )
        after += errors
    return tuple(reversed(merged))


def _left(measure: SloPlan, period: LookbackBurn, errors_after: float) -> float | None:
    """What was left before the last *errors_after* errors of the window."""
    if period.counts is None or period.error_ratio is None:
        return None
    return 1 - (period.counts.error - errors_after) / (period.counts.total * measure.budget)


def _width(seconds: float) -> int:
    return next((width for width in _POINT_WIDTHS if seconds / width <= MAX_POINTS), DAY)


def _firing_periods(
    measure: SloPlan, steps: Sequence[_TimedBucket], points: Sequence[TimelinePoint]
) -> Iterator[FiringPeriod]:
    sums = _PrefixSums(steps)
    firing: dict[Severity, list[TimelinePoint]] = {}
    for point in points:
        if point.counts.error > 0 or any(run[-1].end == point.begin for run in firing.values()):
            burned = evaluate_burns(measure, sums.lookback_sums(point.end, measure.lookbacks))
            for alert in evaluate_alerts(measure, burned):
                if alert.state is AlertState.FIRING:
                    firing.setdefault(alert.severity, []).append(point)
    for severity in (Severity.TICKET, Severity.PAGE):
        if severity in firing:
            yield from _join_points(severity, firing[severity])


def _join_points(severity: Severity, points: Sequence[TimelinePoint]) -> Iterator[FiringPeriod]:
    begin = points[0].begin
    for before, after in pairwise(points):
        if after.begin > before.end:
            yield FiringPeriod(severity, begin, before.end)
            begin = after.begin
    yield FiringPeriod(severity, begin, points[-1].end)
