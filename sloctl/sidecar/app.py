"""The sidecar as an aiohttp application: routes, headers and the one task it owns."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final, TypeAlias

from aiohttp import web

from sloctl.sidecar.clock import Clock
from sloctl.sidecar.connection import MAX_BODY_BYTES, SECURITY_HEADERS, noticed
from sloctl.sidecar.guard import RELOAD, guard
from sloctl.sidecar.ledger import Engine
from sloctl.sidecar.parts import Figure, Figures, Kind, Part, Reload, Troubles
from sloctl.sidecar.poller import SnapshotFeed, TickLoop
from sloctl.sidecar.sources import Source
from sloctl.sidecar.sources.targets import TargetState
from sloctl.sidecar.views.api_routes import Api, forbidden_reload_route, reload_route
from sloctl.sidecar.views.api_sheet import Sheets
from sloctl.sidecar.views.metrics_page import MetricsPage
from sloctl.sidecar.views.page_live import Ticks
from sloctl.sidecar.views.page_routes import Pages
from sloctl.sidecar.views.problem import problem, problems
from sloctl.sidecar.views.stream import Changes
from sloctl.sidecar.views.stream_readers import Readers
from sloctl.sidecar.web import LOOPBACK, WebOptions

# A loop that has not ended a tick for so many intervals, and this many seconds more, is stuck.
_STUCK_INTERVALS: Final = 3
_STUCK_GRACE: Final = 30.0

OpenSource: TypeAlias = Callable[[], AbstractAsyncContextManager[Source]]

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What the application is built from; *interval* seconds between two ticks.

    *parts* open in their order once the poller runs, and close in reverse. *targets*, *figures* and
    *troubles* are asked whenever someone reads them.
    """

    open_source: OpenSource
    poller: TickLoop
    feed: SnapshotFeed
    ledger: Engine
    time: Clock
    interval: float
    parts: Sequence[Part] = ()
    routes: Sequence[web.RouteDef] = ()
    reload: Reload | None = None
    targets: Callable[[], Sequence[TargetState]] = tuple
    figures: Figures = tuple
    troubles: Troubles = dict
    web: WebOptions = LOOPBACK


def application(sidecar: Sidecar) -> web.Application:
    """Polls from start-up to clean-up, and serves the newest board."""
    sheets = Sheets(lambda: sidecar.feed.snapshot)
    changes = Changes(sidecar.feed, sheets, epoch=secrets.token_hex(4))
    readers = Readers(changes, sidecar.web.max_streams)
    app = web.Application(middlewares=[noticed, problems, guard(sidecar.web)], client_max_size=MAX_BODY_BYTES)
    pages = Pages(
        sidecar.feed,
        sidecar.ledger,
        sidecar.time,
        interval=sidecar.interval,
        limit=sidecar.web.max_streams,
    )
    app.cleanup_ctx.append(_running("stream", changes.run))
    app.cleanup_ctx.append(_running("page stream", pages.ticks.run))
    app.cleanup_ctx.append(_polling(sidecar))
    app.cleanup_ctx.extend(_opening(part) for part in sidecar.parts)
    app.on_response_prepare.append(_protect)
    app.on_shutdown.append(_ending(changes, pages.ticks))
    app.add_routes(
        [
            *pages.routes(),
            *_api(sidecar, sheets).routes(),
            web.get("/api/v1/stream", readers.serve, allow_head=False),
            *_metrics_routes(sidecar, readers),
            *_probe_routes(sidecar),
            *_reload_routes(sidecar),
            *sidecar.routes,
        ]
    )
    return app


def _api(sidecar: Sidecar, sheets: Sheets) -> Api:
    return Api(
        sheets=sheets,
        now=sidecar.time.now,
        started=sidecar.time.now(),
        version=version("sloctl"),
        troubles=sidecar.troubles,
        targets=sidecar.targets,
    )


def _polling(sidecar: Sidecar) -> Callable[[web.Application], AsyncIterator[None]]:
    async def polling(app: web.Application) -> AsyncIterator[None]:
        async with sidecar.open_source() as source:
            async for _ in _running("poller", lambda: sidecar.poller.run(source))(app):
                yield

    return polling


def _running(
    name: str, run: Callable[[], Coroutine[None, None, None]]
) -> Callable[[web.Application], AsyncIterator[None]]:
    """A loop that runs as long as the application."""

    async def running(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(run(), name=name)
        task.add_done_callback(_tell_of_a_crash)
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    return running


def _opening(part: Part) -> Callable[[web.Application], AsyncIterator[None]]:
    async def opening(_: web.Application) -> AsyncIterator[None]:
        async with part():
            yield

    return opening


def _ending(*streams: Changes | Ticks) -> Callable[[web.Application], Awaitable[None]]:
    """Streams never end by themselves; they would hold up the shutdown."""

    async def ending(_: web.Application) -> None:
        for stream in streams:
            stream.end()

    return ending


def _tell_of_a_crash(task: asyncio.Task[None]) -> None:
    """A loop ends by itself only through a bug, and this is the trace; /healthz tells of the poller's end."""
    if not task.cancelled() and (failure := task.exception()) is not None:
        _log.critical("the %s has crashed", task.get_name(), exc_info=failure)


async def _protect(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    # Which versions serve here is nobody's business.
    response.headers.popall("Server", None)


def _metrics_routes(sidecar: Sidecar, readers: Readers) -> list[web.RouteDef]:
    metrics = MetricsPage(
        lambda: sidecar.feed.snapshot, sidecar.time.now, [sidecar.figures, readers.figures, _build]
    )

    async def show_metrics(request: web.Request) -> web.Response:
        body, content_type = await metrics.exposition(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    return [web.get("/metrics", show_metrics)]


def _build() -> Iterable[Figure]:
    labels = {"version": version("sloctl")}
    return (Figure("sloctl_build_info", "What serves here; always 1.", Kind.GAUGE, 1.0, labels),)


def _reload_routes(sidecar: Sidecar) -> list[web.RouteDef]:
    if sidecar.reload is None:
        return []
    if sidecar.web.token is None:
        return [forbidden_reload_route(RELOAD)]
    return [reload_route(RELOAD, sidecar.reload)]


def _probe_routes(sidecar: Sidecar) -> list[web.RouteDef]:
    async def healthz(_: web.Request) -> web.Response:
        quiet = sidecar.time.now() - sidecar.poller.last_tick_at
        if quiet > _STUCK_INTERVALS * sidecar.interval + _STUCK_GRACE * sidecar.time.speed:
            return problem(503, f"no tick for {quiet:.0f} s: the loop is stuck")
        return web.Response(text="ticking\n")

    async def readyz(_: web.Request) -> web.Response:
        if not sidecar.feed.snapshot.has_data:
            return problem(503, "no data yet")
        return web.Response(text="has data\n")

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]
