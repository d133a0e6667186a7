"""The count history of one SLO or group: time buckets that widen with age.

| buckets of | hold what is younger than | serve the old edge of lookbacks up to |
|---|---|---|
| the tick (a divisor of a minute) | 10 minutes | 10 minutes |
| 1 minute | 6 hours | 6 hours |
| 15 minutes | 3 days | 3 days |
| 2 hours | the window | the window |

An event stands in one bucket only: as it ages its bucket is folded, whole, into the wider one. A lookback is
the sum of all buckets back to its old edge, rounded to the nearest edge of the buckets that lie there. So a
sum is the exact count of a lookback at most half a bucket longer or shorter than its name: 2.5 s of 5 minutes
(at a tick of 5 s), 30 s of an hour, 7.5 minutes of a day, an hour of 30 days. At a whole minute the lookbacks
up to six hours are exact, as the rules' are; each rounding of a count, of which there are four, is one part
in 16 million. What a tick counts stands in the bucket in which the tick ended. After a restart the newest
buckets are minutes: for five minutes the 5m lookback is exact to 30 s.
"""

from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Final

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.sidecar.engine.buckets import EMPTY_SUM, BucketSum, TimeBuckets, add_sums
from sloctl.slo.resolutions import EventCounts

_BUCKET_WIDTHS: Final = (MINUTE, 15 * MINUTE, 2 * HOUR)
_BUCKET_REACHES: Final = (10 * MINUTE, 6 * HOUR, 3 * DAY)
# All widths divide it, so a history moves by whole multiples of it.
WIDEST_BUCKET: Final = _BUCKET_WIDTHS[-1]
# Counters carry what happened between two readings; no farther apart, that time counts as seen.
_LONGEST_PAUSE: Final = 5 * MINUTE
# Time without data that is longer than this, at a start, is a downtime of its own.
_SHORTEST_DOWNTIME: Final = 15
# No window is longer; no bucket that is stored is older than its history's newest counts by more.
_LONGEST_STORED: Final = 1000 * DAY
# Of more downtimes the shortest is forgotten.
_MAX_DOWNTIMES: Final = 100
# Edges of lookbacks pass edges of buckets at half minutes.
_EDGE_EVERY: Final = MINUTE // 2


def tick_step(interval: float) -> int:
    """Give the widest divisor of a minute no wider than the seconds between two ticks; at least a second."""
    return max(step for step in range(1, MINUTE + 1) if MINUTE % step == 0 and step <= max(1.0, interval))


