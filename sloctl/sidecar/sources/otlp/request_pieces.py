"""Decode an export request piece by piece, so that its size on the wire bounds what it takes in memory.

Protobuf makes up to fifty times as much of a message: two bytes are an empty data point, one is a bucket. So
the frame of a request is read here, lengths only, and protobuf gets a metric at a time, or a part of a large
one.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from google.protobuf.message import DecodeError  # type: ignore[import-untyped] # has no types
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

# Some thousand data points, or a hundred exponential histograms.
_PIECE_BYTES: Final = 128 * 1024
# A data point with 160 buckets and long attributes has a few thousand bytes.
MAX_POINT_BYTES: Final = 32 * 1024
MAX_HEAD_BYTES: Final = 32 * 1024
# Frames are read by Python: so many take a tenth of a second.
MAX_FRAMES: Final = 50_000

# Numbers of fields, in metrics_service.proto and metrics.proto.
_RESOURCE_METRICS: Final = 1
_RESOURCE: Final = 1
_SCOPE_METRICS: Final = 2
_METRICS: Final = 2
_DATA: Final = frozenset({5, 7, 9, 10, 11})
_DATA_POINTS: Final = 1

_LENGTH: Final = 2


class RequestPiece(NamedTuple):
    """Some points of one metric, and the resource they are of; *oversized* points are left out."""

    resource: Resource
    metric: Metric
    oversized: int = 0


class _Field(NamedTuple):
    """A field of a message: where its tag begins, and where its content begins and ends."""

    number: int
    begin: int
    start: int
    end: int


class RequestReader:
    """The frames of one request; raises DecodeError where *body* is none, or has too many of them."""

    def __init__(self, body: bytes | bytearray) -> None:
        self._body = body
        self._frames = 0

    def read_pieces(self) -> Iterator[RequestPiece]:
        """Give the pieces in their order."""
        for field in self._fields(0, len(self._body)):
            if field.number == _RESOURCE_METRICS:
                yield from self._read_resource_metrics(field)

    def _read_resource_metrics(self, given: _Field) -> Iterator[RequestPiece]:
        resource, scopes = bytearray(), list[_Field]()
        for field in self._fields(given.start, given.end):
            if field.number == _RESOURCE:
                # A message that comes in parts is their concatenation.
                self._append_bounded(resource, field.start, field.end)
            elif field.number == _SCOPE_METRICS:
                scopes.append(field)
        decoded = Resource.FromString(bytes(resource))
        metrics = (field for scope in scopes for field in self._fields(scope.start, scope.end))
        for metric in (field for field in metrics if field.number == _METRICS):
            for part, oversized in self._read_metric(metric):
                yield RequestPiece(decoded, part, oversized)

    def _read_metric(self, given: _Field) -> Iterator[tuple[Metric, int]]:
        body = self._body
        if given.end - given.start <= MAX_POINT_BYTES:
            yield Metric.FromString(bytes(body[given.start : given.end])), 0
            return
        head, data = bytearray(), list[_Field]()
        for field in self._fields(given.start, given.end):
            if field.number in _DATA:
                data.append(field)
            else:
                self._append_bounded(head, field.begin, field.end)
        for kind in data:
            yield from self._read_points(bytes(head), kind)

    def _read_points(self, head: bytes, data: _Field) -> Iterator[tuple[Metric, int]]:
        """Give a metric for each few points of a large one."""
        points, rest, oversized = list[_Field](), bytearray(), 0
        for field in self._fields(data.start, data.end):
            if field.number != _DATA_POINTS:
                self._append_bounded(rest, field.begin, field.end)
            elif field.end - field.start > MAX_POINT_BYTES:
                oversized += 1
            else:
                points.append(field)
        part = bytearray()
        for number, point in enumerate(points, start=1):
            part += self._body[point.begin : point.end]
            if len(part) >= _PIECE_BYTES or number == len(points):
                yield _build_metric(head, data.number, bytes(rest + part)), 0
                part.clear()
        if oversized:
            yield _build_metric(head, data.number, bytes(rest)), oversized

    def _append_bounded(self, part: bytearray, start: int, end: int) -> None:
        """Add what is neither a metric nor a point: a resource, a name, a description."""
        if len(part) + end - start > MAX_HEAD_BYTES:
            raise DecodeError(f"a resource or a name has more than {MAX_HEAD_BYTES // 1024} KiB")
        part += self._body[start:end]

    def _fields(self, start: int, end: int) -> Iterator[_Field]:
        at = start
        while at < end:
            self._frames += 1
            if self._frames > MAX_FRAMES:
                raise DecodeError(f"a request has at most {MAX_FRAMES} metrics, and points of large metrics")
            begin = at
            tag, at = self._read_varint(at, end)
            match tag & 7:
                case 0:  # a number
                    _, stop = self._read_varint(at, end)
                case 1:  # eight bytes
                    stop = at + 8
                case 2:  # a length, and so many bytes
                    length, at = self._read_varint(at, end)
                    stop = at + length
                case 5:  # four bytes
                    stop = at + 4
                case _:
                    raise DecodeError("a field of no known kind")
            if stop > end:
                raise DecodeError("it ends too early")
            yield _Field(tag >> 3, begin, at, stop)
            at = stop

    def _read_varint(self, at: int, end: int) -> tuple[int, int]:
        value = 0
        for position in range(at, min(end, at + 10)):
            byte = self._body[position]
            value |= (byte & 0x7F) << 7 * (position - at)
            if byte < 0x80:
                return value, position + 1
        raise DecodeError("a number that does not end")


def _build_metric(head: bytes, kind: int, data: bytes) -> Metric:
    frame = _encode_varint(kind << 3 | _LENGTH) + _encode_varint(len(data))
    metric: Metric = Metric.FromString(head + frame + data)
    return metric


def _encode_varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*encoded, number))
