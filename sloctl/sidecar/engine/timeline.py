"""The timeline of one SLO over a range of time: points for charts, and when its alerts fired.

Law: a chart shows what the history holds. Buckets are merged into points, never split, so that an old range
has fewer points than a young one; where there are no data there is no point.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import inf
from typing import Final

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import Severity
from sloctl.sidecar.engine.evaluation import LookbackBurn, evaluate_alerts, evaluate_burns
from sloctl.sidecar.engine.running_sums import RunningSums, TimedBucket
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.engine.tracker import SloTracker
from sloctl.slo.burn import burn_rate, covered_share
from sloctl.slo.health import AlertState
from sloctl.slo.resolutions import EventCounts

MAX_POINTS: Final = 96
# Seconds without a bucket that an alert goes on over.
_LONGEST_PAUSE: Final = 5 * MINUTE
# Seconds a point may last, so that its edges are edges of buckets.
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
    """The counts from *begin* to *end*, Unix seconds, of which *covered_seconds* were watched.

    *budget_left* is what the errors up to *end* have left of the budget of the window that ends now; before
    the running period of a calendar it is of another budget, and None.
    """

    begin: float
    end: float
    counts: EventCounts
    covered_seconds: int
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

    In *firing* tickets come before pages.
    """

    begin: float
    end: float
    points: tuple[TimelinePoint, ...]
    firing: tuple[FiringPeriod, ...] = ()


def build_timeline(
    tracker: SloTracker, window_burn: LookbackBurn, *, begin: float, end: float
) -> SloTimeline:
    """Build the timeline of a range; *window_burn* is the burn of the whole window, where the budget ends.

    Alerts are evaluated anew at the end of each point; where buckets are wider than a lookback, they stand in
    for it.
    """
    plan = tracker.plan
    buckets = [TimedBucket(*each) for each in tracker.buckets_after(begin - max(plan.lookbacks, default=0))]
    points = _merge_points(tracker, buckets, window_burn, begin=begin, end=end)
    return SloTimeline(begin, end, points, tuple(_firing_periods(tracker, buckets, points)))


def past_alerts(tracker: SloTracker) -> tuple[FiringPeriod, ...]:
    """Find when alerts fired in all of the history, the newest first; as fine as its buckets.

    Where a bucket's error ratio is above no threshold, and nothing fires, nothing begins to.
    """
    buckets = [TimedBucket(*each) for each in tracker.buckets_after(0.0)]
    limits = [row.error_ratio for _, rows in tracker.plan.thresholds for row in rows]
    if not limits:
        return ()
    spans: list[tuple[float, float, bool]] = []
    for begin, end, seen in buckets:
        # A tick that was missed ends no alert.
        follows = bool(spans) and begin - spans[-1][1] <= _LONGEST_PAUSE
        spans.append((spans[-1][1] if follows else begin, end, seen.error > min(limits) * seen.total))
    found = _firing_between(tracker, buckets, spans)
    return tuple(sorted(found, key=lambda firing: (-firing.begin, firing.severity.value)))


