"""Counts of whole days on disk, so that a second run, or one after Ctrl-C, asks for nothing twice."""

import os
import zlib
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import msgspec

from sloctl.backtest.fetch import DayCounts
from sloctl.model import PromQL
from sloctl.prometheus.answers import QueryRange

# Part of each file's name: files of another format are never read.
_FORMAT = "1"


class CountCache:
    """One compressed file for each day and pair of queries of one server, below *directory*."""

    def __init__(self, directory: Path, server: str) -> None:
        self._directory = directory
        self._server = server

    def load(self, queries: tuple[PromQL, PromQL], day: QueryRange) -> list[DayCounts] | None:
        """Return the counts of *day*; None where there is no file, or none that can be read."""
        try:
            packed = self._file_of(queries, day).read_bytes()
            return msgspec.msgpack.decode(zlib.decompress(packed), type=list[DayCounts])
        except (OSError, zlib.error, msgspec.DecodeError):
            return None

    def keep(self, queries: tuple[PromQL, PromQL], day: QueryRange, counts: Sequence[DayCounts]) -> None:
        """Write the file at once or not at all; only its owner may read what a service counts."""
        file = self._file_of(queries, day)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = file.with_suffix(f".{os.getpid()}.tmp")
        unfinished.write_bytes(zlib.compress(msgspec.msgpack.encode(counts), level=1))
        unfinished.replace(file)

    def _file_of(self, queries: tuple[PromQL, PromQL], day: QueryRange) -> Path:
        key = "\n".join((_FORMAT, self._server, str(day.start), str(day.end), *queries))
        return self._directory / f"{sha256(key.encode()).hexdigest()[:32]}.counts"
