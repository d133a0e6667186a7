"""The sidecar as an aiohttp application: routes, headers and the one task it owns."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final, TypeAlias

from aiohttp import web

from sloctl.sidecar.clock import Clock
from sloctl.sidecar.component import Component, Issues, MetricType, ReloadSpecs, SelfMetric, SelfMetrics
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.tick_loop import SnapshotFeed, TickLoop
from sloctl.sidecar.http.access import RELOAD_PATH, access_middleware
from sloctl.sidecar.http.api.encoded_snapshot import SnapshotCache
from sloctl.sidecar.http.api.routes import ApiRoutes, forbidden_reload_route, reload_route
from sloctl.sidecar.http.connection import MAX_BODY_BYTES, SECURITY_HEADERS, first_request_middleware
from sloctl.sidecar.http.event_stream import EventStream
from sloctl.sidecar.http.metrics.endpoint import MetricsEndpoint
from sloctl.sidecar.http.options import LOOPBACK_OPTIONS, WebOptions
from sloctl.sidecar.http.page.routes import PageRoutes
from sloctl.sidecar.http.problem_details import problem_middleware, problem_response
from sloctl.sidecar.sources import Source
from sloctl.sidecar.sources.scrape.targets import TargetState

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
    engine: Engine
    time: Clock
    interval: float
    components: Sequence[Component] = ()
    routes: Sequence[web.RouteDef] = ()
    reload: ReloadSpecs | None = None
    targets: Callable[[], Sequence[TargetState]] = tuple
    self_metrics: SelfMetrics = tuple
    issues: Issues = dict
    web: WebOptions = LOOPBACK_OPTIONS


def build_application(sidecar: Sidecar) -> web.Application:
    """Polls from start-up to clean-up, and serves the newest board."""
    sheets = SnapshotCache(lambda: sidecar.feed.snapshot)
    events = EventStream(sidecar.feed, sidecar.web.max_streams)
    app = web.Application(
        middlewares=[first_request_middleware, problem_middleware, access_middleware(sidecar.web)],
        client_max_size=MAX_BODY_BYTES,
    )
    pages = PageRoutes(sidecar.feed, sidecar.engine, sidecar.time, interval=sidecar.interval)
    app.cleanup_ctx.append(_run_task("event stream", events.run))
    app.cleanup_ctx.append(_poll_source(sidecar))
    app.cleanup_ctx.extend(_open_component(part) for part in sidecar.components)
    app.on_response_prepare.append(_add_security_headers)
    app.on_shutdown.append(events.end_streams)
    app.add_routes(
        [
            *pages.build_routes(),
            *_api(sidecar, sheets).build_routes(),
            web.get("/live", events.serve_reader, allow_head=False),
            *_metrics_routes(sidecar, events),
            *_probe_routes(sidecar),
            *_reload_routes(sidecar),
            *sidecar.routes,
        ]
    )
    return app


def _api(sidecar: Sidecar, sheets: SnapshotCache) -> ApiRoutes:
    return ApiRoutes(
        snapshots=sheets,
        now=sidecar.time.now,
        started_at=sidecar.time.now(),
        version=version("sloctl"),
        issues=sidecar.issues,
        targets=sidecar.targets,
    )


def _poll_source(sidecar: Sidecar) -> Callable[[web.Application], AsyncIterator[None]]:
    async def polling(app: web.Application) -> AsyncIterator[None]:
        async with sidecar.open_source() as source:
            async for _ in _run_task("poller", lambda: sidecar.poller.run(source))(app):
                yield

    return polling


def _run_task(
    name: str, run: Callable[[], Coroutine[None, None, None]]
) -> Callable[[web.Application], AsyncIterator[None]]:
    """A loop that runs as long as the application."""

    async def running(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(run(), name=name)
        task.add_done_callback(_log_crash)
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    return running


def _open_component(part: Component) -> Callable[[web.Application], AsyncIterator[None]]:
    async def opening(_: web.Application) -> AsyncIterator[None]:
        async with part():
            yield

    return opening


def _log_crash(task: asyncio.Task[None]) -> None:
    """A loop ends by itself only through a bug, and this is the trace; /healthz tells of the poller's end."""
    if not task.cancelled() and (failure := task.exception()) is not None:
        _log.critical("the %s has crashed", task.get_name(), exc_info=failure)


async def _add_security_headers(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    # Which versions serve here is nobody's business.
    response.headers.popall("Server", None)


def _metrics_routes(sidecar: Sidecar, events: EventStream) -> list[web.RouteDef]:
    metrics = MetricsEndpoint(
        lambda: sidecar.feed.snapshot, sidecar.time.now, [sidecar.self_metrics, events.self_metrics, _build]
    )

    async def show_metrics(request: web.Request) -> web.Response:
        body, content_type = await metrics.render_scrape(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    return [web.get("/metrics", show_metrics)]


def _build() -> Iterable[SelfMetric]:
    labels = {"version": version("sloctl")}
    return (SelfMetric("sloctl_build_info", "What serves here; always 1.", MetricType.GAUGE, 1.0, labels),)


def _reload_routes(sidecar: Sidecar) -> list[web.RouteDef]:
    if sidecar.reload is None:
        return []
    if sidecar.web.token_file is None:
        return [forbidden_reload_route(RELOAD_PATH)]
    return [reload_route(RELOAD_PATH, sidecar.reload)]


def _probe_routes(sidecar: Sidecar) -> list[web.RouteDef]:
    async def healthz(_: web.Request) -> web.Response:
        quiet = sidecar.time.now() - sidecar.poller.last_tick_at
        if quiet > _STUCK_INTERVALS * sidecar.interval + _STUCK_GRACE * sidecar.time.speed:
            return problem_response(503, f"no tick for {quiet:.0f} s: the loop is stuck")
        return web.Response(text="ticking\n")

    async def readyz(_: web.Request) -> web.Response:
        if not sidecar.feed.snapshot.has_data:
            return problem_response(503, "no data yet")
        return web.Response(text="has data\n")

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]
