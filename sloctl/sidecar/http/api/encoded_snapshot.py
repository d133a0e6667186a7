"""One board as JSON, encoded piece by piece and each piece at most once, however many read it."""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Final, NamedTuple, cast

import msgspec

from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.sidecar.http.api import convert, shapes
from sloctl.sidecar.http.api.query import list_key

# An answer that would make the remembered ones of one board larger than this is not remembered.
_MAX_CACHED_BYTES: Final = 32 * 1024 * 1024

# So many entries are encoded before others get their turn: about two milliseconds.
_BATCH_SIZE: Final = 50

_encode: Final = msgspec.json.Encoder().encode


class EncodedAnswer(NamedTuple):
    """*etag* is strong: equal tags mean equal bytes, also across restarts and replicas."""

    body: bytes
    etag: str


def encode_answer(shape: msgspec.Struct) -> EncodedAnswer:
    return tag_body(_encode(shape))


def tag_body(body: bytes) -> EncodedAnswer:
    return EncodedAnswer(body, blake2b(body, digest_size=16).hexdigest())


class EncodedSnapshot:
    """A board whose entries stand in the order of lists."""

    def __init__(self, board: Snapshot) -> None:
        self.snapshot = board
        placed = sorted(((list_key(entry), entry) for entry in board.states), key=itemgetter(0))
        self.states: tuple[SloState, ...] = tuple(entry for _, entry in placed)
        self.list_keys = tuple(text for text, _ in placed)
        self._encoded: dict[int, msgspec.Raw] = {}
        self._answers: dict[Hashable, EncodedAnswer] = {}
        self._remembered = 0

    def encoded_slos(self, places: Iterable[int]) -> tuple[shapes.Slo, ...]:
        """The entries at *places*, already as JSON, for a field of a shape that holds SLOs."""
        return cast("tuple[shapes.Slo, ...]", tuple(self._raw(place) for place in places))

    async def encode_ahead(self, places: Sequence[int]) -> None:
        """Encode what is at *places* piece by piece, so that others have their turn in between."""
        for start in range(0, len(places), _BATCH_SIZE):
            missing = [place for place in places[start : start + _BATCH_SIZE] if place not in self._encoded]
            if missing:
                self.encoded_slos(missing)
                await asyncio.sleep(0)

    def cached_answer(self, query: Hashable) -> EncodedAnswer | None:
        """What was answered to *query* before."""
        return self._answers.get(query)

    def answer_once(self, query: Hashable, shape: Callable[[], msgspec.Struct]) -> EncodedAnswer:
        """What *shape* gives, which is asked for once per *query*."""
        known = self.cached_answer(query)
        if known is not None:
            return known
        fresh = encode_answer(shape())
        if self._remembered + len(fresh.body) <= _MAX_CACHED_BYTES:
            self._answers[query] = fresh
            self._remembered += len(fresh.body)
        return fresh

    def group_indexes(self, slo_id: str) -> Sequence[int]:
        """Places of the entries of one SLO."""
        return [place for place, entry in enumerate(self.states) if entry.slo.id == slo_id]

    def _raw(self, place: int) -> msgspec.Raw:
        raw = self._encoded.get(place)
        if raw is None:
            raw = self._encoded[place] = msgspec.Raw(_encode(convert.convert_slo(self.states[place])))
        return raw


class SnapshotCache:
    """The sheet of the newest board."""

    def __init__(self, newest: Callable[[], Snapshot]) -> None:
        self._board = newest
        self._sheet = EncodedSnapshot(newest())

    @property
    def latest(self) -> EncodedSnapshot:
        board = self._board()
        if board is not self._sheet.snapshot:
            self._sheet = EncodedSnapshot(board)
        return self._sheet
