"""What changed, board after board, as server-sent events.

Its one law: no reader holds up another. One that was slow skips boards and gets, at once, all that changed
since the last event it took; nothing is queued for it.
"""

import asyncio
from typing import Final, NoReturn, TypeAlias

from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.engine.tick_loop import SnapshotFeed
from sloctl.sidecar.http.api import convert, shapes
from sloctl.sidecar.http.api.encoded_snapshot import EncodedSnapshot, SnapshotCache, encode_answer
from sloctl.sidecar.sources import Group

# A reader may take up again where it was so many boards ago; one that was away for longer gets a snapshot.
RESUMABLE_BOARDS: Final = 100

Key: TypeAlias = tuple[str, Group]


class Changes:
    """Which board last changed which entry. *epoch* tells our boards from those of an earlier process."""

    def __init__(self, feed: SnapshotFeed, sheets: SnapshotCache, epoch: str) -> None:
        self._feed = feed
        self._sheets = sheets
        self._epoch = epoch
        self._sheet = sheets.latest
        self._number = 0
        self._oldest = 0
        self._changed: dict[Key, int] = {}
        self._removed: dict[Key, tuple[int, shapes.GroupKey]] = {}
        self._events: dict[int | None, bytes] = {}
        self._published = asyncio.Event()
        self._boards_since_reader = RESUMABLE_BOARDS
        self.is_closed = False

    @property
    def number(self) -> int:
        """Of the newest board, counted from 1."""
        return self._number

    async def run(self) -> NoReturn:
        """Until cancelled."""
        while True:
            if self._feed.snapshot is self._sheet.snapshot:
                await self._feed.next_snapshot()
            await self._take(self._sheets.latest)

    async def wait_for_newer(self) -> None:
        """Returns when there is a newer board."""
        self._boards_since_reader = 0
        await self._published.wait()

    def end_streams(self) -> None:
        """Let all readers go."""
        self.is_closed = True
        self._published.set()

    def resume_after(self, event_id: str | None) -> int | None:
        """The board that *event_id* names; None where only a snapshot helps."""
        epoch, _, number = (event_id or "").partition("-")
        if epoch != self._epoch or not number.isdecimal() or len(number) > 15:
            return None
        return int(number) if self._oldest <= int(number) <= self._number else None

    def event_after(self, after: int | None) -> bytes:
        """All that changed after board *after*, or everything; the same bytes for all who ask."""
        self._boards_since_reader = 0
        if after is not None and after < self._oldest:
            after = None
        event = self._events.get(after)
        if event is None:
            event = self._events[after] = self._event(after)
        return event

    async def _take(self, sheet: EncodedSnapshot) -> None:
        self._boards_since_reader += 1
        if self._boards_since_reader > RESUMABLE_BOARDS:
            self._forget(sheet)
            return
        await sheet.encode_ahead(range(len(sheet.states)))
        self._compare(sheet)
        self._publish(sheet)

    def _forget(self, sheet: EncodedSnapshot) -> None:
        """Nobody reads: nothing is compared, and who comes next gets a snapshot."""
        self._changed, self._removed = {}, {}
        self._publish(sheet)
        self._oldest = self._number

    def _publish(self, sheet: EncodedSnapshot) -> None:
        self._sheet = sheet
        self._number += 1
        self._events = {}
        self._published.set()
        self._published = asyncio.Event()

    def _compare(self, sheet: EncodedSnapshot) -> None:
        number = self._number + 1
        before, now = _by_key(self._sheet), _by_key(sheet)
        for key, entry in now.items():
            if key not in before or not _is_same(before[key], entry):
                self._changed[key] = number
                self._removed.pop(key, None)
        for key in before.keys() - now.keys():
            gone = before[key]
            self._changed.pop(key, None)
            self._removed[key] = number, shapes.GroupKey(gone.slo.id, dict(gone.group_labels))
        self._oldest = max(self._oldest, number - RESUMABLE_BOARDS)
        self._removed = {key: gone for key, gone in self._removed.items() if gone[0] > self._oldest}

    def _event(self, after: int | None) -> bytes:
        board, entries = self._sheet.snapshot, self._sheet.states
        places = [
            place
            for place, entry in enumerate(entries)
            if after is None or self._changed.get(convert.key(entry), 0) > after
        ]
        removed = [key for number, key in self._removed.values() if after is not None and number > after]
        event = shapes.BoardEvent(
            at=convert.format_optional_time(board.at),
            trouble=board.source_issue,
            slos=self._sheet.encoded_slos(places),
            removed=tuple(removed),
        )
        name = "snapshot" if after is None else "delta"
        head = f"event: {name}\nid: {self._epoch}-{self._number}\ndata: "
        return head.encode() + encode_answer(event).body + b"\n\n"


def _by_key(sheet: EncodedSnapshot) -> dict[Key, SloState]:
    return {convert.key(entry): entry for entry in sheet.states}


def _is_same(before: SloState, now: SloState) -> bool:
    """Whether only time has passed: newer data, and more of a lookback covered, are no change."""
    return before is now or (
        before.slo == now.slo
        and before.stale == now.stale
        and before.since == now.since
        and before.budget == now.budget
        and all(was.counts == burn.counts for was, burn in zip(before.burns, now.burns, strict=True))
        and all(
            (was.state, was.since) == (alert.state, alert.since)
            for was, alert in zip(before.alerts, now.alerts, strict=True)
        )
        and before.contributors == now.contributors
    )
