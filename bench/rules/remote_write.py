"""Samples into a running Prometheus: remote write 1.0, which unlike OpenMetrics carries stale markers.

The protocol: a snappy block of the protobuf message prometheus.WriteRequest. Every sample takes 18 bytes, so
they are packed without a protobuf library; the block is one literal, as loopback gains nothing from less.
"""

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from http.client import HTTPConnection
from typing import Final

# Prometheus's own NaN for "this series ends here"; any other NaN is a value.
STALE: Final[float] = struct.unpack("<d", (0x7FF0000000000002).to_bytes(8, "little"))[0]
# Field 2 of TimeSeries, 16 bytes long; field 1 of Sample, a double. Then field 2, a varint of six bytes.
_SAMPLE: Final = b"\x12\x10\x09"
_TIMESTAMP: Final = b"\x10"
_ANSWER_WITHIN: Final = 300.0


def stamp(at: float) -> bytes:
    """The timestamp field of a sample at Unix time *at*; six bytes of varint hold 2004 to 2109."""
    return _TIMESTAMP + _varint(round(at * 1000))


def samples(values: Sequence[float], stamps: Sequence[bytes]) -> bytes:
    """Encoded samples, a value to each stamp."""
    fields: list[bytes | float] = [_SAMPLE] * (3 * len(values))
    fields[1::3] = values
    fields[2::3] = stamps
    return _layout(len(values)).pack(*fields)


def labels(series: Mapping[str, str]) -> bytes:
    """Encoded labels, sorted as the protocol asks."""
    return b"".join(_label(name, value) for name, value in sorted(series.items()))


def push(address: str, series: Sequence[tuple[bytes, bytes]]) -> None:
    """Write (encoded labels, encoded samples), samples in time order; raises OSError when refused."""
    message = b"".join(_field(1, name + of) for name, of in series)
    body = _varint(len(message)) + b"\xfc" + struct.pack("<I", len(message) - 1) + message
    connection = HTTPConnection(address, timeout=_ANSWER_WITHIN)
    try:
        connection.request("POST", "/api/v1/write", body, {"Content-Encoding": "snappy"})
        answer = connection.getresponse()
        if answer.status >= 300:
            raise OSError(f"remote write answered {answer.status}: {answer.read().decode()}")
    finally:
        connection.close()


def _label(name: str, value: str) -> bytes:
    return _field(1, _field(1, name.encode()) + _field(2, value.encode()))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    low = bytearray()
    while value > 0x7F:
        low.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*low, value])


@lru_cache(maxsize=1024)
def _layout(count: int) -> struct.Struct:
    return struct.Struct("<" + "3sd7s" * count)
