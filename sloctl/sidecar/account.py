"""One SLO, or one group of it: its counts, its entry on the board, and what of it the store lacks."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import is_
from typing import Final
from zlib import crc32

from sloctl.duration import MINUTE
from sloctl.model import Severity
from sloctl.rollup import EventCounts
from sloctl.sidecar.board import Entry
from sloctl.sidecar.burning import Burning
from sloctl.sidecar.history import WIDEST, History
from sloctl.sidecar.kept import Bookmark, Kept
from sloctl.sidecar.sources import Group
from sloctl.sidecar.steps import Seen
from sloctl.sidecar.verdict import Alert, Burn, State, Yardstick, alerts, budget, burns

# A history that is ahead of the clock by no more than this waits for the clock.
_CLOCK_SLACK: Final = 10 * MINUTE


class Account:
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

    def __init__(self, measure: Yardstick, group: Group, step: int) -> None:
        self._measure = measure
        self._group = group
        self._step = step
        self._errors = 0.0
        self._most_errors = 0.0
        self._events = 0.0
        self._fires_since: dict[Severity, float] = {}
        self._entry: Entry | None = None
        self._history = History(step=step, window=measure.window)
        self._bookmark = Bookmark(crc32("\n".join((measure.slo.id, *group)).encode()))
        # The tick at which it was last read.
        self.read_at: float | None = None

    @property
    def since(self) -> float | None:
        return self._history.since

    @property
    def last(self) -> float | None:
        return self._history.last

    @property
    def yardstick(self) -> Yardstick:
        return self._measure

    def stretches(self, after: float) -> Iterator[tuple[float, float, Seen]]:
        """Begin, end and counts of every step with data that ends later than *after*, the oldest first."""
        return self._history.stretches(after)

    def add(self, at: float, counts: EventCounts) -> None:
        self._errors += counts.error
        # What is exposed as a counter never falls.
        self._most_errors = max(self._most_errors, self._errors)
        self._events += counts.total
        self._history.add(at, counts)

    def remember(self, at: float, counts: EventCounts) -> None:
        """Count what happened before this process watched: no counter of ours saw it."""
        self._history.add(at, counts)

    def measure_by(self, measure: Yardstick) -> None:
        """The same events, under an SLO that has changed its mind about them."""
        self._measure = measure
        self._entry = None

    def is_forgotten(self, at: float) -> bool:
        """Nothing within the window any more."""
        return self.last is not None and self.last < at - self._measure.window

    def entry(self, at: float, burning: tuple[Burning, ...]) -> Entry:
        self._entry = self._assessed(at, burning)
        return self._entry

    def stale_entry(self, at: float) -> Entry:
        """As it was when it was last read."""
        if self._entry is None:
            self._entry = self._assessed(at if self.last is None else self.last, ())
        if not self._entry.stale:
            self._entry = replace(self._entry, stale=True)
        return self._entry

    def unsaved(self) -> Kept | None:
        """What the store lacks; None for nothing. `saved` or `not_saved` must follow."""
        unsaved = self._bookmark.unsaved(self._history)
        if unsaved is None or self.since is None or self.last is None:
            return None
        return Kept(
            group=self._group,
            since=self.since,
            last=self.last,
            errors=self._most_errors,
            events=self._events,
            firing=dict(self._fires_since),
            settled_minute=unsaved.settled_minute,
            settled=unsaved.settled,
            tail=unsaved.tail,
        )

    def saved(self) -> None:
        self._bookmark.saved()

    def not_saved(self) -> None:
        self._bookmark.not_saved(self._history)

    def unsave(self) -> None:
        """The store has lost all of it."""
        self._bookmark.unsave(self._history)

    def recall(self, kept: Kept, now: float, *, counters: bool) -> float:
        """Go on from what the store holds; gives by how many seconds that was moved back.

        A history that ends more than ten minutes after *now* was written before the clock was stepped back.
        It is moved back as a whole, by whole steps, to end before *now*: nothing is lost, the order stays,
        and its events count that much longer. Raises struct.error.
        """
        stored = kept.history(step=self._step, window=self._measure.window)
        ahead = kept.last - now
        moved = 0.0 if ahead <= _CLOCK_SLACK else -(-ahead // WIDEST) * WIDEST
        if moved:
            stored.move_back(int(moved))
        if self.last is None and not moved:
            self._bookmark.stands_at(kept)
        if self.last is None and counters:
            self._errors = self._most_errors = kept.errors
            self._events = kept.events
        stored.absorb(self._history)
        self._history, self._entry = stored, None
        self._fires_since = {severity: at - moved for severity, at in kept.firing.items()} | self._fires_since
        return moved

    def _assessed(self, at: float, burning: tuple[Burning, ...]) -> Entry:
        before = self._entry
        sums = self._history.sums(at, self._measure.lookbacks)
        burned = burns(self._measure, sums, before.burns if before is not None else ())
        same = before is not None and all(map(is_, burned, before.burns))
        return Entry(
            slo=self._measure.slo,
            group=self._group,
            since=self.since,
            last=self.last,
            stale=False,
            errors=self._most_errors,
            events=self._events,
            burns=burned,
            budget=before.budget if before is not None and same else budget(self._measure, burned),
            alerts=before.alerts if before is not None and same else self._alerts(burned, at),
            burning=burning,
        )

    def _alerts(self, burned: Sequence[Burn], at: float) -> tuple[Alert, ...]:
        return tuple(self._dated(alert, at) for alert in alerts(self._measure, burned))

    def _dated(self, alert: Alert, at: float) -> Alert:
        """With the tick at which it began to fire."""
        if alert.state is State.FIRING:
            return replace(alert, since=self._fires_since.setdefault(alert.severity, at))
        self._fires_since.pop(alert.severity, None)
        return alert
