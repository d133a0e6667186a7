"""What senders of OTLP can make the sidecar hold is bounded, and told."""

import asyncio
import gzip
import tracemalloc
from itertools import chain

import pytest
from google.protobuf.message import DecodeError  # type: ignore[import-untyped] # has no types
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from sloctl.sidecar.sources.otlp import receiver
from sloctl.sidecar.sources.otlp.exponential_histogram import MAX_BUCKETS
from sloctl.sidecar.sources.otlp.points import RejectedPoints
from sloctl.sidecar.sources.otlp.receiver import PROTOBUF
from sloctl.sidecar.sources.otlp.request_pieces import RequestReader
from sloctl.sidecar.sources.otlp.source import OtlpOptions, OtlpSource
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.sources.otlp_requests import accept_whole, counter, exponential, number, request
from tests.sidecar.sources.test_otlp_receiver import GOOD, post, watching
from tests.sidecar.specimens import slo

NOW = 1_700_000_000.0
MIB = 1024**2


def framed(number: int, body: bytes) -> bytes:
    """A field that holds *body*."""
    length = bytearray()
    rest = len(body)
    while rest > 0x7F:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes((number << 3 | 2, *length, rest)) + body


def in_request(metric: bytes) -> bytes:
    return framed(1, framed(2, framed(2, metric)))


