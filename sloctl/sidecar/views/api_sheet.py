"""One board as JSON, encoded piece by piece and each piece at most once, however many read it."""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Final, NamedTuple, cast

import msgspec

from sloctl.sidecar.board import SloState, Snapshot
from sloctl.sidecar.views import api
from sloctl.sidecar.views import api_shapes as shapes
from sloctl.sidecar.views.api_query import place_text

# An answer that would make the remembered ones of one board larger than this is not remembered.
_REMEMBERED_BYTES: Final = 32 * 1024 * 1024

# So many entries are encoded before others get their turn: about two milliseconds.
_PIECE: Final = 50

_encode: Final = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """*etag* is strong: equal tags mean equal bytes, also across restarts and replicas."""

    body: bytes
    etag: str


def answer(shape: msgspec.Struct) -> Answer:
    return answer_of(_encode(shape))


def answer_of(body: bytes) -> Answer:
    return Answer(body, blake2b(body, digest_size=16).hexdigest())


class Sheet:
    """A board whose entries stand in the order of lists."""

    def __init__(self, board: Snapshot) -> None:
        self.board = board
        placed = sorted(((place_text(entry), entry) for entry in board.states), key=itemgetter(0))
        self.entries: tuple[SloState, ...] = tuple(entry for _, entry in placed)
        self.texts = tuple(text for text, _ in placed)
        self._encoded: dict[int, msgspec.Raw] = {}
        self._answers: dict[Hashable, Answer] = {}
        self._remembered = 0

    def encoded(self, places: Iterable[int]) -> tuple[shapes.Slo, ...]:
        """The entries at *places*, already as JSON, for a field of a shape that holds SLOs."""
        return cast("tuple[shapes.Slo, ...]", tuple(self._raw(place) for place in places))

    async def prepare(self, places: Sequence[int]) -> None:
        """Encode what is at *places* piece by piece, so that others have their turn in between."""
        for start in range(0, len(places), _PIECE):
            missing = [place for place in places[start : start + _PIECE] if place not in self._encoded]
            if missing:
                self.encoded(missing)
                await asyncio.sleep(0)

    def known(self, query: Hashable) -> Answer | None:
        """What was answered to *query* before."""
        return self._answers.get(query)

    def answer(self, query: Hashable, shape: Callable[[], msgspec.Struct]) -> Answer:
        """What *shape* gives, which is asked for once per *query*."""
        known = self.known(query)
        if known is not None:
            return known
        fresh = answer(shape())
        if self._remembered + len(fresh.body) <= _REMEMBERED_BYTES:
            self._answers[query] = fresh
            self._remembered += len(fresh.body)
        return fresh

    def groups(self, slo_id: str) -> Sequence[int]:
        """Places of the entries of one SLO."""
        return [place for place, entry in enumerate(self.entries) if entry.slo.id == slo_id]

    def _raw(self, place: int) -> msgspec.Raw:
        raw = self._encoded.get(place)
        if raw is None:
            raw = self._encoded[place] = msgspec.Raw(_encode(api.slo(self.entries[place])))
        return raw


class Sheets:
    """The sheet of the newest board."""

    def __init__(self, newest: Callable[[], Snapshot]) -> None:
        self._board = newest
        self._sheet = Sheet(newest())

    @property
    def newest(self) -> Sheet:
        board = self._board()
        if board is not self._sheet.board:
            self._sheet = Sheet(board)
        return self._sheet
