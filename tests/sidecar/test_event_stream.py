"""The event stream as its readers see it: real connections, one snapshot at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from sloctl.sidecar.http.options import WebOptions
from tests.sidecar.http_client import ask
from tests.sidecar.running_sidecar import RunningSidecar, run_sidecar
from tests.sidecar.specimens import slo


@asynccontextmanager
async def reading(running: RunningSidecar) -> AsyncIterator[aiohttp.ClientResponse]:
    """A reader that has come: the line that says when to reconnect has been sent."""
    async with aiohttp.ClientSession() as session, session.get(f"{running.url}/live") as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        assert await block(answer) == "retry: 3000"
        yield answer


async def block(answer: aiohttp.ClientResponse) -> str:
    async with asyncio.timeout(10):
        return (await answer.content.readuntil(b"\n\n")).decode()[:-2]


async def test_every_snapshot_is_announced_even_when_nothing_changed() -> None:
    async with run_sidecar() as running, reading(running) as reader:
        await running.tick()
        first = await block(reader)
        await running.tick()
        second = await block(reader)

    assert [first.splitlines()[0], second.splitlines()[0]] == ["event: snapshot"] * 2
    assert first != second


async def test_an_event_carries_no_numbers_of_slos() -> None:
    many = tuple(slo(name=f"slo-{number}") for number in range(100))

    async with run_sidecar(*many) as running, reading(running) as reader:
        await running.tick()

        assert len(await block(reader)) < 40


async def test_one_reader_too_many_is_told_when_to_come_back() -> None:
    async with run_sidecar(web=WebOptions(max_streams=1)) as running, reading(running):
        refused = await ask(f"{running.url}/live")

    assert (refused.status, refused.headers["Retry-After"]) == (503, "3")
    assert refused.json["detail"] == "there are 1 readers already"


async def test_open_readers_are_counted_in_the_metrics() -> None:
    async with run_sidecar() as running, reading(running), reading(running):
        metrics = await ask(f"{running.url}/metrics")

    assert b"\nsloctl_stream_readers 2.0\n" in metrics.body


async def test_a_reader_that_does_not_read_holds_up_nobody() -> None:
    async with run_sidecar() as running, reading(running), reading(running) as reader:
        for count in range(1, 30):
            await running.tick(f'requests_total{{status="200"}} {100 * count}\n')
            assert (await block(reader)).startswith("event: snapshot")


async def test_the_stream_ends_when_the_sidecar_does() -> None:
    async with run_sidecar() as running:
        session = aiohttp.ClientSession()
        answer = await session.get(f"{running.url}/live")
        await block(answer)

    assert await asyncio.wait_for(answer.content.read(), 10) == b""
    await session.close()
