"""A snapshot as JSON, encoded SLO by SLO and each at most once, however many clients read it."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Final, NamedTuple, cast

import msgspec

from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.sidecar.http.api import shapes
from sloctl.sidecar.http.api.answers import convert_slo
from sloctl.sidecar.http.api.query import list_key

# An answer that would make the cached ones of a snapshot larger than this is not cached.
_MAX_CACHED_BYTES: Final = 32 * 1024 * 1024

# So many SLOs are encoded before others get their turn: about two milliseconds.
_BATCH_SIZE: Final = 50

_encode: Final = msgspec.json.Encoder().encode


class EncodedAnswer(NamedTuple):
    """A body of JSON; *etag* is strong: equal tags mean equal bytes, also across restarts and replicas."""

    body: bytes
    etag: str


def encode_answer(shape: msgspec.Struct) -> EncodedAnswer:
    return tag_body(_encode(shape))


def tag_body(body: bytes) -> EncodedAnswer:
    return EncodedAnswer(body, blake2b(body, digest_size=16).hexdigest())


class EncodedSnapshot:
    """A snapshot with its states in the order of lists; indexes are places among *states*."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        keyed = sorted(((list_key(state), state) for state in snapshot.states), key=itemgetter(0))
        self.states: tuple[SloState, ...] = tuple(state for _, state in keyed)
        self.list_keys = tuple(key for key, _ in keyed)
        self._encoded: dict[int, msgspec.Raw] = {}
        self._answers: dict[Hashable, EncodedAnswer] = {}
        self._cached_bytes = 0

    def encoded_slos(self, indexes: Sequence[int]) -> tuple[shapes.Slo, ...]:
        """Give the SLOs at *indexes*, already as JSON, for a field of a shape that holds SLOs."""
        for index in indexes:
            if index not in self._encoded:
                self._encoded[index] = msgspec.Raw(_encode(convert_slo(self.states[index])))
        return cast("tuple[shapes.Slo, ...]", tuple(self._encoded[index] for index in indexes))

    async def encode_ahead(self, indexes: Sequence[int]) -> None:
        """Encode the SLOs at *indexes* batch by batch, so that others have their turn in between."""
        for start in range(0, len(indexes), _BATCH_SIZE):
            missing = [index for index in indexes[start : start + _BATCH_SIZE] if index not in self._encoded]
            if missing:
                self.encoded_slos(missing)
                await asyncio.sleep(0)

    def cached_answer(self, query: Hashable) -> EncodedAnswer | None:
        return self._answers.get(query)

    def answer_once(self, query: Hashable, shape: Callable[[], msgspec.Struct]) -> EncodedAnswer:
        """Encode the answer to *query*, and call *shape* for it, unless that was done before."""
        known = self._answers.get(query)
        if known is not None:
            return known
        answer = encode_answer(shape())
        if self._cached_bytes + len(answer.body) <= _MAX_CACHED_BYTES:
            self._answers[query] = answer
            self._cached_bytes += len(answer.body)
        return answer

    def group_indexes(self, slo_id: str) -> Sequence[int]:
        """Give the indexes of one SLO's groups."""
        return [index for index, state in enumerate(self.states) if state.slo.id == slo_id]


class SnapshotCache:
    """The newest snapshot, made into an EncodedSnapshot when it is first read."""

    def __init__(self, newest: Callable[[], Snapshot]) -> None:
        self._newest = newest
        self._encoded = EncodedSnapshot(newest())

    @property
    def latest(self) -> EncodedSnapshot:
        snapshot = self._newest()
        if snapshot is not self._encoded.snapshot:
            self._encoded = EncodedSnapshot(snapshot)
        return self._encoded
