"""Targets that fail in every way: nothing wrong is counted, no other is hidden, all recovers alone."""

import asyncio
import gzip
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web

from sloctl.model import CountedSide, RatioIndicator, Selector
from sloctl.prometheus.credentials import ClientOptions
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.engine.tick_loop import poll_source
from sloctl.sidecar.sources import SourceUnavailable
from sloctl.sidecar.sources.scrape import scrape_rounds
from sloctl.sidecar.sources.scrape.body_memory import BodyMemory
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.http_servers import Rude, answering, misbehaving
from tests.sidecar.sources.scraped_shop import SHOP, START, Shop, indicator_of, scraping, served
from tests.sidecar.specimens import slo

GZIP = {"Content-Encoding": "gzip"}
# Without its closing check sum: the text is all there, and nothing tells so.
TRUNCATED = gzip.compress(served(9000, 7000).encode())[:-8]


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({"text": "<html>", "content_type": "text/html"}, "answered text/html, which is no metrics format"),
        ({"status": 404}, "answered 404"),
        ({"status": 302, "headers": {"Location": "/login?next=/metrics"}}, "a redirect to"),
        ({"text": "requests_total five\n"}, "could not convert string to float: 'five'"),
        ({"text": 'requests_total{status="2\n'}, "not a sample"),
        ({"text": served(100, 7) + 'requests_total{status="200"} 10'}, "was cut off"),
        ({"body": TRUNCATED, "content_type": "text/plain", "headers": GZIP}, "its gzip does not end"),
        ({"body": b"no gzip", "content_type": "text/plain", "headers": GZIP}, "no gzip, although it says so"),
        (
            {"text": served(50), "headers": {"Content-Encoding": "br"}},
            "answered in the encoding 'br', which nobody asked for",
        ),
        (
            {"body": b"requests_total \xff\n", "content_type": "text/plain"},
            "not UTF-8: invalid start byte at byte 15",
        ),
        ({"body": b"#" * 300_000, "content_type": "text/plain"}, r"answered more than 0\.25 MiB"),
        ({"text": served(50), "content_type": "application/openmetrics-text"}, "was cut off"),
    ],
)
async def test_an_answer_that_is_no_exposition_counts_nothing_until_one_comes(
    response: dict[str, Any], reason: str
) -> None:
    target = Shop(served(100, 7))
    async with answering(target.expose) as url, scraping(url) as shop:
        await shop.tick()
        target.response = response
        with pytest.raises(SourceUnavailable, match=reason):
            await shop.tick()
        target.response, target.text = {}, served(103, 8)

        assert await shop.ungrouped() == EventCounts(error=1, total=4)


