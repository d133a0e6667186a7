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
from sloctl.rollup import EventCounts
from sloctl.sidecar.steps import NOTHING, Seen, Steps

_WIDTHS: Final = (MINUTE, 15 * MINUTE, 2 * HOUR)
_REACHES: Final = (10 * MINUTE, 6 * HOUR, 3 * DAY)
# All steps divide it, so a history moves by whole multiples of it.
WIDEST: Final = _WIDTHS[-1]
# Counters carry what happened between two readings; no farther apart, that time counts as seen.
_LONGEST_PAUSE: Final = 5 * MINUTE
# Edges of lookbacks pass edges of steps at half minutes.
_EDGE_EVERY: Final = MINUTE // 2


def tick_step(interval: float) -> int:
    """The widest divisor of a minute that is no wider than the seconds between two ticks, or a second."""
    return max(step for step in range(1, MINUTE + 1) if MINUTE % step == 0 and step <= max(1.0, interval))


class History:
    """Bounded: 9 KB for a whole month at a tick of 5 s, and little before there is much to hold."""

    __slots__ = ("_older", "_older_for", "_previous", "_since", "_steps", "_window", "last", "touched")

    def __init__(self, *, step: int, window: int) -> None:
        self._steps = (Steps(step), *(Steps(width) for width in _WIDTHS))
        self._window = window
        self._since: float | None = None
        self._previous: float | None = None
        self._older_for: tuple[float, Sequence[int]] | None = None
        self._older: Sequence[Seen] = ()
        self.last: float | None = None
        # The oldest minute that counts were added to since someone last looked; None where none was.
        self.touched: int | None = None

    @property
    def since(self) -> float | None:
        """Since when there are counts; as old as the window at most."""
        if self._since is None or self.last is None:
            return None
        return max(self._since, self.last - self._window)

    def add(self, at: float, counts: EventCounts) -> None:
        """Count what happened up to *at*.

        What comes late is added to the step that holds its time; what is older than the window is dropped.
        """
        if self.last is not None and at <= self.last - self._window:
            return
        seconds = self._seconds(at)
        begins = at - self._steps[0].width
        self._since = begins if self._since is None else min(self._since, begins)
        self._previous = at
        self._advance(at)
        self._put(at, Seen(seconds, counts.error, counts.total))

    def sums(self, now: float, lookbacks: Sequence[int]) -> list[Seen]:
        """What was counted in each lookback up to *now*, or up to the newest count where that is later.

        *lookbacks* are in seconds, the shortest first.
        """
        now = now if self.last is None else max(now, self.last)
        key = (now // _EDGE_EVERY, lookbacks)
        if self._older_for != key:
            self._older = self._behind_ticks(now, lookbacks)
            self._older_for = key
        ticks = self._steps[0]
        begin = ticks.begin if ticks else now
        live = ticks.whole()
        return [
            ticks.since(now - lookback) if now - lookback >= begin else _plus(live, older)
            for lookback, older in zip(lookbacks, self._older, strict=True)
        ]

    def absorb(self, newer: "History") -> None:
        """Take in what another history of the same events has counted."""
        if newer.last is None or newer._since is None:  # noqa: SLF001 - another of this class
            return
        self._since = newer._since if self._since is None else min(self._since, newer._since)  # noqa: SLF001
        self._advance(newer.last)
        for steps in reversed(newer._steps):  # noqa: SLF001
            for number, seen in steps.each():
                self._put(number * steps.width, seen)

    def move_back(self, seconds: int) -> None:
        """All of it happened so much earlier; a multiple of WIDEST."""
        for steps in self._steps:
            steps.first -= seconds // steps.width
        self._since = None if self._since is None else self._since - seconds
        self.last = None if self.last is None else self.last - seconds
        self._previous = None
        self._older_for = None
        self.touched = 0

    def minutes_after(self, minute: int) -> list[tuple[int, Seen]]:
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
                _plus(
                    minutes.between(number, number),
                    ticks.between((number - 1) * per_minute + 1, number * per_minute),
                ),
            )
            for number in range(oldest, newest + 1)
        )
        return [(number, seen) for number, seen in found if seen.seconds]

    @property
    def settled_minute(self) -> int:
        """The newest minute in the steps that `packed` packs; 0 where there are none."""
        return max((steps.end // MINUTE for steps in self._steps[1:] if steps), default=0)

    def stretches(self, after: float) -> Iterator[tuple[float, float, Seen]]:
        """Begin, end and counts of every step with data that ends later than *after*, the oldest first."""
        for steps in reversed(self._steps):
            if steps.end > after:
                for number, seen in steps.each():
                    if (end := number * steps.width) > after:
                        yield end - steps.width, end, seen

    def packed(self) -> bytes:
        """All but the ticks."""
        return b"".join(steps.packed() for steps in self._steps[1:])

    def unpack(
        self, packed: bytes, minutes: Sequence[tuple[int, Seen]], *, since: float, last: float
    ) -> None:
        """Hold what was `packed`, and the *minutes* after it; raises struct.error."""
        offset = 0
        for steps in self._steps[1:]:
            offset = steps.unpack(packed, offset)
        for number, seen in minutes:
            self._steps[1].add(number, seen)
        self._since, self.last = since, last
        self._fold(last)

    def _seconds(self, at: float) -> int:
        pause = at - self._previous if self._previous is not None else 0.0
        return max(1, round(pause if 0 < pause <= _LONGEST_PAUSE else self._steps[0].width))

    def _advance(self, at: float) -> None:
        """Time is at least *at* now."""
        if self.last is None or at // MINUTE > self.last // MINUTE:
            self._fold(at)
        self.last = at if self.last is None else max(self.last, at)

    def _fold(self, last: float) -> None:
        self._older_for = None
        for finer, coarser, reach in zip(self._steps, self._steps[1:], _REACHES, strict=False):
            while finer and (end := _end_around(finer, coarser.width)) <= last - reach:
                coarser.add(end // coarser.width, finer.take(end // finer.width + 1))
        for steps in self._steps:
            steps.take(int((last - self._window) // steps.width) + 1)

    def _put(self, at: float, seen: Seen) -> None:
        ticks = self._steps[0]
        steps = ticks if ticks and at > ticks.begin else self._home(at)
        if steps is not ticks:
            self._older_for = None
        steps.add(steps.number(at), seen)
        minute = int(-(-at // MINUTE))
        self.touched = minute if self.touched is None else min(self.touched, minute)

    def _home(self, at: float) -> Steps:
        """The finest steps that reach back to *at*; wider ones never hold what is newer than finer ones."""
        age = (self.last or at) - at
        for place, (steps, reach) in enumerate(zip(self._steps, _REACHES, strict=False)):
            if steps and at > steps.begin:
                return steps
            wider = (other.end for other in self._steps[place + 1 :] if other)
            if age < reach and (steps.number(at) - 1) * steps.width >= max(wider, default=0):
                return steps
        return self._steps[-1]

    def _behind_ticks(self, now: float, lookbacks: Sequence[int]) -> list[Seen]:
        """Every step is summed once: a longer lookback is a shorter one and what lies behind it."""
        rungs = [steps for steps in self._steps[1:] if steps]
        ends = [len(steps) for steps in rungs]
        sums: list[Seen] = []
        total, rung = NOTHING, 0
        for lookback in lookbacks:
            cut = now - lookback
            while rung < len(rungs) and cut < rungs[rung].begin:
                total = _plus(total, rungs[rung].part(0, ends[rung]))
                rung += 1
            if rung < len(rungs) and (place := rungs[rung].place(cut)) < ends[rung]:
                total = _plus(total, rungs[rung].part(place, ends[rung]))
                ends[rung] = place
            sums.append(total)
        return sums


def _end_around(steps: Steps, width: int) -> int:
    """Where the wider step ends that holds the oldest of *steps*."""
    return -(-steps.first * steps.width // width) * width


def _plus(one: Seen, other: Seen) -> Seen:
    return Seen(one.seconds + other.seconds, one.error + other.error, one.total + other.total)