class CountHistory:
    """The counts of one window, bounded: at most 9 KB for a month at a tick of 5 s."""

    __slots__ = (
        "_buckets",
        "_downtimes",
        "_older",
        "_older_for",
        "_previous",
        "_resumed_from",
        "_since",
        "_window",
        "last",
        "oldest_unsaved_minute",
    )

    def __init__(self, *, step: int, window: int) -> None:
        self._buckets = (TimeBuckets(step), *(TimeBuckets(width) for width in _BUCKET_WIDTHS))
        self._window = window
        self._since: float | None = None
        self._previous: float | None = None
        # Where the counts of an earlier process end, until those of this one, or of a backfill, follow.
        self._resumed_from: float | None = None
        self._downtimes: tuple[tuple[float, float], ...] = ()
        self._older_for: tuple[float, Sequence[int]] | None = None
        self._older: Sequence[BucketSum] = ()
        self.last: float | None = None
        # The oldest minute that counts were added to since the last checkpoint; None where none was.
        self.oldest_unsaved_minute: int | None = None

    @property
    def since(self) -> float | None:
        """When the oldest counts began, at most a window ago; None without any."""
        if self._since is None or self.last is None:
            return None
        return max(self._since, self.last - self._window)

    @property
    def downtimes(self) -> tuple[tuple[float, float], ...]:
        """The spans (Unix seconds) in which nobody counted, oldest first.

        The process did not run, or what it asks was not there.
        """
        return self._downtimes

    def covered_since(self, begin: float) -> float:
        """Give how much of the time since *begin* was watched: since the oldest counts, without downtimes.

        It is no sum of buckets with data: a service that is asked for an hour a day has nothing to count in
        the others, and its budget is still that of a day.
        """
        if self.since is None or self.last is None:
            return 0.0
        since = max(begin, self.since)
        down = sum(max(0.0, min(end, self.last) - max(start, since)) for start, end in self._downtimes)
        return max(0.0, self.last - since - down)

    def record_counts(self, at: float, counts: EventCounts) -> None:
        """Count what happened up to *at*.

        What comes late is added to the bucket that holds its time; what is older than the window is dropped.
        """
        if self.last is not None and at <= self.last - self._window:
            return
        width = self._buckets[0].width
        if self._resumed_from is not None:
            self._note_downtime(self._resumed_from, at - width)
            self._resumed_from = None
        pause = at - self._previous if self._previous is not None else 0.0
        self._previous = at if self._previous is None else max(at, self._previous)
        self._add_span(at, counts, pause if 0 < pause <= _LONGEST_PAUSE else width)

    def backfill_counts(self, at: float, counts: EventCounts, seconds: float) -> None:
        """Count what happened in the *seconds* up to *at*, as somebody else has seen it."""
        if self.last is not None and at <= self.last - self._window:
            return
        if self._resumed_from is not None and at > self._resumed_from:
            self._resumed_from = None
        self._add_span(at, counts, seconds)

    def record_late(self, begin: float, end: float, counts: EventCounts) -> None:
        """Count what was missing from the time between *begin* and *end*, and fill the gap that it was.

        What is older than all that is known counts with the oldest: it makes no window longer.
        """
        if self.last is None or self._since is None or end <= self.last - self._window:
            return
        late = max(0.0, self._since - begin)
        self._add_to_bucket(
            min(end + late, self.last), BucketSum(max(1, round(end - begin)), counts.error, counts.total)
        )
        self._downtimes = tuple(
            left
            for down_from, down_to in self._downtimes
            for left in ((down_from, min(down_to, begin)), (max(down_from, end), down_to))
            if left[1] - left[0] > _SHORTEST_DOWNTIME
        )

    def note_gap(self, begin: float, end: float) -> None:
        """Note that nobody could count between *begin* and *end*, though the process ran."""
        self._note_downtime(begin, end)

    def lookback_sums(self, now: float, lookbacks: Sequence[int]) -> list[BucketSum]:
        """Sum each lookback up to *now*, or up to the newest count where that is later.

        *lookbacks* are in seconds, the shortest first.
        """
        now = now if self.last is None else max(now, self.last)
        key = (now // _EDGE_EVERY, lookbacks)
        if self._older_for != key:
            self._older = self._sums_before_ticks(now, lookbacks)
            self._older_for = key
        ticks = self._buckets[0]
        begin = ticks.begin if ticks else now
        live = ticks.sum_all()
        return [
            ticks.sum_since(now - lookback) if now - lookback >= begin else add_sums(live, older)
            for lookback, older in zip(lookbacks, self._older, strict=True)
        ]

    def newest_sum(self, now: float, seconds: int) -> BucketSum:
        """Sum the ticks of the *seconds* up to *now*: at most ten minutes."""
        return self._buckets[0].sum_since(now - seconds)

    def advance_to(self, at: float) -> None:
        """Let time pass without a count, so that buckets age as those of another history do."""
        self._advance_to(at)

    def derive_history(
        self,
        derive_sum: Callable[[float, float, BucketSum, BucketSum], BucketSum],
        beside: "CountHistory | None" = None,
    ) -> "CountHistory":
        """Make a history of the same buckets, each with what *derive_sum* gives.

        It takes begin, end and counts of a bucket, and the counts of the same bucket of *beside*.
        """
        derived = CountHistory(step=self._buckets[0].width, window=self._window)
        for level, buckets in enumerate(self._buckets):
            others = None if beside is None else beside._buckets[level]  # noqa: SLF001 - another of this class
            for number, seen in buckets.filled_buckets():
                other = EMPTY_SUM if others is None else others.sum_between(number, number)
                end = number * buckets.width
                result = derive_sum(end - buckets.width, end, seen, other)
                if result != EMPTY_SUM:
                    derived._buckets[level].add_sum(number, result)
        derived._since, derived.last = self._since, self.last
        return derived

    def resume_at(self, watched_until: float) -> None:
        """Take the counts to have been watched until then, or to the newest of them where those are later."""
        if self._resumed_from is not None:
            self._resumed_from = max(self._resumed_from, watched_until)

    def merge_newer(self, newer: "CountHistory") -> None:
        """Add the counts of another history of the same events."""
        if newer.last is None or newer._since is None:  # noqa: SLF001 - another of this class
            return
        if self._resumed_from is not None:
            self._note_downtime(self._resumed_from, newer._since)  # noqa: SLF001
            self._resumed_from = None
        for downtime in newer._downtimes:  # noqa: SLF001
            self._note_downtime(*downtime)
        self._since = newer._since if self._since is None else min(self._since, newer._since)  # noqa: SLF001
        self._previous = newer._previous  # noqa: SLF001
        self._advance_to(newer.last)
        for buckets in reversed(newer._buckets):  # noqa: SLF001
            for number, seen in buckets.filled_buckets():
                self._add_to_bucket(number * buckets.width, seen)

    def move_back(self, seconds: int) -> None:
        """Move all counts back in time, by a multiple of WIDEST_BUCKET."""
        for buckets in self._buckets:
            buckets.first -= seconds // buckets.width
        self._since = None if self._since is None else self._since - seconds
        self.last = None if self.last is None else self.last - seconds
        self._resumed_from = self.last
        self._downtimes = tuple((begin - seconds, end - seconds) for begin, end in self._downtimes)
        self._previous = None
        self._older_for = None
        self.oldest_unsaved_minute = 0

    def minutes_after(self, minute: int) -> list[tuple[int, BucketSum]]:
        """Sum each minute with a higher number, from the ticks and the one-minute buckets."""
        ticks, minutes = self._buckets[0], self._buckets[1]
        held = [buckets for buckets in (ticks, minutes) if buckets]
        if not held:
            return []
        oldest = max(minute + 1, min(buckets.begin for buckets in held) // MINUTE + 1)
        newest = -(-max(buckets.end for buckets in held) // MINUTE)
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
        """The newest minute in the buckets that `pack_base` packs; 0 without any."""
        return max((buckets.end // MINUTE for buckets in self._buckets[1:] if buckets), default=0)

    def buckets_after(self, after: float) -> Iterator[tuple[float, float, BucketSum]]:
        """Give begin, end and counts of every bucket with data that ends later than *after*, oldest first."""
        for buckets in reversed(self._buckets):
            if buckets.end > after:
                for number, seen in buckets.filled_buckets():
                    if (end := number * buckets.width) > after:
                        yield end - buckets.width, end, seen

    def pack_base(self) -> bytes:
        """Pack all buckets but the ticks."""
        return b"".join(buckets.pack_buckets() for buckets in self._buckets[1:])

    def unpack_history(
        self,
        packed: bytes,
        minutes: Sequence[tuple[int, BucketSum]],
        *,
        since: float,
        last: float,
        downtimes: Sequence[tuple[float, float]] = (),
    ) -> None:
        """Take over what `pack_base` wrote, and the *minutes* after it.

        Raises struct.error, and ValueError for what `pack_base` never writes.
        """
        offset = 0
        for buckets in self._buckets[1:]:
            offset = buckets.unpack_buckets(packed, offset)
            if (
                buckets
                and not last - _LONGEST_STORED < buckets.begin <= buckets.end <= last + 2 * WIDEST_BUCKET
            ):
                raise ValueError(f"it holds counts from {buckets.begin} to {buckets.end}")
        for number, seen in minutes:
            if not abs(number * MINUTE - last) < DAY:
                raise ValueError(f"it holds a minute of {number * MINUTE}")
            self._buckets[1].add_sum(number, seen)
        whole = [buckets.sum_all() for buckets in self._buckets]
        if not all(abs(seen.error) < inf and abs(seen.total) < inf for seen in whole):
            raise ValueError("it holds counts that nothing counts")
        self._since = since
        self.last = self._resumed_from = last
        self._downtimes = tuple(downtimes)
        self._fold_old_buckets(last)

    def _add_span(self, at: float, counts: EventCounts, seconds: float) -> None:
        begins = at - seconds
        self._since = begins if self._since is None else min(self._since, begins)
        self._advance_to(at)
        self._add_to_bucket(at, BucketSum(max(1, round(seconds)), counts.error, counts.total))

    def _note_downtime(self, begin: float, end: float) -> None:
        if end - begin <= _SHORTEST_DOWNTIME:
            return
        oldest = end - self._window
        known = [each for each in self._downtimes if each[1] > oldest]
        if known and known[-1][0] <= begin <= known[-1][1]:
            begin, end = known[-1][0], max(known.pop()[1], end)
        if len(known) >= _MAX_DOWNTIMES:
            known.remove(min(known, key=lambda each: each[1] - each[0]))
        self._downtimes = (*known, (begin, end))

    def _advance_to(self, at: float) -> None:
        """Let time pass to *at*, and fold what has aged."""
        if self.last is None or at // MINUTE > self.last // MINUTE:
            self._fold_old_buckets(at)
        self.last = at if self.last is None else max(self.last, at)

    def _fold_old_buckets(self, last: float) -> None:
        self._older_for = None
        for finer, coarser, reach in zip(self._buckets, self._buckets[1:], _BUCKET_REACHES, strict=False):
            while finer:
                # Where the wider bucket ends that holds the oldest of the finer ones.
                end = -(-finer.first * finer.width // coarser.width) * coarser.width
                if end > last - reach:
                    break
                coarser.add_sum(end // coarser.width, finer.remove_before(end // finer.width + 1))
        for buckets in self._buckets:
            buckets.remove_before(int((last - self._window) // buckets.width) + 1)

    def _add_to_bucket(self, at: float, seen: BucketSum) -> None:
        ticks = self._buckets[0]
        buckets = ticks if ticks and at > ticks.begin else self._buckets_holding(at)
        if buckets is not ticks:
            self._older_for = None
        buckets.add_sum(buckets.bucket_number(at), seen)
        minute = int(-(-at // MINUTE))
        self.oldest_unsaved_minute = (
            minute if self.oldest_unsaved_minute is None else min(self.oldest_unsaved_minute, minute)
        )

    def _buckets_holding(self, at: float) -> TimeBuckets:
        """Give the finest buckets that reach back to *at*; wider ones hold nothing newer than finer ones."""
        age = 0 if self.last is None else self.last - at
        for index, (buckets, reach) in enumerate(zip(self._buckets, _BUCKET_REACHES, strict=False)):
            if buckets and at > buckets.begin:
                return buckets
            wider = (other.end for other in self._buckets[index + 1 :] if other)
            if age < reach and (buckets.bucket_number(at) - 1) * buckets.width >= max(wider, default=-inf):
                return buckets
        return self._buckets[-1]

    def _sums_before_ticks(self, now: float, lookbacks: Sequence[int]) -> list[BucketSum]:
        """Sum every bucket once: a longer lookback is a shorter one and what lies behind it."""
        levels = [buckets for buckets in self._buckets[1:] if buckets]
        ends = [len(buckets) for buckets in levels]
        sums: list[BucketSum] = []
        total, level = EMPTY_SUM, 0
        for lookback in lookbacks:
            cut = now - lookback
            while level < len(levels) and cut < levels[level].begin:
                total = add_sums(total, levels[level].sum_slice(0, ends[level]))
                level += 1
            if level < len(levels) and (index := levels[level].first_index_after(cut)) < ends[level]:
                total = add_sums(total, levels[level].sum_slice(index, ends[level]))
                ends[level] = index
            sums.append(total)
        return sums
