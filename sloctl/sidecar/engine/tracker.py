"""One SLO, or one group of it: its counts, its entry on the board, and what of it the store lacks."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import is_
from typing import Final
from zlib import crc32

from sloctl.duration import MINUTE
from sloctl.model import Severity
from sloctl.sidecar.engine.buckets import BucketSum
from sloctl.sidecar.engine.checkpoint import Checkpoint, CheckpointCursor
from sloctl.sidecar.engine.contributors import Contributor
from sloctl.sidecar.engine.evaluation import (
    AlertEvaluation,
    LookbackBurn,
    SloPlan,
    evaluate_alerts,
    evaluate_budget,
    evaluate_burns,
)
from sloctl.sidecar.engine.history import WIDEST_STEP, CountHistory
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.sources import Group
from sloctl.slo.health import AlertState
from sloctl.slo.resolutions import EventCounts

# A history that is ahead of the clock by no more than this waits for the clock.
_CLOCK_TOLERANCE: Final = 10 * MINUTE


class SloTracker:
    """*step* is the width of a tick in seconds."""

    __slots__ = (
        "_bookmark",
        "_entry",
        "_errors",
        "_events",
        "_fires_since",
        "_group",
        "_history",
        "_measure",
        "_most_errors",
        "_step",
        "read_at",
    )

    def __init__(self, measure: SloPlan, group: Group, step: int) -> None:
        self._measure = measure
        self._group = group
        self._step = step
        self._errors = 0.0
        self._most_errors = 0.0
        self._events = 0.0
        self._fires_since: dict[Severity, float] = {}
        self._entry: SloState | None = None
        self._history = CountHistory(step=step, window=measure.window)
        self._bookmark = CheckpointCursor(crc32("\n".join((measure.slo.id, *group)).encode()))
        # The tick at which it was last read.
        self.read_at: float | None = None

    @property
    def since(self) -> float | None:
        return self._history.since

    @property
    def last(self) -> float | None:
        return self._history.last

    @property
    def plan(self) -> SloPlan:
        return self._measure

    def buckets_after(self, after: float) -> Iterator[tuple[float, float, BucketSum]]:
        """Begin, end and counts of every step with data that ends later than *after*, the oldest first."""
        return self._history.buckets_after(after)

    def record_counts(self, at: float, counts: EventCounts) -> None:
        self._errors += counts.error
        # What is exposed as a counter never falls.
        self._most_errors = max(self._most_errors, self._errors)
        self._events += counts.total
        self._history.record_counts(at, counts)

    def backfill_counts(self, at: float, counts: EventCounts) -> None:
        """Count what happened before this process watched: no counter of ours saw it."""
        self._history.record_counts(at, counts)

    def replace_plan(self, measure: SloPlan) -> None:
        """The same events, under an SLO that has changed its mind about them."""
        self._measure = measure
        self._entry = None

    def is_expired(self, at: float) -> bool:
        """Nothing within the window any more."""
        return self.last is not None and self.last < at - self._measure.window

    def update_state(self, at: float, burning: tuple[Contributor, ...]) -> SloState:
        self._entry = self._evaluate_state(at, burning)
        return self._entry

    def stale_state(self, at: float) -> SloState:
        """As it was when it was last read."""
        if self._entry is None:
            self._entry = self._evaluate_state(at if self.last is None else self.last, ())
        if not self._entry.stale:
            self._entry = replace(self._entry, stale=True)
        return self._entry

    def take_checkpoint(self) -> Checkpoint | None:
        """What the store lacks; None for nothing. `saved` or `not_saved` must follow."""
        unsaved = self._bookmark.pack_changes(self._history)
        if unsaved is None or self.since is None or self.last is None:
            return None
        return Checkpoint(
            group=self._group,
            since=self.since,
            last=self.last,
            errors=self._most_errors,
            events=self._events,
            firing=dict(self._fires_since),
            base_minute=unsaved.base_minute,
            base=unsaved.base,
            delta=unsaved.delta,
        )

    def confirm_checkpoint(self) -> None:
        self._bookmark.confirm_write()

    def reject_checkpoint(self) -> None:
        self._bookmark.reject_write(self._history)

    def mark_unsaved(self) -> None:
        """The store has lost all of it."""
        self._bookmark.mark_unsaved(self._history)

    def restore_checkpoint(self, kept: Checkpoint, now: float, *, counters: bool) -> float:
        """Go on from what the store holds; gives by how many seconds that was moved back.

        A history that ends more than ten minutes after *now* was written before the clock was stepped back.
        It is moved back as a whole, by whole steps, to end before *now*: nothing is lost, the order stays,
        and its events count that much longer. Raises struct.error.
        """
        stored = kept.restore_history(step=self._step, window=self._measure.window)
        ahead = kept.last - now
        moved = 0.0 if ahead <= _CLOCK_TOLERANCE else -(-ahead // WIDEST_STEP) * WIDEST_STEP
        if moved:
            stored.move_back(int(moved))
        if self.last is None and not moved:
            self._bookmark.resume_from(kept)
        if self.last is None and counters:
            self._errors = self._most_errors = kept.errors
            self._events = kept.events
        stored.merge_newer(self._history)
        self._history, self._entry = stored, None
        self._fires_since = {severity: at - moved for severity, at in kept.firing.items()} | self._fires_since
        return moved

    def _evaluate_state(self, at: float, burning: tuple[Contributor, ...]) -> SloState:
        before = self._entry
        sums = self._history.lookback_sums(at, self._measure.lookbacks)
        burned = evaluate_burns(self._measure, sums, before.burns if before is not None else ())
        same = before is not None and all(map(is_, burned, before.burns))
        return SloState(
            slo=self._measure.slo,
            group=self._group,
            since=self.since,
            last=self.last,
            stale=False,
            errors=self._most_errors,
            events=self._events,
            burns=burned,
            budget=before.budget if before is not None and same else evaluate_budget(self._measure, burned),
            alerts=before.alerts if before is not None and same else self._alerts(burned, at),
            contributors=burning,
        )

    def _alerts(self, burned: Sequence[LookbackBurn], at: float) -> tuple[AlertEvaluation, ...]:
        return tuple(self._with_firing_since(alert, at) for alert in evaluate_alerts(self._measure, burned))

    def _with_firing_since(self, alert: AlertEvaluation, at: float) -> AlertEvaluation:
        """With the tick at which it began to fire."""
        if alert.state is AlertState.FIRING:
            return replace(alert, since=self._fires_since.setdefault(alert.severity, at))
        self._fires_since.pop(alert.severity, None)
        return alert
