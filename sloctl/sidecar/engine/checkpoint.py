"""The stored form of a tracker, and a cursor over the part of its history that the store lacks.

Law: what is written of a tracker stands for all of it up to that moment. Most of a history is old: that
*base*, some 9 KB, is written about three times an hour, each tracker in minutes of its own. The minutes since
are the *delta*, a few hundred bytes, written whenever it changes. docs/decisions/store.md has the figures.
"""

import struct
from itertools import chain
from typing import Final

from msgspec import Struct

from sloctl.duration import MINUTE
from sloctl.model import Severity, Slo
from sloctl.sidecar.engine.buckets import BucketSum
from sloctl.sidecar.engine.history import CountHistory
from sloctl.sidecar.sources import Group

# A minute of the delta: its number, seconds seen, errors, events.
_MINUTE_RECORD: Final = struct.Struct("<IHff")
# A delta gets no longer than the sum of the two. It is at least ten minutes: those are still ticks.
_SHORTEST_FULL_DELTA: Final = 25
_SPREAD_MINUTES: Final = 15
# No count and no Unix time is as large; NaN is not smaller than it either.
_IMPLAUSIBLE: Final = 1e30
# A history may have been written for a longer window, never for one of years.
_LONGEST_WINDOWS: Final = 1000


class PackedHistory(Struct, frozen=True, array_like=True):
    """A history as bytes: *base* up to *base_minute*, None where the store has it, and the *delta* since."""

    base_minute: int
    base: bytes | None
    delta: bytes


class PackedExclusions(Struct, frozen=True, array_like=True):
    """Excluded counts as bytes, all of them; *spans* are start, end, and whether events count as good."""

    spans: tuple[tuple[float, float, bool], ...]
    base: bytes
    delta: bytes


class Checkpoint(Struct, frozen=True, array_like=True):
    """One tracker as the store holds it, up to *last*; Unix seconds.

    *errors* and *events* are what is exposed as counters, *firing* holds since when each alert fires,
    *downtimes* are spans in which nobody counted. *excluded* is what exclusions leave out, with the spans
    that it is of. The store encodes this struct as it stands: another field needs a migration there, unless
    it comes last and has a default.
    """

    group: Group
    since: float
    last: float
    errors: float
    events: float
    firing: dict[Severity, float]
    history: PackedHistory
    downtimes: tuple[tuple[float, float], ...] = ()
    excluded: PackedExclusions | None = None

    def check_plausible(self, slo: Slo) -> None:
        """Raise ValueError for what no sidecar writes: it would be counted, or end every start."""
        numbers = (self.since, self.last, self.errors, self.events)
        spans = (*self.firing.values(), *chain.from_iterable(self.downtimes))
        if len(self.group) != len(slo.group_by):
            raise ValueError(f"{slo.id} has {len(slo.group_by)} labels in groupBy, not {len(self.group)}")
        if not all(abs(each) < _IMPLAUSIBLE for each in (*numbers, *spans)):
            raise ValueError(f"{slo.id} holds a number that nothing counts or lasts")
        if not 0 <= self.last - self.since <= slo.window.longest * _LONGEST_WINDOWS:
            raise ValueError(f"{slo.id} lasts from {self.since:g} to {self.last:g}")

    def restore_history(self, *, step: int, window: int) -> CountHistory:
        """Unpack the history; raises struct.error where the bytes are not what was written."""
        history = CountHistory(step=step, window=window)
        history.unpack_history(
            self.history.base or b"",
            _unpack_minutes(self.history.delta),
            since=self.since,
            last=self.last,
            downtimes=self.downtimes,
        )
        return history

    def restore_excluded(self, *, step: int, window: int) -> CountHistory | None:
        """Unpack what exclusions left out, None where nothing is stored; raises as `restore_history` does."""
        if self.excluded is None:
            return None
        history = CountHistory(step=step, window=window)
        minutes = _unpack_minutes(self.excluded.delta)
        history.unpack_history(self.excluded.base, minutes, since=self.since, last=self.last)
        return history


class CheckpointCursor:
    """The part of one history that has been written; *turn* spreads the bases of many over the minutes."""

    __slots__ = ("_base_minute", "_delta", "_longest_delta")

    def __init__(self, turn: int) -> None:
        self._longest_delta = _SHORTEST_FULL_DELTA + turn % _SPREAD_MINUTES
        self._base_minute: int | None = None
        self._delta = b""

    def resume_from(self, checkpoint: Checkpoint) -> None:
        """Take the store to hold *checkpoint*, and nothing to have been counted since."""
        self._base_minute, self._delta = checkpoint.history.base_minute, checkpoint.history.delta

    def pack_changes(self, history: CountHistory) -> PackedHistory | None:
        """Pack what the store lacks, None for nothing; where writing it fails, `mark_unsaved` must follow."""
        touched, base_minute = history.oldest_unsaved_minute, self._base_minute
        if touched is None or history.last is None:
            return None
        history.oldest_unsaved_minute = None
        minute = int(history.last // MINUTE)
        if base_minute is None or touched <= base_minute or minute - base_minute > self._longest_delta:
            self._base_minute = history.base_minute
            self._delta = _pack_minutes(history, after=history.base_minute)
            return PackedHistory(history.base_minute, history.pack_base(), self._delta)
        end = len(self._delta)
        while end and _MINUTE_RECORD.unpack_from(self._delta, end - _MINUTE_RECORD.size)[0] >= touched:
            end -= _MINUTE_RECORD.size
        self._delta = self._delta[:end] + _pack_minutes(history, after=touched - 1)
        return PackedHistory(base_minute, None, self._delta)

    def mark_unsaved(self, history: CountHistory) -> None:
        """Write all of it next time: the store lacks it, or may."""
        if history.last is not None:
            history.oldest_unsaved_minute = 0
        self._base_minute = None


def pack_exclusions(history: CountHistory, spans: tuple[tuple[float, float, bool], ...]) -> PackedExclusions:
    """Pack all of what exclusions leave out; that is little, or all of a window."""
    return PackedExclusions(spans, history.pack_base(), _pack_minutes(history, after=history.base_minute))


def _unpack_minutes(packed: bytes) -> list[tuple[int, BucketSum]]:
    return [(number, BucketSum(*rest)) for number, *rest in _MINUTE_RECORD.iter_unpack(packed)]


def _pack_minutes(history: CountHistory, *, after: int) -> bytes:
    return b"".join(
        _MINUTE_RECORD.pack(number, min(seen.seconds, 0xFFFF), seen.error, seen.total)
        for number, seen in history.minutes_after(after)
    )
