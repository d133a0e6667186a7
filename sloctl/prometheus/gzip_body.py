"""Inflate the body of an answer as it arrives; one that was cut off is an error.

aiohttp inflates by itself, and takes a gzip stream that ends early for a whole one.
"""

import zlib
from collections.abc import Iterator
from typing import Final

# As Prometheus asks its targets.
ACCEPTED_ENCODING: Final = "gzip"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
# Gzip makes a thousand times as much of some bodies: whoever takes them can stop after each piece.
_PIECE_BYTES: Final = 64 * 1024


class GzipBody:
    """The streams of one body in *encoding*, which is gzip or none."""

    def __init__(self, encoding: str) -> None:
        self._is_gzip = encoding == ACCEPTED_ENCODING
        self._stream = zlib.decompressobj(_GZIP_WINDOW)
        self._has_begun = False

    def inflate_chunk(self, chunk: bytes) -> Iterator[bytes]:
        """Inflate *chunk* in pieces, further streams of the body included; raise ValueError for no gzip."""
        if not self._is_gzip:
            yield chunk
            return
        self._has_begun |= bool(chunk)
        while chunk:
            if self._stream.eof:
                self._stream = zlib.decompressobj(_GZIP_WINDOW)
            try:
                piece = self._stream.decompress(chunk, _PIECE_BYTES)
            except zlib.error:
                raise ValueError("the answer is no gzip, although it says so") from None
            chunk = self._stream.unconsumed_tail or self._stream.unused_data
            yield piece

    def check_end(self) -> None:
        """Raise ValueError where the last stream does not end."""
        if self._has_begun and not self._stream.eof:
            raise ValueError("the answer broke off: its gzip does not end")
