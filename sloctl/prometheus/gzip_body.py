"""Inflate the body of an answer as it arrives; one that was cut off is an error.

aiohttp inflates by itself, and takes a gzip stream that ends early for a whole one.
"""

import zlib
from typing import Final

# As Prometheus asks its targets.
ACCEPTED_ENCODING: Final = "gzip"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS


class GzipBody:
    """The streams of one gzip body, inflated to *max_bytes* and one more at most."""

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._body = bytearray()
        self._stream = zlib.decompressobj(_GZIP_WINDOW)
        self._has_begun = False

    @property
    def size(self) -> int:
        """The number of bytes inflated so far."""
        return len(self._body)

    @property
    def is_too_long(self) -> bool:
        """Whether more than the limit has been inflated."""
        return len(self._body) > self._max_bytes

    def feed_chunk(self, chunk: bytes) -> None:
        """Inflate *chunk*, further streams of the body included; raise ValueError for what is no gzip."""
        self._has_begun |= bool(chunk)
        while chunk and not self.is_too_long:
            if self._stream.eof:
                self._stream = zlib.decompressobj(_GZIP_WINDOW)
            try:
                self._body += self._stream.decompress(chunk, self._max_bytes + 1 - len(self._body))
            except zlib.error:
                raise ValueError("the answer is no gzip, although it says so") from None
            # What is not consumed is beyond the limit, and then nobody asks for it.
            chunk = self._stream.unused_data

    def finish_body(self) -> bytes:
        """Return the body; raise ValueError where its last stream does not end."""
        if self._has_begun and not self._stream.eof:
            raise ValueError("the answer broke off: its gzip does not end")
        return bytes(self._body)