class Moody:
    """A target that answers honestly, unless it is in some mood."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.mood: Rude | None = None

    async def serve(self, writer: asyncio.StreamWriter) -> None:
        if self.mood is not None:
            return await self.mood(writer)
        await headers(writer, len(self.text))
        writer.write(self.text.encode())
        return await writer.drain()


async def headers(writer: asyncio.StreamWriter, length: int) -> None:
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n".encode())


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while True:
        writer.write(b"# for ever\n" * 5000)
        await writer.drain()


async def gigabyte(writer: asyncio.StreamWriter) -> None:
    await headers(writer, 1024**3)
    while True:
        writer.write(served(10**6, 10**6).encode() * 1000)
        await writer.drain()


async def silent(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


async def stalled(writer: asyncio.StreamWriter) -> None:
    await headers(writer, 1000)
    writer.write(served(10**6, 10**6).encode())
    await asyncio.sleep(3600)


async def cut_off(writer: asyncio.StreamWriter) -> None:
    await headers(writer, 1000)
    writer.write(served(10**6, 10**6).encode())


async def garbage(writer: asyncio.StreamWriter) -> None:
    writer.write(bytes(range(256)) * 10)


@pytest.mark.parametrize(
    ("rude", "reason"),
    [
        (endless, "answered more than"),
        (gigabyte, "answered more than"),
        (silent, "no answer for"),
        (stalled, "no answer for"),
        (cut_off, "the answer broke off"),
        (garbage, "answered no HTTP"),
    ],
)
async def test_a_target_gone_mad_counts_nothing_hides_no_other_and_recovers(
    rude: Rude, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_silent = reason == "no answer for"
    # When it is well again, a busy machine may need a while for its answer.
    monkeypatch.setattr(scrape_rounds, "_SLOW_PATIENCE_SECONDS", 30)
    client = ClientOptions(timeout_seconds=2 if is_silent else 30, max_bytes=256 * 1024)
    neighbour, target = Shop(served(100)), Moody(served(100, 1))
    async with (
        answering(neighbour.expose) as well,
        misbehaving(target.serve) as mad,
        scraping(well, mad, client=client, patience=1 if is_silent else 30) as shop,
    ):
        await shop.tick()
        neighbour.text, target.mood = served(103), rude
        during = await shop.ungrouped()
        _, state = shop.source.target_states
        target.mood, target.text = None, served(105, 2)
        # Until the scrape that got no answer is over.
        await asyncio.sleep(4 if is_silent else 0)
        after = await shop.ungrouped()

    assert (during, after) == (EventCounts(error=0, total=3), EventCounts(error=1, total=6))
    assert state.up is False
    assert reason in (state.error or "")


async def test_a_target_that_is_down_for_a_while_recovers_alone() -> None:
    target = Shop(served(100))
    async with answering(target.expose) as url, scraping(url) as shop:
        await shop.tick()
        target.response = {"status": 503}
        for _ in range(3):
            with pytest.raises(SourceUnavailable, match="answered 503"):
                await shop.tick()
        target.response, target.text = {}, served(109)

        assert await shop.ungrouped() == EventCounts(error=0, total=9)


async def test_what_happened_while_a_target_was_gone_for_long_is_not_counted_as_if_now() -> None:
    target = Shop(served(100, 1))
    async with answering(target.expose) as url, scraping(url) as shop:
        await shop.tick()
        target.text = served(10_000, 5_000)
        first = await shop.ungrouped(seconds=3600)
        target.text = served(10_002, 5_001)

        assert (first, await shop.ungrouped()) == (None, EventCounts(error=1, total=3))


@pytest.mark.parametrize("value", ["NaN", "-7", "+Inf"])
async def test_a_counter_that_is_no_number_makes_its_slo_wait_and_no_other(value: str) -> None:
    by_till = slo(indicator_of("till_total"), name="till")
    target = Shop(served(100, 1) + "till_total 5\n")
    async with answering(target.expose) as url, scraping(url, slos=[SHOP, by_till], max_samples=3) as shop:
        await shop.tick()
        target.text = served(110, 1).replace(" 1\n", f" {value}\n") + "till_total 6\n"
        broken = await shop.tick()
        target.text = served(120, 4) + "till_total 8\n"
        whole = await shop.tick()

    assert broken == {"till": {(): EventCounts(error=1, total=1)}}
    assert whole == {
        "availability": {(): EventCounts(error=3, total=23)},
        "till": {(): EventCounts(error=2, total=2)},
    }


async def test_a_hundred_silent_targets_hold_up_no_other() -> None:
    loop, target = asyncio.get_running_loop(), Shop(served(100, 0))
    patient = ClientOptions(timeout_seconds=60)
    async with (
        misbehaving(silent) as hole,
        answering(target.expose) as url,
        scraping(*(f"{hole}/{number}" for number in range(100)), url, client=patient, patience=1) as shop,
    ):
        await shop.tick()
        target.text = served(100, 7)
        began = loop.time()
        counted = await shop.ungrouped()
        took = loop.time() - began
        holes = [state for state in shop.source.target_states if not state.up]

    assert counted == EventCounts(error=7, total=7)
    # A small part of what the silent ones may take.
    assert took < 20
    assert len(holes) == 100
    assert all("no answer" in (state.error or "") for state in holes)


async def test_what_a_slow_target_counts_comes_with_a_later_tick() -> None:
    target = Shop(served(100))

    async def slowly(request: web.Request) -> web.Response:
        answer = await target.expose(request)
        await asyncio.sleep(1.2)
        return answer

    async with answering(slowly) as url, scraping(url, patience=1) as shop:
        counted: list[EventCounts | None] = []
        for total in (100, 103, 109, 109):
            target.text = served(total)
            with suppress(SourceUnavailable):
                counted.append(await shop.ungrouped())
            await asyncio.sleep(3)

    assert [each.total for each in counted if each is not None] == [3, 6]


async def test_more_silent_targets_than_connections_take_turns() -> None:
    target = Shop(served(100))
    async with (
        misbehaving(silent) as hole,
        answering(target.expose) as url,
        scraping(*(f"{hole}/{number}" for number in range(6)), url, concurrency=4, patience=1) as shop,
    ):
        await shop.tick()
        target.text = served(101)

        assert await shop.ungrouped() == EventCounts(error=0, total=1)


async def test_large_answers_that_are_not_read_at_once_all_come() -> None:
    text = "# nothing\n" * 300_000 + served(100)

    async def largely(_: web.Request) -> web.Response:
        return web.Response(text=text)

    client = ClientOptions(timeout_seconds=20, max_bytes=32 * 1024 * 1024)
    async with (
        answering(largely) as url,
        scraping(*(f"{url}/{number}" for number in range(8)), client=client, body_bytes=1024) as shop,
    ):
        for _ in range(20):
            with suppress(SourceUnavailable):
                await shop.tick()
            if all(state.up for state in shop.source.target_states):
                break

    assert [state.error for state in shop.source.target_states] == [None] * 8


async def test_beyond_the_bound_the_oldest_answer_alone_goes_on() -> None:
    memory = BodyMemory(1_000_000)
    async with memory.open_reservation() as first, memory.open_reservation() as second:
        await first.reserve_bytes(900_000)
        with suppress(TimeoutError):
            await asyncio.wait_for(second.reserve_bytes(200_000), 0.05)
        await first.reserve_bytes(30_000_000)

        assert (first.reserved, second.reserved) == (30_000_000, 0)


async def test_when_an_answer_is_done_with_the_next_goes_on() -> None:
    memory = BodyMemory(1_000_000)
    async with memory.open_reservation() as second:
        async with memory.open_reservation() as first:
            await first.reserve_bytes(900_000)
            waiting = asyncio.ensure_future(second.reserve_bytes(5_000_000))
            await asyncio.sleep(0)
            assert not waiting.done()

        await asyncio.wait_for(waiting, 30)


async def test_a_target_that_is_down_is_logged_once_and_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    target = Shop(served(100))
    async with answering(target.expose) as url, scraping(url) as shop:
        with caplog.at_level("INFO", logger="sloctl"):
            target.response = {"status": 503}
            for _ in range(130):
                with suppress(SourceUnavailable):
                    await shop.tick()
            target.response = {}
            await shop.tick()

    down = f"target {url}/metrics is down: answered 503"
    assert caplog.messages == [down, down, f"target {url}/metrics answers again"]


async def test_a_metric_with_too_many_series_takes_its_own_slos_away_and_no_other() -> None:
    by_till = slo(indicator_of("till_total"), name="till")
    target = Shop(served(100, 1) + "till_total 5\n")
    async with answering(target.expose) as url, scraping(url, slos=[SHOP, by_till], max_samples=3) as shop:
        await shop.tick()
        target.text = 'requests_total{status="200",uri="/1"} 7\n' + served(110, 5) + "till_total 6\n"
        counted = await shop.tick()
        await shop.tick()
        issues = dict(shop.source.issues())

    assert counted == {"till": {(): EventCounts(error=1, total=1)}}
    assert "selectors" not in issues
    assert "than there is room for, requests_total not read" in issues["samples"]


@pytest.mark.parametrize(("seconds", "covered"), [(240, 310), (1200, 70)], ids=["carried over", "lost"])
async def test_a_long_outage_of_a_target_covers_nothing(seconds: float, covered: float) -> None:
    target, engine = Shop(served(100)), Engine([SHOP], interval=5)
    snapshot, down = Snapshot.without_data([SHOP]), 60 + seconds
    async with answering(target.expose) as url, scraping(url) as shop:
        for after, status in ((0, 200), (30, 200), (60, 200), (65, 503), (down, 200), (down + 10, 200)):
            target.response = {"status": status}
            snapshot = await poll_source(shop.source, engine, snapshot, START + after)

    assert snapshot.states[0].budget.covered_seconds == pytest.approx(covered, abs=45)


async def test_metrics_that_are_wanted_while_an_answer_comes_are_not_new() -> None:
    failed, requests = Selector("till_failed_total"), Selector("requests_total")
    by_till = slo(RatioIndicator(CountedSide.ERROR, (failed,), (requests,)), name="till")
    target, asked, may_answer = (
        Shop(served(100, 0) + "till_failed_total 70\n"),
        asyncio.Event(),
        asyncio.Event(),
    )

    async def expose(request: web.Request) -> web.Response:
        asked.set()
        await may_answer.wait()
        return await target.expose(request)

    async with answering(expose) as url, scraping(url) as shop:
        may_answer.set()
        await shop.tick()
        await shop.tick(seconds=90)
        may_answer.clear()
        asked.clear()
        ticking = asyncio.ensure_future(shop.tick())
        await asked.wait()
        shop.source.replace_slos([SHOP, by_till])
        may_answer.set()
        await ticking
        target.text = served(130, 0) + "till_failed_total 70\n"

        assert (await shop.tick())["till"] == {(): EventCounts(error=0, total=30)}
