"""Readers who ask for much and take nothing."""

import asyncio
import resource

import aiohttp
from aiohttp import web

from sloctl.sidecar.http.large_answers import large_answer_middleware
from sloctl.sidecar.http.server import serve_application

# More than the buffers of a connection on this machine hold.
LARGE = b"x" * 40_000_000
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def application(*, max_bytes: int = 1 << 40, piece_seconds: float = 10) -> web.Application:
    async def show(_: web.Request) -> web.Response:
        return web.Response(body=LARGE, headers={"ETag": '"a"'})

    app = web.Application(middlewares=[large_answer_middleware(max_bytes, piece_seconds)])
    app.router.add_get("/", show)
    return app


async def stalled_reader(url: str) -> asyncio.StreamWriter:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1)
    writer.write(REQUEST)
    await writer.drain()
    await reader.read(1)
    return writer


async def test_a_large_answer_comes_whole_and_with_its_length() -> None:
    async with (
        serve_application(application(), "127.0.0.1", 0) as url,
        aiohttp.ClientSession() as client,
        client.get(url) as answer,
        client.head(url) as head,
    ):
        body = await answer.read()

    assert body == LARGE
    assert (answer.headers["Content-Length"], answer.headers["ETag"]) == ("40000000", '"a"')
    assert head.headers["Content-Length"] == "40000000"


async def test_readers_who_take_nothing_hold_little_memory() -> None:
    async with serve_application(application(), "127.0.0.1", 0) as url:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        writers = [await stalled_reader(url) for _ in range(20)]
        await asyncio.sleep(0.2)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        for writer in writers:
            writer.transport.abort()

    # In KB; whole, it would be 800 MB.
    assert grown < 100_000


async def test_a_reader_who_takes_nothing_is_let_go() -> None:
    async with serve_application(application(piece_seconds=0.2), "127.0.0.1", 0) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1)
        writer.write(REQUEST)
        await asyncio.sleep(1)

        taken = 0
        with_end = False
        try:
            while data := await reader.read(1 << 20):
                taken += len(data)
        except ConnectionResetError:
            with_end = True
        writer.transport.abort()

    assert with_end or taken < len(LARGE)


async def test_beyond_the_limit_further_readers_are_asked_to_wait() -> None:
    async with (
        serve_application(application(max_bytes=50_000_000), "127.0.0.1", 0) as url,
        aiohttp.ClientSession() as client,
    ):
        writer = await stalled_reader(url)
        async with client.get(url) as answer:
            refused = answer.status
        writer.transport.abort()

    assert (refused, answer.headers["Retry-After"]) == (503, "3")
