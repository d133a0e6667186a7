"""One SLO, or one group of it: its counts, its newest state, and its checkpoints."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf
from operator import is_
from typing import Final
from zlib import crc32

from msgspec import structs

from sloctl.duration import MINUTE
from sloctl.model import Severity
from sloctl.sidecar.engine.buckets import BucketSum
from sloctl.sidecar.engine.checkpoint import Checkpoint, CheckpointCursor
from sloctl.sidecar.engine.contributors import Contributor
from sloctl.sidecar.engine.evaluation import (
    AlertEvaluation,
    BudgetState,
    PendingKey,
    PeriodProgress,
    Recovery,
    SloPlan,
    evaluate_alerts,
    evaluate_budget,
    evaluate_burns,
    hold_back_pending,
    mute_alert,
    mute_unknown,
)
from sloctl.sidecar.engine.excluded import ExcludedCounts, ExclusionState, window_spans
from sloctl.sidecar.engine.history import WIDEST_BUCKET, CountHistory
from sloctl.sidecar.engine.recovery import forecast_recovery
from sloctl.sidecar.engine.running_sums import TimedBucket
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.sources import Group
from sloctl.slo.burn import budget_remaining, covered_share
from sloctl.slo.calendar import PeriodSpan
from sloctl.slo.health import AlertState
from sloctl.slo.resolutions import FINE_STEP, EventCounts
from sloctl.slo.service_hours import active_seconds, counts_within_hours, is_within_hours, next_start

# Seconds into a period of a calendar in which its sum is of ticks.
_EXACT_PERIOD: Final = 10 * MINUTE
_KEPT_FOR: Final = MINUTE // 2
# A history that is ahead of the clock by no more than this waits for the clock.
_CLOCK_TOLERANCE: Final = 10 * MINUTE


class SloTracker:
    """The counts of one SLO or group over its window; *step* is the width of a tick in seconds."""

    __slots__ = (
        "_cursor",
        "_errors",
        "_events",
        "_excluded",
        "_firing_since",
        "_group",
        "_held_since",
        "_highest_errors",
        "_history",
        "_recoveries",
        "_state",
        "_step",
        "_unwatched_seconds",
        "plan",
        "read_at",
    )

    def __init__(self, plan: SloPlan, group: Group, step: int) -> None:
        self.plan = plan
        self._group = group
        self._step = step
        self._errors = 0.0
        self._highest_errors = 0.0
        self._events = 0.0
        self._firing_since: dict[Severity, float] = {}
        self._held_since: dict[PendingKey, float] = {}
        # The minute of each forecast: it is about minutes, and takes half a millisecond.
        self._recoveries: dict[Severity, tuple[int, Recovery | None]] = {}
        self._state: SloState | None = None
        self._history = CountHistory(step=step, window=plan.window)
        self._excluded = self._new_excluded()
        self._cursor = CheckpointCursor(crc32("\n".join((plan.slo.id, *group)).encode()))
        # The tick at which it was last read.
        self.read_at: float | None = None
        # Since the newest counts; they are of an earlier process.
        self._unwatched_seconds = 0.0

    @property
    def since(self) -> float | None:
        return self._history.since

    @property
    def last(self) -> float | None:
        return self._history.last

    @property
    def covered_seconds(self) -> float:
        """How much of the history was watched, up to the longest that the window can be.

        A budget reset is the begin of it.
        """
        return self.covered_since(-inf)

    def covered_since(self, begin: float) -> float:
        """Give how much of the time since *begin* was watched."""
        if self.last is None:
            return 0.0
        return self._covered_of(self._counted_from(begin), self.last - self.plan.window, self.last)

    def buckets_after(self, after: float) -> Iterator[tuple[float, float, BucketSum]]:
        """Give begin, end and counts of every bucket with data that ends later than *after*, oldest first.

        What is excluded is no data.
        """
        if self._excluded is not None:
            return self._excluded.counted_buckets(self._history, after)
        return self._history.buckets_after(after)

    def record_counts(self, at: float, counts: EventCounts) -> None:
        self._errors += counts.error
        # What is exposed as a counter never falls.
        self._highest_errors = max(self._highest_errors, self._errors)
        self._events += counts.total
        counts = counts_within_hours(self.plan.slo, at, counts, step=self._step)
        self._exclude_counts(at, counts, self._step)
        self._history.record_counts(at, counts)
        self._unwatched_seconds = 0.0

    def record_late(self, begin: float, end: float, counts: EventCounts) -> None:
        """Count what was missing between *begin* and *end*."""
        self._errors += counts.error
        self._highest_errors = max(self._highest_errors, self._errors)
        self._events += counts.total
        if not is_within_hours(self.plan.slo.active_hours, begin, end):
            # Nothing tells what of it was outside the hours.
            counts = EventCounts(0.0, 0.0)
        self._exclude_counts(end, counts, end - begin)
        self._history.record_late(begin, end, counts)

    def note_gap(self, begin: float, end: float) -> None:
        """Note that nobody could count between *begin* and *end*."""
        self._history.note_gap(begin, end)

    def backfill_late(self, begin: float, end: float, counts: EventCounts) -> None:
        """Count what was missing between *begin* and *end*, before this process started."""
        counts = self._counted_elsewhere(begin, end, counts)
        self._exclude_counts(end, counts, end - begin)
        self._history.record_late(begin, end, counts)

    def backfill_counts(self, at: float, counts: EventCounts, seconds: float) -> None:
        """Count what happened in *seconds* before this process started: no counter of ours saw it."""
        counts = self._counted_elsewhere(at - seconds, at, counts)
        self._exclude_counts(at, counts, seconds)
        self._history.backfill_counts(at, counts, seconds)

    def replace_plan(self, plan: SloPlan) -> None:
        """Evaluate the same counts by another objective, window, alerting or exclusions from now on."""
        before = self.plan.slo.exclusions
        self.plan = plan
        self._state = None
        if plan.slo.exclusions != before:
            known = self._excluded
            self._excluded = self._new_excluded()
            if self._excluded is not None and self.last is not None:
                self._excluded.take_over(
                    self._history,
                    None if known is None else known.history,
                    () if known is None else known.plain_spans(self.last),
                )

    def is_expired(self, at: float) -> bool:
        """Tell whether there was data once, and none is within the window any more."""
        return self.last is not None and self.last < at - self.plan.window

    def update_state(self, at: float, contributors: tuple[Contributor, ...]) -> SloState:
        self._state = self._evaluate_state(at, contributors)
        return self._state

    def stale_state(self, at: float) -> SloState:
        """Give the state as it was last read, marked stale."""
        if self._state is None:
            self._state = self._evaluate_state(at if self.last is None else self.last, ())
        outside_until = next_start(self.plan.slo.active_hours, at)
        if not self._state.stale or self._state.outside_until != outside_until:
            self._state = replace(self._state, stale=True, outside_until=outside_until)
        if self._excluded is not None and self._state.excluded is not None:
            known = structs.replace(
                self._state.excluded,
                active_spans=self._excluded.active_spans(at),
                quiet_until=self._excluded.quiet_until(at),
            )
            self._state = replace(self._state, excluded=known)
        return self._state

    def take_checkpoint(self) -> Checkpoint | None:
        """Pack what the store lacks, None for nothing; where writing it fails, `mark_unsaved` must follow."""
        packed = self._cursor.pack_changes(self._history)
        if packed is None or self.since is None or self.last is None:
            return None
        return Checkpoint(
            group=self._group,
            since=self.since,
            last=self.last,
            errors=self._highest_errors,
            events=self._events,
            firing=dict(self._firing_since),
            history=packed,
            downtimes=self._history.downtimes,
            excluded=None if self._excluded is None else self._excluded.pack_counts(),
        )

    def mark_unsaved(self) -> None:
        """Put all of it into the next checkpoint: the store lacks it, or may."""
        self._cursor.mark_unsaved(self._history)

    def restore_checkpoint(
        self, checkpoint: Checkpoint, now: float, *, counters: bool, watched_until: float = 0.0
    ) -> float:
        """Go on from what the store holds, and give by how many seconds that was moved back.

        From *watched_until*, or from the newest counts where those are later, to *now* nobody watched.

        A history that ends more than ten minutes after *now* was written before the clock was stepped back.
        It is moved back as a whole, by whole buckets, to end before *now*: nothing is lost, the order stays,
        and its events count that much longer. Raises struct.error.
        """
        stored = checkpoint.restore_history(step=self._step, window=self.plan.window)
        ahead = checkpoint.last - now
        moved = 0.0 if ahead <= _CLOCK_TOLERANCE else -(-ahead // WIDEST_BUCKET) * WIDEST_BUCKET
        if moved:
            stored.move_back(int(moved))
        if self.last is None and not moved:
            self._cursor.resume_from(checkpoint)
        if self.last is None and counters:
            self._errors = self._highest_errors = checkpoint.errors
            self._events = checkpoint.events
        stored.resume_at(watched_until)
        if self.last is None and stored.last is not None:
            self._unwatched_seconds = max(0.0, now - max(stored.last, watched_until))
        stored.merge_newer(self._history)
        self._history, self._state = stored, None
        if self._excluded is not None:
            self._excluded.restore_counts(self._history, None if moved else checkpoint)
        self._firing_since = {
            severity: at - moved for severity, at in checkpoint.firing.items()
        } | self._firing_since
        return moved

    def _evaluate_state(self, at: float, contributors: tuple[Contributor, ...]) -> SloState:
        """Evaluate the lookbacks that end at *at*; where none has changed, alerts and budget are kept."""
        plan, before = self.plan, self._state
        period = plan.period_at(at)
        whole, sums = self._lookback_sums(at, period)
        burns = evaluate_burns(plan, sums, before.burns if before is not None else ())
        waits = any(row.pending for row in plan.slo.alerting.policy)
        active = () if self._excluded is None else self._excluded.active_spans(at)
        before_active = () if before is None or before.excluded is None else before.excluded.active_spans
        outside_until = next_start(plan.slo.active_hours, at)
        same = active == before_active and (before is None or before.outside_until == outside_until)
        if before is not None and not waits and same and all(map(is_, burns, before.burns)):
            alerts, budget = before.alerts, before.budget
        else:
            covered = self.covered_seconds

            def mute(alert: AlertEvaluation) -> AlertEvaluation:
                if outside_until is not None and alert.severity is Severity.PAGE:
                    return mute_alert(alert)
                return alert if outside_until is None and not active else mute_unknown(alert)

            alerts = tuple(
                self._with_recovery(self._with_firing_since(mute(alert), at), at, covered)
                for alert in evaluate_alerts(plan, burns, covered)
            )
            progress = None
            if period is not None:
                watched = self._covered_of(self._counted_from(period.start), period.start, period.end)
                progress = PeriodProgress(period, at, watched)
            budget = evaluate_budget(plan, burns, alerts, covered, progress=progress)
        return SloState(
            slo=plan.slo,
            group=self._group,
            since=self.since,
            last=self.last,
            stale=False,
            errors=self._highest_errors,
            events=self._events,
            burns=burns,
            budget=budget,
            alerts=alerts,
            contributors=contributors,
            unwatched_seconds=self._unwatched_seconds,
            excluded=None
            if self._excluded is None
            else self._exclusion_state(self._excluded, at, whole, budget),
            outside_until=outside_until,
        )

    def _exclusion_state(
        self, excluded: ExcludedCounts, at: float, whole: Sequence[BucketSum], budget: BudgetState
    ) -> ExclusionState:
        """Tell the numbers with what is excluded; a budget reset shortens nothing there."""
        plan, progress = self.plan, budget.progress
        window_burn = evaluate_burns(plan, whole)[-1]
        begin = -inf if progress is None else progress.span.start
        span = (at - plan.window, at) if progress is None else (progress.span.start, progress.span.end)
        covered = covered_share(self._covered_of(begin, *span), budget.window_seconds)
        return ExclusionState(
            spans=window_spans(excluded.spans_around(at), at, plan.window),
            active_spans=excluded.active_spans(at),
            window_burn=window_burn,
            budget_left=budget_remaining(plan.budget, window_burn.error_ratio, covered),
            quiet_until=excluded.quiet_until(at),
        )

    def _counted_from(self, begin: float) -> float:
        """Return *begin*, or the budget reset after it."""
        if self._excluded is None or self.last is None:
            return begin
        return max(begin, self._excluded.reset_at(self.last))

    def _covered_of(self, begin: float, span_begin: float, span_end: float) -> float:
        """Give how much of the time since *begin* was watched, of that from *span_begin* to *span_end*.

        Of a span of which a third lies within the service hours, an hour within them counts as three.
        """
        hours = self.plan.slo.active_hours
        if not hours or self.since is None or self.last is None:
            return self._history.covered_since(begin)
        since, last = max(begin, self.since), self.last
        watched = active_seconds(hours, since, last) - sum(
            active_seconds(hours, max(start, since), min(end, last)) for start, end in self._history.downtimes
        )
        whole = active_seconds(hours, span_begin, span_end)
        return max(0.0, watched) * (span_end - span_begin) / whole if whole else 0.0

    def _counted_elsewhere(self, begin: float, end: float, counts: EventCounts) -> EventCounts:
        """Leave out what others counted wholly outside the hours; at their edges, they did so themselves."""
        hours = self.plan.slo.active_hours
        return counts if not hours or active_seconds(hours, begin, end) > 0 else EventCounts(0.0, 0.0)

    def _new_excluded(self) -> ExcludedCounts | None:
        """Begin to keep what is excluded; nothing is kept for an SLO that has no exclusion."""
        slo = self.plan.slo
        return ExcludedCounts(slo, self._group, step=self._step) if slo.exclusions else None

    def _exclude_counts(self, at: float, counts: EventCounts, seconds: float) -> None:
        if self._excluded is not None:
            self._excluded.record_counts(at, counts, max(seconds, FINE_STEP))

    def _lookback_sums(self, at: float, period: PeriodSpan | None) -> tuple[list[BucketSum], list[BucketSum]]:
        """Sum each lookback of the plan, of all that was counted and without what is excluded.

        The window of a calendar, the last of the lookbacks, is its period so far.
        """
        lookbacks = self.plan.lookbacks
        if period is None:
            return self._sum_both(at, lookbacks)
        now = at if self.last is None else max(at, self.last)
        elapsed = now - period.start
        if elapsed > _EXACT_PERIOD:
            # The history keeps its older sums for half a minute, for the same lookbacks.
            elapsed = now // _KEPT_FOR * _KEPT_FOR - period.start
        others = lookbacks[:-1]
        place = bisect_left(others, elapsed)
        in_order = (*others[:place], int(elapsed), *others[place:])
        whole, counted = (
            [*sums[:place], *sums[place + 1 :], sums[place]] for sums in self._sum_both(at, in_order)
        )
        return whole, counted

    def _sum_both(self, at: float, lookbacks: Sequence[int]) -> tuple[list[BucketSum], list[BucketSum]]:
        whole = self._history.lookback_sums(at, lookbacks)
        if self._excluded is None or self.last is None:
            return whole, whole
        self._excluded.history.advance_to(self.last)
        return whole, self._excluded.subtract_from(whole, max(at, self.last), lookbacks)

    def _with_recovery(self, alert: AlertEvaluation, at: float, covered: float) -> AlertEvaluation:
        """Say of an alert that fires whether its burn has stopped, and when it clears."""
        limits = [
            threshold.error_ratio
            for severity, thresholds in self.plan.thresholds
            for threshold, row in zip(thresholds, alert.rows, strict=False)
            if severity is alert.severity and row.state is AlertState.FIRING
        ]
        newest = self._history.newest_sum(at, MINUTE)
        # In the middle of an outage this is asked at each tick of every SLO.
        if not limits or newest.error > min(limits) * newest.total:
            self._recoveries.pop(alert.severity, None)
            return alert
        minute = int(at // MINUTE)
        known_minute, recovery = self._recoveries.get(alert.severity, (None, None))
        if known_minute != minute:
            longest = max(max(row.policy_row.long, row.policy_row.short) for row in alert.rows)
            buckets = [TimedBucket(*each) for each in self.buckets_after(at - longest)]
            recovery = forecast_recovery(
                self.plan,
                alert.severity,
                buckets,
                now=at,
                covered_seconds=covered,
                threshold=min(limits),
            )
            # What burned within the minute may have stopped at the next tick.
            if recovery is not None:
                self._recoveries[alert.severity] = minute, recovery
        return replace(alert, recovery=recovery)

    def _with_firing_since(self, alert: AlertEvaluation, at: float) -> AlertEvaluation:
        if any(row.policy_row.pending for row in alert.rows):
            known = replace(alert, since=self._firing_since.get(alert.severity))
            alert = replace(hold_back_pending(known, self._held_since, at), since=None)
        if alert.state is AlertState.FIRING:
            return replace(alert, since=self._firing_since.setdefault(alert.severity, at))
        self._firing_since.pop(alert.severity, None)
        return alert
