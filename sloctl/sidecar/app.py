"""The sidecar as an aiohttp application: routes, headers and the one task it owns."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, TypeAlias

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from sloctl.sidecar.clock import Time
from sloctl.sidecar.ledger import Ledger
from sloctl.sidecar.parts import Figures, Part, Reload, Troubles
from sloctl.sidecar.poller import Feed, Poller
from sloctl.sidecar.sources import Source
from sloctl.sidecar.views import api
from sloctl.sidecar.views.metrics import BoardCollector
from sloctl.sidecar.views.page import page
from sloctl.sidecar.views.problem import problem, problems
from sloctl.sidecar.web import LOOPBACK, WebOptions

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# A loop that has not ended a tick for so many intervals, and this many seconds more, is stuck.
_STUCK_INTERVALS: Final = 3
_STUCK_GRACE: Final = 30.0

OpenSource: TypeAlias = Callable[[], AbstractAsyncContextManager[Source]]

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What the application is built from; *interval* seconds between two ticks.

    *parts* open in their order once the poller runs, and close in reverse. *figures* and *troubles* are asked
    whenever someone reads them.
    """

    open_source: OpenSource
    poller: Poller
    feed: Feed
    ledger: Ledger
    time: Time
    interval: float
    parts: Sequence[Part] = ()
    routes: Sequence[web.RouteDef] = ()
    reload: Reload | None = None
    figures: Figures = tuple
    troubles: Troubles = dict
    web: WebOptions = LOOPBACK


def application(sidecar: Sidecar) -> web.Application:
    """Polls from start-up to clean-up, and serves the newest board."""
    app = web.Application(middlewares=[problems])
    app.cleanup_ctx.append(_polling(sidecar))
    app.cleanup_ctx.extend(_opening(part) for part in sidecar.parts)
    app.on_response_prepare.append(_guard)
    app.add_routes(_board_routes(sidecar) + _probe_routes(sidecar) + list(sidecar.routes))
    return app


def _polling(sidecar: Sidecar) -> Callable[[web.Application], AsyncIterator[None]]:
    async def polling(_: web.Application) -> AsyncIterator[None]:
        async with sidecar.open_source() as source:
            task = asyncio.create_task(sidecar.poller.run(source), name="poller")
            task.add_done_callback(_tell_of_a_crash)
            yield
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    return polling


def _opening(part: Part) -> Callable[[web.Application], AsyncIterator[None]]:
    async def opening(_: web.Application) -> AsyncIterator[None]:
        async with part():
            yield

    return opening


def _tell_of_a_crash(task: asyncio.Task[None]) -> None:
    """The loop ends by itself only through a bug; /healthz then fails, and this is the trace."""
    if not task.cancelled() and (failure := task.exception()) is not None:
        _log.critical("the poller has crashed", exc_info=failure)


async def _guard(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    # Which versions serve here is nobody's business.
    response.headers.popall("Server", None)


def _board_routes(sidecar: Sidecar) -> list[web.RouteDef]:
    registry = CollectorRegistry()
    registry.register(BoardCollector(lambda: sidecar.feed.board, sidecar.time.now))
    refresh_seconds = max(1, round(sidecar.interval / sidecar.time.speed))
    style = files("sloctl.sidecar.views").joinpath("static/style.css").read_text()

    async def show_page(_: web.Request) -> web.Response:
        text = page(
            sidecar.feed.board,
            now=sidecar.time.now(),
            refresh_seconds=refresh_seconds,
            speed=sidecar.time.speed,
        )
        return web.Response(text=text, content_type="text/html")

    async def show_style(_: web.Request) -> web.Response:
        return web.Response(text=style, content_type="text/css")

    async def show_slos(_: web.Request) -> web.Response:
        text = json.dumps(api.board(sidecar.feed.board), allow_nan=False)
        return web.Response(text=text, content_type="application/json")

    async def show_metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    return [
        web.get("/", show_page),
        web.get("/static/style.css", show_style),
        web.get("/api/v1/slos", show_slos),
        web.get("/metrics", show_metrics),
    ]


def _probe_routes(sidecar: Sidecar) -> list[web.RouteDef]:
    async def healthz(_: web.Request) -> web.Response:
        quiet = sidecar.time.now() - sidecar.poller.ticked
        if quiet > _STUCK_INTERVALS * sidecar.interval + _STUCK_GRACE * sidecar.time.speed:
            return problem(503, f"no tick for {quiet:.0f} s: the loop is stuck")
        return web.Response(text="ticking\n")

    async def readyz(_: web.Request) -> web.Response:
        if not sidecar.feed.board.has_data:
            return problem(503, "no data yet")
        return web.Response(text="has data\n")

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]
