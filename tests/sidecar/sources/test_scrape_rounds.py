"""Many targets that misbehave, and the room that they share with the others."""

import asyncio
from contextlib import suppress

import pytest
from aiohttp import web

from sloctl.prometheus.credentials import ClientOptions
from sloctl.sidecar.sources import SourceUnavailable
from sloctl.sidecar.sources.scrape import scrape_rounds
from sloctl.sidecar.sources.scrape.sample_room import SampleRoom
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.http_servers import answering, misbehaving
from tests.sidecar.sources.scraped_shop import Shop, scraping, served


def test_a_holder_of_much_leaves_room_for_others() -> None:
    room = SampleRoom[str](100)
    before = room.most_for("large")
    room.note_taken("large", 100)
    for_new = room.most_for("small")
    room.note_taken("small", 40)

    assert (before, for_new, room.most_for("large"), room.most_for("small")) == (100, 50, 60, 50)


def test_room_of_those_who_left_is_free() -> None:
    room = SampleRoom[str](100)
    room.note_taken("large", 100)
    room.keep_only({"small"})

    assert room.most_for("small") == 100


async def test_a_target_that_recovers_waits_for_no_black_holes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape_rounds, "_FIRST_TURN_SECONDS", 0.1)
    target, well = Shop(served(100)), asyncio.Event()
    patient = ClientOptions(timeout_seconds=600)

    async def be_silent(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(600)

    async def expose(request: web.Request) -> web.Response:
        await well.wait()
        return await target.expose(request)

    async with misbehaving(be_silent) as silent, answering(expose) as url:
        # Two slots for slow ones, and the target comes last.
        urls = (*(f"{silent}/{n}" for n in range(6)), url)
        async with scraping(*urls, client=patient, concurrency=4, patience=1) as shop, asyncio.timeout(120):
            while not any(state.up for state in shop.source.target_states):
                with suppress(SourceUnavailable):
                    await shop.tick()
                well.set()
                await asyncio.sleep(0.05)
            target.text = served(107)

            assert await shop.ungrouped() == EventCounts(error=0, total=7)
