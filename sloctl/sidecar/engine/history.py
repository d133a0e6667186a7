"""What one SLO (or one group of it) has counted: a ladder of steps that widen with age.

| steps of | hold what is younger than | serve the old edge of lookbacks up to |
|---|---|---|
| the tick (a divisor of a minute) | 10 minutes | 10 minutes |
| 1 minute | 6 hours | 6 hours |
| 15 minutes | 3 days | 3 days |
| 2 hours | the window | the window |

An event stands in one step only: as it ages its step is folded, whole, into the wider one. A lookback is
the sum of all steps back to its old edge, rounded to the nearest edge of the steps that lie there. So a sum
is the exact count of a lookback at most half a step longer or shorter than its name: 2.5 s of 5 minutes (at
a tick of 5 s), 30 s of an hour, 7.5 minutes of a day, an hour of 30 days. At a whole minute the lookbacks up
to six hours are exact, as the rules' are; each rounding of a count, of which there are four, is one part in
16 million. What a tick counts stands in the step in which the tick ended. After a restart the newest steps
are minutes: for five minutes the 5m lookback is exact to 30 s.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.sidecar.engine.buckets import EMPTY_SUM, BucketSum, TimeBuckets
from sloctl.slo.resolutions import EventCounts

_STEP_WIDTHS: Final = (MINUTE, 15 * MINUTE, 2 * HOUR)
_STEP_REACHES: Final = (10 * MINUTE, 6 * HOUR, 3 * DAY)
# All steps divide it, so a history moves by whole multiples of it.
WIDEST_STEP: Final = _STEP_WIDTHS[-1]
# Counters carry what happened between two readings; no farther apart, that time counts as seen.
_LONGEST_PAUSE: Final = 5 * MINUTE
# Edges of lookbacks pass edges of steps at half minutes.
_EDGE_EVERY: Final = MINUTE // 2


def tick_step(interval: float) -> int:
    """The widest divisor of a minute that is no wider than the seconds between two ticks, or a second."""
    return max(step for step in range(1, MINUTE + 1) if MINUTE % step == 0 and step <= max(1.0, interval))


class CountHistory:
    """Bounded: 9 KB for a whole month at a tick of 5 s, and little before there is much to hold."""

    __slots__ = (
        "_older",
        "_older_for",
        "_previous",
        "_since",
        "_steps",
        "_window",
        "last",
        "oldest_unsaved_minute",
    )

    def __init__(self, *, step: int, window: int) -> None:
        self._steps = (TimeBuckets(step), *(TimeBuckets(width) for width in _STEP_WIDTHS))
        self._window = window
        self._since: float | None = None
        self._previous: float | None = None
        self._older_for: tuple[float, Sequence[int]] | None = None
        self._older: Sequence[BucketSum] = ()
        self.last: float | None = None
        # The oldest minute that counts were added to since someone last looked; None where none was.
        self.oldest_unsaved_minute: int | None = None

    @property
    def since(self) -> float | None:
        """Since when there are counts; as old as the window at most."""
        if self._since is None or self.last is None:
            return None
        return max(self._since, self.last - self._window)

    def record_counts(self, at: float, counts: EventCounts) -> None:
        """Count what happened up to *at*.

        What comes late is added to the step that holds its time; what is older than the window is dropped.
        """
        if self.last is not None and at <= self.last - self._window:
            return
        seconds = self._seconds(at)
        begins = at - self._steps[0].width
        self._since = begins if self._since is None else min(self._since, begins)
        self._previous = at
        self._advance_to(at)
        self._add_to_bucket(at, BucketSum(seconds, counts.error, counts.total))

    def lookback_sums(self, now: float, lookbacks: Sequence[int]) -> list[BucketSum]:
        """What was counted in each lookback up to *now*, or up to the newest count where that is later.

        *lookbacks* are in seconds, the shortest first.
        """
        now = now if self.last is None else max(now, self.last)
        key = (now // _EDGE_EVERY, lookbacks)
        if self._older_for != key:
            self._older = self._sums_before_ticks(now, lookbacks)
            self._older_for = key
        ticks = self._steps[0]
        begin = ticks.begin if ticks else now
        live = ticks.sum_all()
        return [
            ticks.sum_since(now - lookback) if now - lookback >= begin else add_sums(live, older)
            for lookback, older in zip(lookbacks, self._older, strict=True)
        ]

    def merge_newer(self, newer: "CountHistory") -> None:
        """Take in what another history of the same events has counted."""
        if newer.last is None or newer._since is None:  # noqa: SLF001 - another of this class
            return
        self._since = newer._since if self._since is None else min(self._since, newer._since)  # noqa: SLF001
        self._advance_to(newer.last)
        for steps in reversed(newer._steps):  # noqa: SLF001
            for number, seen in steps.filled_buckets():
                self._add_to_bucket(number * steps.width, seen)

    def move_back(self, seconds: int) -> None:
        """All of it happened so much earlier; a multiple of WIDEST."""
        for steps in self._steps:
            steps.first -= seconds // steps.width
        self._since = None if self._since is None else self._since - seconds
        self.last = None if self.last is None else self.last - seconds
        self._previous = None
        self._older_for = None
        self.oldest_unsaved_minute = 0

    def minutes_after(self, minute: int) -> list[tuple[int, BucketSum]]:
        """The minutes with a higher number, as the ticks and the one-minute steps hold them."""
        ticks, minutes = self._steps[0], self._steps[1]
        held = [steps for steps in (ticks, minutes) if steps]
        if not held:
            return []
        oldest = max(minute + 1, min(steps.begin for steps in held) // MINUTE + 1)
        newest = -(-max(steps.end for steps in held) // MINUTE)
        per_minute = MINUTE // ticks.width
        found = (
            (
                number,
                add_sums(
                    minutes.sum_between(number, number),
                    ticks.sum_between((number - 1) * per_minute + 1, number * per_minute),
                ),
            )
            for number in range(oldest, newest + 1)
        )
        return [(number, seen) for number, seen in found if seen.seconds]

    @property
    def base_minute(self) -> int:
        """The newest minute in the steps that `packed` packs; 0 where there are none."""
        return max((steps.end // MINUTE for steps in self._steps[1:] if steps), default=0)

    def buckets_after(self, after: float) -> Iterator[tuple[float, float, BucketSum]]:
        """Begin, end and counts of every step with data that ends later than *after*, the oldest first."""
        for steps in reversed(self._steps):
            if steps.end > after:
                for number, seen in steps.filled_buckets():
                    if (end := number * steps.width) > after:
                        yield end - steps.width, end, seen

    def pack_base(self) -> bytes:
        """All but the ticks."""
        return b"".join(steps.pack_buckets() for steps in self._steps[1:])

    def unpack_history(
        self, packed: bytes, minutes: Sequence[tuple[int, BucketSum]], *, since: float, last: float
    ) -> None:
        """Hold what was `packed`, and the *minutes* after it; raises struct.error."""
        offset = 0
        for steps in self._steps[1:]:
            offset = steps.unpack_buckets(packed, offset)
        for number, seen in minutes:
            self._steps[1].add_sum(number, seen)
        self._since, self.last = since, last
        self._fold_old_buckets(last)

    def _seconds(self, at: float) -> int:
        pause = at - self._previous if self._previous is not None else 0.0
        return max(1, round(pause if 0 < pause <= _LONGEST_PAUSE else self._steps[0].width))

    def _advance_to(self, at: float) -> None:
        """Time is at least *at* now."""
        if self.last is None or at // MINUTE > self.last // MINUTE:
            self._fold_old_buckets(at)
        self.last = at if self.last is None else max(self.last, at)

    def _fold_old_buckets(self, last: float) -> None:
        self._older_for = None
        for finer, coarser, reach in zip(self._steps, self._steps[1:], _STEP_REACHES, strict=False):
            while finer and (end := _end_around(finer, coarser.width)) <= last - reach:
                coarser.add_sum(end // coarser.width, finer.remove_before(end // finer.width + 1))
        for steps in self._steps:
            steps.remove_before(int((last - self._window) // steps.width) + 1)

    def _add_to_bucket(self, at: float, seen: BucketSum) -> None:
        ticks = self._steps[0]
        steps = ticks if ticks and at > ticks.begin else self._buckets_holding(at)
        if steps is not ticks:
            self._older_for = None
        steps.add_sum(steps.bucket_number(at), seen)
        minute = int(-(-at // MINUTE))
        self.oldest_unsaved_minute = (
            minute if self.oldest_unsaved_minute is None else min(self.oldest_unsaved_minute, minute)
        )

    def _buckets_holding(self, at: float) -> TimeBuckets:
        """The finest steps that reach back to *at*; wider ones never hold what is newer than finer ones."""
        age = (self.last or at) - at
        for place, (steps, reach) in enumerate(zip(self._steps, _STEP_REACHES, strict=False)):
            if steps and at > steps.begin:
                return steps
            wider = (other.end for other in self._steps[place + 1 :] if other)
            if age < reach and (steps.bucket_number(at) - 1) * steps.width >= max(wider, default=0):
                return steps
        return self._steps[-1]

    def _sums_before_ticks(self, now: float, lookbacks: Sequence[int]) -> list[BucketSum]:
        """Every step is summed once: a longer lookback is a shorter one and what lies behind it."""
        rungs = [steps for steps in self._steps[1:] if steps]
        ends = [len(steps) for steps in rungs]
        sums: list[BucketSum] = []
        total, rung = EMPTY_SUM, 0
        for lookback in lookbacks:
            cut = now - lookback
            while rung < len(rungs) and cut < rungs[rung].begin:
                total = add_sums(total, rungs[rung].sum_slice(0, ends[rung]))
                rung += 1
            if rung < len(rungs) and (place := rungs[rung].first_index_after(cut)) < ends[rung]:
                total = add_sums(total, rungs[rung].sum_slice(place, ends[rung]))
                ends[rung] = place
            sums.append(total)
        return sums


def _end_around(steps: TimeBuckets, width: int) -> int:
    """Where the wider step ends that holds the oldest of *steps*."""
    return -(-steps.first * steps.width // width) * width


def add_sums(one: BucketSum, other: BucketSum) -> BucketSum:
    return BucketSum(one.seconds + other.seconds, one.error + other.error, one.total + other.total)