def burn_start(tracker: SloTracker, state: SloState) -> float | None:
    """Find when the newest burn began, Unix seconds; None where nothing burned within the longest lookback.

    A minute burns where its error ratio is above the lowest threshold of what fires, else of what pages, else
    above the budget: within it, from its first bucket that is. Minutes that burn within five minutes of each
    other are one burn.
    """
    firing = {alert.severity for alert in state.alerts if alert.state is AlertState.FIRING}
    wanted = firing or {Severity.PAGE}
    rows = [row for severity, some in tracker.plan.thresholds if severity in wanted for row in some]
    limit = min((row.error_ratio for row in rows), default=tracker.plan.budget)
    reach = max((row.policy_row.long for row in rows), default=DAY)
    buckets = [TimedBucket(*each) for each in tracker.buckets_after((tracker.last or 0.0) - reach)]
    start: float | None = None
    for _, minute in groupby(reversed(buckets), key=lambda each: -(-each.end // MINUTE)):
        together = list(minute)
        if start is not None and start - together[0].end > _LONGEST_PAUSE:
            break
        if sum(each.seen.error for each in together) > limit * sum(each.seen.total for each in together):
            start = min(each.begin for each in together if each.seen.error > limit * each.seen.total)
    return start


def recent_burn_rates(tracker: SloTracker, *, end: float, width: int, points: int) -> list[float | None]:
    """Give burn rates of *points* times *width* seconds, the oldest first; None where nothing happened."""
    begin = end - points * width
    errors, totals = [0.0] * points, [0.0] * points
    for _, ended, seen in tracker.buckets_after(begin):
        index = min(points - 1, int((ended - begin - 1) // width))
        errors[index] += seen.error
        totals[index] += seen.total
    counts = [EventCounts(max(0.0, error), total) for error, total in zip(errors, totals, strict=True)]
    return [burn_rate(tracker.plan.budget, each.error_ratio) for each in counts]


def _merge_points(
    tracker: SloTracker,
    buckets: Sequence[TimedBucket],
    window_burn: LookbackBurn,
    *,
    begin: float,
    end: float,
) -> tuple[TimelinePoint, ...]:
    plan = tracker.plan
    width = next((width for width in _POINT_WIDTHS if (end - begin) / width <= MAX_POINTS), DAY)
    shown = [each for each in buckets if each.end > begin and each.begin < end]
    errors_after = sum(each.seen.error for each in buckets if each.begin >= end)
    period = plan.period_at(tracker.last or end)
    span = plan.window if period is None else period.seconds
    covered = covered_share(tracker.covered_since(-inf if period is None else period.start), span)
    whole = window_burn.counts if window_burn.error_ratio is not None else None
    window_start = -inf if period is None else period.start
    newest_first: list[TimelinePoint] = []
    for _, some in groupby(reversed(shown), key=lambda each: -(-each.end // width)):
        together = list(some)
        errors = max(0.0, sum(each.seen.error for each in together))
        counts = EventCounts(errors, sum(each.seen.total for each in together))
        newest_first.append(
            TimelinePoint(
                begin=together[-1].begin,
                end=together[0].end,
                counts=counts,
                covered_seconds=sum(each.seen.seconds for each in together),
                burn_rate=burn_rate(plan.budget, counts.error_ratio),
                budget_left=None
                if whole is None or together[0].end <= window_start
                else 1 - (whole.error - errors_after) / (whole.total * plan.budget) * covered,
            )
        )
        errors_after += errors
    return tuple(reversed(newest_first))


def _firing_periods(
    tracker: SloTracker, buckets: Sequence[TimedBucket], points: Sequence[TimelinePoint]
) -> Iterator[FiringPeriod]:
    """Join the points at whose end an alert fires, where one follows the other without a gap."""
    ends = [(point.begin, point.end, point.counts.error > 0) for point in points]
    yield from _firing_between(tracker, buckets, ends)


def _firing_between(
    tracker: SloTracker, buckets: Sequence[TimedBucket], spans: Iterable[tuple[float, float, bool]]
) -> Iterator[FiringPeriod]:
    """Join the spans (begin, end, whether an alert may begin) at whose end an alert fires."""
    plan, uncovered = tracker.plan, (tracker.last or 0.0) - tracker.covered_seconds
    sums = RunningSums(buckets)
    firing: dict[Severity, list[FiringPeriod]] = {Severity.TICKET: [], Severity.PAGE: []}
    for begin, end, may_begin in spans:
        if not may_begin and all(not periods or periods[-1].end != begin for periods in firing.values()):
            continue
        burns = evaluate_burns(plan, sums.lookback_sums(end, plan.lookbacks))
        for alert in evaluate_alerts(plan, burns, max(0.0, end - uncovered)):
            if alert.state is AlertState.FIRING:
                periods = firing[alert.severity]
                joined = periods and begin <= periods[-1].end
                since = periods.pop().begin if joined else begin
                periods.append(FiringPeriod(alert.severity, since, end))
    for periods in firing.values():
        yield from periods