# Each a request of a few kilobytes as gzip.
BOMBS = {
    "packed zero buckets": in_request(
        framed(1, b"request.latency")
        + framed(10, framed(1, framed(8, framed(2, b"\0" * 15_000_000))) + b"\x10\x02")
    ),
    "zero buckets one by one": in_request(
        framed(1, b"request.latency") + framed(10, framed(1, framed(8, b"\x10\0" * 1_000_000)) + b"\x10\x02")
    ),
    "buckets of a histogram": in_request(
        framed(1, b"requests") + framed(9, framed(1, framed(6, b"\0" * 15_000_000)) + b"\x10\x02")
    ),
    "empty points": in_request(framed(1, b"requests") + framed(7, b"\x0a\0" * 1_000_000)),
    "empty metrics": framed(1, framed(2, b"\x12\0" * 1_000_000)),
    "empty scopes": framed(1, b"\x12\0" * 1_000_000),
    "empty resources": b"\x0a\0" * 1_000_000,
    "empty attributes of a point": in_request(
        framed(1, b"requests") + framed(7, framed(1, b"\x3a\0" * 1_000_000))
    ),
    "empty attributes of a resource": framed(1, framed(1, b"\x0a\0" * 1_000_000)),
    "a long name": in_request(framed(1, b"a" * 15_000_000)),
    "unknown fields": in_request(framed(1, b"requests") + framed(15, b"\0" * 15_000_000)),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_before_it_takes_memory(bomb: str) -> None:
    source, rejected = OtlpSource(OtlpOptions(), [slo()], now=lambda: NOW), RejectedPoints()
    tracemalloc.start()

    try:
        for _ in source.accept_request(RequestReader(BOMBS[bomb]).read_pieces(), rejected):
            pass
    except DecodeError as refused:
        rejected.add_rejection(1, str(refused))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # As one message it would take a hundred.
    assert peak < 16 * MIB
    assert rejected.points > 0 or bomb in {"empty metrics", "empty points"}


def test_a_large_request_in_pieces_is_what_it_was() -> None:
    points = [number(index, at=1, labels={"path": f"/{index}"}) for index in range(5_000)]
    sent = request(counter(*points), exponential([1, 2, 3], at=1), counter(number(1, at=1), name="other"))

    pieces = list(RequestReader(sent.SerializeToString()).read_pieces())
    whole = Metric(name="requests")
    whole.CopyFrom(pieces[0].metric)
    del whole.sum.data_points[:]
    whole.sum.data_points.extend(
        chain.from_iterable(
            piece.metric.sum.data_points for piece in pieces if piece.metric.name == "requests"
        )
    )

    assert len(pieces) > 3
    assert [whole, *(piece.metric for piece in pieces if piece.metric.name != "requests")] == list(
        sent.resource_metrics[0].scope_metrics[0].metrics
    )
    assert all(piece.resource == sent.resource_metrics[0].resource for piece in pieces)


@pytest.mark.parametrize("body", [b"\x0a", b"\x0a\x05\0", b"\x0b", b"\xff" * 11, b"\x0a\xff\xff\xff\xff\x0f"])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        list(RequestReader(body).read_pieces())


def test_more_buckets_than_any_sdk_makes_are_refused() -> None:
    source = OtlpSource(OtlpOptions(), [slo()], now=lambda: NOW)

    rejected = accept_whole(source, request(exponential([0] * (MAX_BUCKETS + 1), at=NOW)))

    assert str(rejected) == "request.latency: it has 2001 buckets, more than 2000"


async def test_one_sender_cannot_take_the_room_of_others() -> None:
    source = OtlpSource(OtlpOptions(max_series=10, max_series_per_sender=6), [slo()], now=lambda: NOW)
    points = [number(1, at=NOW, labels={"status": "200", "path": f"/{index}"}) for index in range(50)]
    greedy = accept_whole(source, request(counter(*points), resource={"service.name": "greedy"}))

    other = [request(counter(number(value, at=NOW + value, labels={"status": "500"}))) for value in (1, 4)]
    assert [accept_whole(source, sent).points for sent in other] == [0, 0]
    assert greedy.points == 44
    assert str(greedy) == "requests_total: its sender has 6 series already, and this one is new"
    assert source.issues() == {"otlp": f"rejected {greedy}"}
    (interval,) = await source.read_counts(NOW + 5)
    assert interval.slos["shop/availability"].groups[()] == EventCounts(error=3, total=3)


async def test_invented_instances_leave_room_for_other_addresses() -> None:
    options = OtlpOptions(max_series=10, max_series_per_sender=6, max_series_per_address=8)
    source = OtlpSource(options, [slo()], now=lambda: NOW)
    path = counter(number(1, at=NOW, labels={"status": "200"}))
    invented = [
        accept_whole(source, request(path, resource={"service.name": f"invented-{index}"}))
        for index in range(20)
    ]

    other = [request(counter(number(value, at=NOW + value, labels={"status": "500"}))) for value in (1, 4)]
    assert [accept_whole(source, sent, address="10.0.0.1").points for sent in other] == [0, 0]
    assert [each.points for each in invented] == [0] * 8 + [1] * 12
    assert str(invented[-1]) == "requests_total: its address has 8 series already, and this one is new"


def test_a_series_with_long_labels_takes_the_room_of_several() -> None:
    source = OtlpSource(OtlpOptions(max_series=10), [slo()], now=lambda: NOW)
    points = [number(1, at=NOW, labels={"path": f"/{index}" + "a" * 3_000}) for index in range(3)]

    assert accept_whole(source, request(counter(*points))).points == 2


async def test_a_body_that_stalls_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "BODY_SECONDS", 0.2)
    async with watching() as sidecar:
        host, port = sidecar.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /v1/metrics HTTP/1.1\r\nHost: {host}\r\nContent-Type: {PROTOBUF}\r\n"
        writer.write(f"{head}Content-Length: 1000\r\n\r\nabc".encode())
        answer = await asyncio.wait_for(reader.read(100), 60)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_what_all_bodies_take_together_is_bounded() -> None:
    async with watching(options=OtlpOptions(max_bytes_at_once=100_000)) as sidecar:
        status, _, answer = await post(sidecar.url, gzip.compress(b"\0" * 200_000), encoding="gzip")
        again, _, _ = await post(sidecar.url, GOOD)

    assert (status, answer.headers["Retry-After"], again) == (503, "5", 200)


@pytest.mark.parametrize("encoding", ["zstd", "br", "deflate", "snappy"])
async def test_another_encoding_than_gzip_is_refused_as_such(encoding: str) -> None:
    async with watching() as sidecar:
        status, _, _ = await post(sidecar.url, GOOD, encoding=encoding)

    assert status == 415


async def test_a_gzip_that_was_cut_off_counts_nothing() -> None:
    async with watching() as sidecar:
        status, _, _ = await post(sidecar.url, gzip.compress(GOOD)[:-8], encoding="gzip")

    assert status == 400
