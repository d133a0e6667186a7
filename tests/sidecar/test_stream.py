"""The stream as its readers see it: real connections, one board at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
import pytest

from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.engine.tick_loop import SnapshotFeed
from sloctl.sidecar.http.api.encoded_snapshot import SnapshotCache
from sloctl.sidecar.http.api.stream import RESUMABLE_BOARDS, Changes
from sloctl.sidecar.http.options import WebOptions
from tests.sidecar.asking import ask
from tests.sidecar.served import SHOP, Watched, watching
from tests.sidecar.specimens import slo

ROUTES = slo(name="routes", group_by=("route",))


@dataclass(frozen=True)
class Event:
    name: str
    id: str
    board: dict[str, Any]

    @property
    def slos(self) -> list[str]:
        return [" ".join([shown["id"], *shown["group"].values()]) for shown in self.board["slos"]]


class Reader:
    """Reads events as they come; heartbeats and the retry line are passed over."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def next(self) -> Event:
        async with asyncio.timeout(10):
            while not (block := await self.block()).startswith("event: "):
                pass
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        return Event(fields["event"], fields["id"], msgspec.json.decode(fields["data"]))

    async def block(self) -> str:
        return (await self.answer.content.readuntil(b"\n\n")).decode()[:-2]


@asynccontextmanager
async def reading(watched: Watched, last: str | None = None) -> AsyncIterator[Reader]:
    headers = {"Last-Event-ID": last} if last else {}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{watched.url}/api/v1/stream", headers=headers) as answer,
    ):
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        yield Reader(answer)


def of(**counts: int) -> str:
    """An exposition by route."""
    return "".join(
        f'requests_total{{route="{route}",status="200"}} {count}\n' for route, count in counts.items()
    )


async def test_a_reader_gets_the_whole_board_and_then_only_what_changed() -> None:
    async with watching(ROUTES) as watched, reading(watched) as reader:
        first = await reader.next()
        await watched.tick(of(pay=100, cart=100))
        born = await reader.next()
        await watched.tick(of(pay=150, cart=100))
        changed = await reader.next()

    assert (first.name, first.slos) == ("snapshot", ["shop/routes"])
    assert (born.name, born.slos) == ("delta", ["shop/routes cart", "shop/routes pay"])
    assert born.board["removed"] == [{"id": "shop/routes", "group": {}}]
    assert (changed.slos, changed.board["removed"]) == (["shop/routes pay"], [])
    assert changed.board["at"] == "2023-11-14T22:13:30.000Z"


async def test_every_board_is_told_even_when_nothing_changed() -> None:
    async with watching() as watched, reading(watched) as reader:
        await reader.next()
        await watched.tick()
        await reader.next()
        await watched.tick()

        quiet = await reader.next()

    assert (quiet.slos, quiet.board["at"]) == ([], "2023-11-14T22:13:30.000Z")


async def test_a_reader_that_comes_back_gets_what_changed_meanwhile_and_no_more() -> None:
    async with watching(SHOP, ROUTES) as watched:
        async with reading(watched) as reader:
            await reader.next()
            await watched.tick(of(pay=100, cart=100, a=100))
            seen = await reader.next()
        await watched.tick(of(pay=150, cart=100, a=100))
        await watched.tick(of(pay=150, cart=150, a=100))

        async with reading(watched, last=seen.id) as reader:
            missed = await reader.next()

    assert missed.name == "delta"
    assert missed.slos == ["shop/availability", "shop/routes cart", "shop/routes pay"]


@pytest.mark.parametrize("last", ["00000000-1", "nonsense", "-", "1", "9" * 4000])
async def test_what_names_no_board_of_ours_gets_a_snapshot(last: str) -> None:
    async with watching() as watched, reading(watched, last=last) as reader:
        assert (await reader.next()).name == "snapshot"


async def test_a_stale_slo_is_a_change() -> None:
    async with watching() as watched, reading(watched) as reader:
        await watched.tick(of(pay=100))
        await reader.next()
        watched.shop.status = 500
        await watched.tick()
        (shown,) = [each for _ in range(2) for each in (await reader.next()).board["slos"]][-1:]

    assert shown["stale"] is True


async def test_one_reader_too_many_is_told_when_to_come_back() -> None:
    async with watching(web=WebOptions(max_streams=1)) as watched, reading(watched) as reader:
        await reader.next()

        refused = await ask(f"{watched.url}/api/v1/stream")

    assert (refused.status, refused.headers["Retry-After"]) == (503, "3")
    assert refused.json["detail"] == "there are 1 readers already"


async def test_a_reader_that_does_not_read_holds_up_nobody() -> None:
    many = tuple(slo(name=f"availability-{number}") for number in range(100))

    async with watching(*many) as watched, reading(watched), reading(watched) as reader:
        await reader.next()
        for count in range(1, 30):
            await watched.tick(of(pay=100 * count))
            assert len((await reader.next()).slos) == 100


async def test_the_stream_ends_when_the_sidecar_does() -> None:
    async with watching() as watched:
        session = aiohttp.ClientSession()
        reader = Reader(await session.get(f"{watched.url}/api/v1/stream"))
        await reader.next()

    assert await asyncio.wait_for(reader.answer.content.read(), 10) == b""
    await session.close()


async def test_a_reader_away_for_longer_than_boards_are_remembered_gets_a_snapshot() -> None:
    feed = SnapshotFeed(Snapshot.without_data([SHOP]))
    changes = Changes(feed, SnapshotCache(lambda: feed.snapshot), "epoch")
    changes.event_after(None)
    running = asyncio.create_task(changes.run())
    for number in range(1, RESUMABLE_BOARDS + 2):
        told = asyncio.create_task(changes.wait_for_newer())
        await asyncio.sleep(0)
        feed.publish_snapshot(Snapshot.without_data([SHOP]))
        await told
        assert changes.number == number
    running.cancel()

    assert (changes.resume_after("epoch-0"), changes.resume_after("epoch-2")) == (None, 2)
    assert changes.resume_after(f"epoch-{RESUMABLE_BOARDS + 2}") is None
