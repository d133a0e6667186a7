"""Read one answer of a target: refused by its head, and shortened while it comes to what an SLO reads."""

import asyncio
from typing import Final

from sloctl.prometheus.errors import RequestFailed
from sloctl.sidecar.sources.scrape.body_memory import BodyReservation
from sloctl.sidecar.sources.scrape.exposition import CONTENT_TYPES, PIECE_BYTES, ExpositionParser

# An answer is shortened each time it has grown by so much: most never.
_STEP_BYTES: Final = 512 * 1024


class ExpositionReader:
    """An answer that comes, of which *parser* says what is wanted; its memory is that of *reservation*.

    The first *raw_bytes* are left as they are.
    """

    def __init__(self, parser: ExpositionParser, reservation: BodyReservation, *, raw_bytes: int) -> None:
        self.body = bytearray()
        # How much was left out.
        self.omitted = 0
        self.parser = parser
        self._reservation = reservation
        self._raw_bytes = raw_bytes
        # Before it all is wanted.
        self._start = 0
        self._due = raw_bytes + _STEP_BYTES

    def check_head(self, status: int, content_type: str) -> None:
        """Raise RequestFailed for an answer that has no metrics."""
        if status != 200:
            raise RequestFailed(f"answered {status}")
        if content_type not in CONTENT_TYPES:
            raise RequestFailed(f"answered {content_type}, which is no metrics format")

    async def take_piece(self, piece: bytes) -> None:
        """Take *piece*, leave out of the body what nobody wants, and wait until it may go on growing.

        Raises ValueError for what is not UTF-8.
        """
        self.body += piece
        if len(self.body) >= self._due:
            await self._leave_out_unwanted(self.body)
            self._due = len(self.body) + _STEP_BYTES
        # By all that came: large answers end in time one after the other, and side by side none does.
        await self._reservation.reserve_bytes(self.omitted + len(self.body))

    async def _leave_out_unwanted(self, body: bytearray) -> None:
        """Shorten what came since the last time, but for the first and the last line of all.

        Those tell what begins a line, and whether the text was cut off.
        """
        if not self._start:
            self._start = body.rfind(b"\n", 0, self._raw_bytes) + 1 or body.find(b"\n") + 1
        last = body.rfind(b"\n", 0, len(body) - 1) + 1
        read = self._start
        while 0 < read < last:
            end = body.rfind(b"\n", read, min(last, read + PIECE_BYTES)) + 1
            if end:
                kept = self.parser.keep_wanted(bytes(body[read:end]), read + self.omitted)
            else:
                # Longer than a piece, it is left out later, and counted.
                end = body.find(b"\n", read) + 1
                kept = bytes(body[read : read + PIECE_BYTES]) + b"\n"
            body[self._start : self._start + len(kept)] = kept
            self._start += len(kept)
            read = end
            await asyncio.sleep(0)
        self.omitted += read - self._start
        del body[self._start : read]
        if (excess := len(body) - self._start - 2 * PIECE_BYTES) > 0:
            # A line without end; its last byte tells whether it was cut off.
            self.omitted += excess
            del body[-excess - 1 : -1]
