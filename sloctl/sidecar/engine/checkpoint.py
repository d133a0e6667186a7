"""An account as the store holds it, and how much of it the store still lacks.

Its one law: what is written of an account stands for all of it up to that moment. Most of a history is old
and *settled*: it is written once in a quarter of an hour, each account in a minute of its own. What came
since is the *tail*, a few hundred bytes, written whenever it changes.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sloctl.duration import MINUTE
from sloctl.model import Severity
from sloctl.sidecar.engine.buckets import BucketSum
from sloctl.sidecar.engine.history import CountHistory
from sloctl.sidecar.sources import Group

# A minute of the tail: its number, seconds seen, errors, events.
_MINUTE_RECORD: Final = struct.Struct("<IHff")
_BASE_EVERY_MINUTES: Final = 15
# The newest minutes are still ticks: they are never settled, so settling again sooner is in vain.
_MINUTES_IN_TICKS: Final = 12
# However it came about, a tail gets no longer.
_MAX_DELTA_MINUTES: Final = 40


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """*settled* packs a history up to *settled_minute*; None where the store has it already.

    *errors* and *events* are what is exposed as counters, *firing* holds since when each alert fires.
    """

    group: Group
    since: float
    last: float
    errors: float
    events: float
    firing: Mapping[Severity, float]
    base_minute: int
    base: bytes | None
    delta: bytes

    def restore_history(self, *, step: int, window: int) -> CountHistory:
        """Raises struct.error where the bytes are not what was written."""
        history = CountHistory(step=step, window=window)
        minutes = [(number, BucketSum(*rest)) for number, *rest in _MINUTE_RECORD.iter_unpack(self.delta)]
        history.unpack_history(self.base or b"", minutes, since=self.since, last=self.last)
        return history


@dataclass(frozen=True, slots=True)
class PackedHistory:
    """The part of Kept that a Bookmark knows."""

    base_minute: int
    base: bytes | None
    delta: bytes


class CheckpointCursor:
    """What of one history has been written; *turn* spreads the settling of many over the minutes."""

    __slots__ = ("_saving", "_settled_minute", "_tail", "_turn")

    def __init__(self, turn: int) -> None:
        self._turn = turn % _BASE_EVERY_MINUTES
        self._settled_minute: int | None = None
        self._tail = b""
        # The oldest minute of what is being written now.
        self._saving: int | None = None

    def resume_from(self, kept: Checkpoint) -> None:
        """The store holds *kept*, and nothing has been counted since."""
        self._settled_minute, self._tail = kept.base_minute, kept.delta

    def pack_changes(self, history: CountHistory) -> PackedHistory | None:
        """What the store lacks, None for nothing. `saved` or `not_saved` must follow."""
        touched = history.oldest_unsaved_minute
        if touched is None or history.last is None:
            return None
        settled = self._settled_minute
        if settled is None or self._settles(touched, settled, int(history.last // MINUTE)):
            settled = self._settled_minute = history.base_minute
            packed, self._tail = history.pack_base(), _pack_minutes(history, after=settled)
        else:
            packed, self._tail = (
                None,
                _before(self._tail, touched) + _pack_minutes(history, after=touched - 1),
            )
        self._saving, history.oldest_unsaved_minute = touched, None
        return PackedHistory(settled, packed, self._tail)

    def confirm_write(self) -> None:
        self._saving = None

    def reject_write(self, history: CountHistory) -> None:
        """Next time all of it is written."""
        if self._saving is not None:
            history.oldest_unsaved_minute = (
                self._saving
                if history.oldest_unsaved_minute is None
                else min(history.oldest_unsaved_minute, self._saving)
            )
            self._saving = None
            self._settled_minute = None

    def mark_unsaved(self, history: CountHistory) -> None:
        """The store has lost all of it."""
        if history.last is not None:
            history.oldest_unsaved_minute = 0
        self._settled_minute = None

    def _settles(self, touched: int, settled: int, minute: int) -> bool:
        if touched <= settled or minute - settled > _MAX_DELTA_MINUTES:
            return True
        return minute % _BASE_EVERY_MINUTES == self._turn and minute - settled > _MINUTES_IN_TICKS


def _pack_minutes(history: CountHistory, *, after: int) -> bytes:
    minutes = history.minutes_after(after)
    return b"".join(
        _MINUTE_RECORD.pack(number, min(seen.seconds, 0xFFFF), seen.error, seen.total)
        for number, seen in minutes
    )


def _before(tail: bytes, minute: int) -> bytes:
    end = len(tail)
    while end and _MINUTE_RECORD.unpack_from(tail, end - _MINUTE_RECORD.size)[0] >= minute:
        end -= _MINUTE_RECORD.size
    return tail[:end]
