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
from sloctl.sidecar.history import History
from sloctl.sidecar.sources import Group
from sloctl.sidecar.steps import Seen

# A minute of the tail: its number, seconds seen, errors, events.
_MINUTE: Final = struct.Struct("<IHff")
_SETTLE_EVERY: Final = 15
# The newest minutes are still ticks: they are never settled, so settling again sooner is in vain.
_NEVER_SETTLED: Final = 12
# However it came about, a tail gets no longer.
_LONGEST_TAIL: Final = 40


@dataclass(frozen=True, slots=True)
class Kept:
    """*settled* packs a history up to *settled_minute*; None where the store has it already.

    *errors* and *events* are what is exposed as counters, *firing* holds since when each alert fires.
    """

    group: Group
    since: float
    last: float
    errors: float
    events: float
    firing: Mapping[Severity, float]
    settled_minute: int
    settled: bytes | None
    tail: bytes

    def history(self, *, step: int, window: int) -> History:
        """Raises struct.error where the bytes are not what was written."""
        history = History(step=step, window=window)
        minutes = [(number, Seen(*rest)) for number, *rest in _MINUTE.iter_unpack(self.tail)]
        history.unpack(self.settled or b"", minutes, since=self.since, last=self.last)
        return history


@dataclass(frozen=True, slots=True)
class Unsaved:
    """The part of Kept that a Bookmark knows."""

    settled_minute: int
    settled: bytes | None
    tail: bytes


class Bookmark:
    """What of one history has been written; *turn* spreads the settling of many over the minutes."""

    __slots__ = ("_saving", "_settled_minute", "_tail", "_turn")

    def __init__(self, turn: int) -> None:
        self._turn = turn % _SETTLE_EVERY
        self._settled_minute: int | None = None
        self._tail = b""
        # The oldest minute of what is being written now.
        self._saving: int | None = None

    def stands_at(self, kept: Kept) -> None:
        """The store holds *kept*, and nothing has been counted since."""
        self._settled_minute, self._tail = kept.settled_minute, kept.tail

    def unsaved(self, history: History) -> Unsaved | None:
        """What the store lacks, None for nothing. `saved` or `not_saved` must follow."""
        touched = history.touched
        if touched is None or history.last is None:
            return None
        settled = self._settled_minute
        if settled is None or self._settles(touched, settled, int(history.last // MINUTE)):
            settled = self._settled_minute = history.settled_minute
            packed, self._tail = history.packed(), _packed(history, after=settled)
        else:
            packed, self._tail = None, _before(self._tail, touched) + _packed(history, after=touched - 1)
        self._saving, history.touched = touched, None
        return Unsaved(settled, packed, self._tail)

    def saved(self) -> None:
        self._saving = None

    def not_saved(self, history: History) -> None:
        """Next time all of it is written."""
        if self._saving is not None:
            history.touched = self._saving if history.touched is None else min(history.touched, self._saving)
            self._saving = None
            self._settled_minute = None

    def unsave(self, history: History) -> None:
        """The store has lost all of it."""
        if history.last is not None:
            history.touched = 0
        self._settled_minute = None

    def _settles(self, touched: int, settled: int, minute: int) -> bool:
        if touched <= settled or minute - settled > _LONGEST_TAIL:
            return True
        return minute % _SETTLE_EVERY == self._turn and minute - settled > _NEVER_SETTLED


def _packed(history: History, *, after: int) -> bytes:
    minutes = history.minutes_after(after)
    return b"".join(
        _MINUTE.pack(number, min(seen.seconds, 0xFFFF), seen.error, seen.total) for number, seen in minutes
    )


def _before(tail: bytes, minute: int) -> bytes:
    end = len(tail)
    while end and _MINUTE.unpack_from(tail, end - _MINUTE.size)[0] >= minute:
        end -= _MINUTE.size
    return tail[:end]
