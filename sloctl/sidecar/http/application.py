"""The sidecar as an aiohttp application: its routes, and what runs while it is served."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final, TypeAlias

from aiohttp import web

from sloctl.naming import NATIVE_STYLE, LabelStyle
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.component import Component, Issues, MetricType, ReloadSpecs, SelfMetric, SelfMetrics
from sloctl.sidecar.engine.changes import ChangeLog
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.tick_loop import SnapshotFeed, TickLoop
from sloctl.sidecar.http.access import RELOAD_PATH, access_middleware
from sloctl.sidecar.http.api.changes import ChangeRoutes
from sloctl.sidecar.http.api.encoded_snapshot import SnapshotCache
from sloctl.sidecar.http.api.routes import ApiRoutes, forbidden_reload_route, reload_route
from sloctl.sidecar.http.connection import MAX_BODY_BYTES, SECURITY_HEADERS, first_request_middleware
from sloctl.sidecar.http.event_stream import EventStream
from sloctl.sidecar.http.large_answers import large_answer_middleware
from sloctl.sidecar.http.metrics.endpoint import MetricsEndpoint
from sloctl.sidecar.http.metrics.exposition import MAX_METRICS_BYTES
from sloctl.sidecar.http.options import LOOPBACK_OPTIONS, WebOptions
from sloctl.sidecar.http.page.routes import PageRoutes
from sloctl.sidecar.http.problem_details import problem_middleware, problem_response
from sloctl.sidecar.runtime import run_in_background
from sloctl.sidecar.sources import Source
from sloctl.sidecar.sources.scrape.targets import TargetState

# A loop that has done nothing for so many intervals, and this many seconds more, is stuck.
_STUCK_INTERVALS: Final = 3
_STUCK_GRACE: Final = 30.0

OpenSource: TypeAlias = Callable[[], AbstractAsyncContextManager[Source]]


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The parts of one sidecar; *interval* is the seconds between two ticks.

    *components* open in their order once the tick loop runs, and close in reverse. *targets*, *self_metrics*
    and *issues* are called whenever someone reads them.
    """

    open_source: OpenSource
    tick_loop: TickLoop
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
    max_metrics_bytes: int = MAX_METRICS_BYTES
    label_style: LabelStyle = NATIVE_STYLE


def build_application(sidecar: Sidecar) -> web.Application:
    """Build the application that ticks from start-up to clean-up, and serves the newest snapshot."""
    feed, now = sidecar.feed, sidecar.time.now
    events = EventStream(feed, sidecar.web.max_streams)
    build_info = SelfMetric(
        "sloctl_build_info",
        "What serves here; always 1.",
        MetricType.GAUGE,
        1.0,
        {"version": version("sloctl")},
    )
    metrics = MetricsEndpoint(
        lambda: feed.snapshot,
        now,
        [sidecar.self_metrics, events.self_metrics, lambda: (build_info,)],
        max_bytes=sidecar.max_metrics_bytes,
    )

    def all_issues() -> Mapping[str, str]:
        return {**sidecar.issues(), **metrics.issues()}

    changes = ChangeLog()
    pages = PageRoutes(
        feed,
        sidecar.engine,
        sidecar.time,
        interval=sidecar.interval,
        issues=all_issues,
        changes=changes,
        label_style=sidecar.label_style,
    )
    api = ApiRoutes(
        snapshots=SnapshotCache(lambda: feed.snapshot),
        now=now,
        started_at=now(),
        version=version("sloctl"),
        issues=all_issues,
        targets=sidecar.targets,
    )

    async def run_parts(_: web.Application) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(run_in_background(events.run(), name="event stream"))
            source = await stack.enter_async_context(sidecar.open_source())
            ticking = run_in_background(sidecar.tick_loop.run(source), name="tick loop")
            await stack.enter_async_context(ticking)
            for open_component in sidecar.components:
                await stack.enter_async_context(open_component())
            yield

    app = web.Application(
        middlewares=[
            first_request_middleware,
            large_answer_middleware(),
            problem_middleware,
            access_middleware(sidecar.web),
        ],
        client_max_size=MAX_BODY_BYTES,
    )
    app.cleanup_ctx.append(run_parts)
    app.on_response_prepare.append(_add_security_headers)
    app.on_shutdown.append(events.end_streams)
    app.add_routes(
        [
            *pages.build_routes(),
            *api.build_routes(),
            *ChangeRoutes(changes, now, has_token=sidecar.web.token_file is not None).build_routes(),
            web.get("/live", events.serve_reader, allow_head=False),
            web.get("/metrics", metrics.show_metrics),
            *_probe_routes(sidecar),
            *_reload_routes(sidecar),
            *sidecar.routes,
        ]
    )
    return app


async def _add_security_headers(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    # Which versions serve here is nobody's business.
    response.headers.popall("Server", None)


def _reload_routes(sidecar: Sidecar) -> list[web.RouteDef]:
    if sidecar.reload is None:
        return []
    if sidecar.web.token_file is None:
        return [forbidden_reload_route(RELOAD_PATH)]
    return [reload_route(RELOAD_PATH, sidecar.reload)]


def _probe_routes(sidecar: Sidecar) -> list[web.RouteDef]:
    async def show_liveness(_: web.Request) -> web.Response:
        quiet = sidecar.time.now() - sidecar.tick_loop.last_progress_at
        if quiet > _STUCK_INTERVALS * sidecar.interval + _STUCK_GRACE * sidecar.time.speed:
            return problem_response(503, f"no tick for {quiet:.0f} s: the loop is stuck")
        return web.Response(text="ticking\n")

    async def show_readiness(_: web.Request) -> web.Response:
        if not sidecar.feed.snapshot.has_data:
            return problem_response(503, "no data yet")
        return web.Response(text="has data\n")

    return [web.get("/healthz", show_liveness), web.get("/readyz", show_readiness)]
