"""The memory of answers that are read at the same time, and the turns that large ones take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

# Of each answer so much is read without asking.
_FREE_BYTES: Final = 128 * 1024


class BodyReservation:
    """The bytes of one answer that is being read."""

    def __init__(self, memory: "BodyMemory") -> None:
        self._memory = memory
        self.reserved = 0

    async def reserve_bytes(self, size: int) -> None:
        """Wait until an answer of *size* bytes so far may go on."""
        if size > _FREE_BYTES:
            await self._memory.reserve_bytes(self, size)


class BodyMemory:
    """A bound of *most_bytes* to all answers together, beyond which only the oldest of them goes on.

    So all together take that much, one whole answer, and the little that each may read unasked.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        # Oldest first.
        self._holders: dict[BodyReservation, None] = {}
        self._released = asyncio.Event()

    @asynccontextmanager
    async def open_reservation(self) -> AsyncIterator[BodyReservation]:
        """Give a reservation that is returned at the end of the block: the answer must be gone by then."""
        reservation = BodyReservation(self)
        try:
            yield reservation
        finally:
            if self._holders.pop(reservation, True) is None:
                self._released.set()
                self._released = asyncio.Event()

    async def reserve_bytes(self, reservation: BodyReservation, size: int) -> None:
        """Wait until *reservation* may grow to *size*."""
        self._holders.setdefault(reservation)
        while not self._is_free_for(reservation, size):
            await self._released.wait()
        reservation.reserved = size

    def _is_free_for(self, reservation: BodyReservation, size: int) -> bool:
        if next(iter(self._holders)) is reservation:
            return True
        return sum(each.reserved for each in self._holders) - reservation.reserved + size <= self._most_bytes
