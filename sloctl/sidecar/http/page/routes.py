"""The pages over HTTP, and the three files they are made with."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Final

from aiohttp import web

from sloctl.duration import HOUR, MINUTE
from sloctl.naming import LabelStyle
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.component import Issues
from sloctl.sidecar.engine.changes import ChangeLog
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.engine.tick_loop import SnapshotFeed
from sloctl.sidecar.engine.timeline import FiringPeriod
from sloctl.sidecar.http.page.charts import draw_budget, draw_error_ratio, draw_sparkline, draw_traffic
from sloctl.sidecar.http.page.query import (
    GROUP_KEY_PARAMETER,
    ChartRange,
    group_key,
    parse_chart_range,
    parse_list_query,
    range_choices,
)
from sloctl.sidecar.http.page.rendering import PageFrame, SloCharts, SloDetail, render_page
from sloctl.sidecar.http.page.slo_list import RankingCache, SloListing, list_slos, summarize_services
from sloctl.slo.health import Health

_STATIC: Final = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_CACHE_FOREVER: Final = "private, max-age=31536000, immutable"
_ERROR_RANGE: Final = 6 * HOUR
# Of these the page says since when they burn.
_BURNING: Final = {Health.PAGING, Health.TICKETED, Health.EXHAUSTING, Health.BURNING}
# Six hours, in steps of ten minutes.
_SPARKLINE_STEP: Final = 10 * MINUTE
_SPARKLINE_POINTS: Final = 36


class PageRoutes:
    """The list, the page of each SLO, and the static files; *interval* is the seconds between two ticks."""

    def __init__(
        self,
        feed: SnapshotFeed,
        engine: Engine,
        time: Clock,
        *,
        interval: float,
        issues: Issues,
        changes: ChangeLog,
        label_style: LabelStyle,
    ) -> None:
        self._feed = feed
        self._engine = engine
        self._time = time
        self._issues = issues
        self._changes = changes
        self._label_style = label_style
        self._tick = max(0.25, interval / time.speed)
        self._ranking = RankingCache()
        self._static = {name: files(__package__).joinpath("static", name).read_text() for name in _STATIC}
        self._version = sha256("".join(self._static.values()).encode()).hexdigest()[:12]
        self._sparkline_minute = 0.0
        self._sparklines: dict[str, str] = {}
        self._alerts_minute = 0.0
        self._alerts_found: dict[str, Sequence[FiringPeriod]] = {}

    def build_routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.show_list),
            web.get("/services", self.show_services),
            web.get("/slo/{service}/{name}", self.show_slo),
            web.get(f"/static/{{name:{'|'.join(_STATIC)}}}", self.serve_static),
        ]

    async def show_list(self, request: web.Request) -> web.Response:
        ranked = self._ranking.rank_once(self._feed.snapshot)
        listing = list_slos(ranked, parse_list_query(request.query))
        return self._page_response("list.html", listing=listing, sparklines=self._draw_sparklines(listing))

    async def show_services(self, _: web.Request) -> web.Response:
        ranked = self._ranking.rank_once(self._feed.snapshot)
        return self._page_response("services.html", services=summarize_services(ranked))

    async def show_slo(self, request: web.Request) -> web.Response:
        slo_id = f"{request.match_info['service']}/{request.match_info['name']}"
        groups = self._ranking.rank_once(self._feed.snapshot).groups.get(slo_id, ())
        state = _find_group(groups, request.query)
        if state is None:
            return self._page_response("missing.html", status=404)
        detail = self._slo_detail(state, groups, request.query)
        return self._page_response("slo.html", detail=detail, state=state)

    async def serve_static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        caching = _CACHE_FOREVER if request.query.get("v") == self._version else "private, no-cache"
        response = web.Response(
            text=self._static[name], content_type=_STATIC[name], headers={"Cache-Control": caching}
        )
        response.enable_compression()
        return response

    def _page_response(self, template: str, *, status: int = 200, **context: object) -> web.Response:
        frame = PageFrame(
            snapshot=self._feed.snapshot,
            paging_count=self._ranking.rank_once(self._feed.snapshot).paging_count,
            issues=self._issues(),
            now=self._time.now(),
            tick=self._tick,
            speed=self._time.speed,
            version=self._version,
        )
        text = render_page(template, frame, **context)
        response = web.Response(text=text, content_type="text/html", status=status)
        response.enable_compression()
        return response

    def _draw_sparklines(self, listing: SloListing) -> dict[str, str]:
        """Draw the sparkline of each listed SLO once a minute; give all by group key."""
        minute = self._snapshot_time // MINUTE
        if minute != self._sparkline_minute:
            self._sparkline_minute, self._sparklines = minute, {}
        for state in listing.states:
            if (key := group_key(state)) not in self._sparklines:
                rates = self._engine.recent_burn_rates(
                    state, end=MINUTE * (minute + 1), width=_SPARKLINE_STEP, points=_SPARKLINE_POINTS
                )
                if rates is not None:
                    self._sparklines[key] = draw_sparkline(rates)
        return self._sparklines

    def _slo_detail(
        self, state: SloState, siblings: Sequence[SloState], parameters: Mapping[str, str]
    ) -> SloDetail:
        window, now = state.slo.window.seconds, self._snapshot_time
        requested = parse_chart_range(parameters, window)
        shown = requested or ChartRange(_fitting_range(state, now))
        end = shown.until or now
        timeline = self._engine.slo_timeline(state, begin=end - shown.seconds, end=end)
        charts = None
        if timeline is not None:
            charts = SloCharts(
                draw_error_ratio(state, timeline), draw_traffic(timeline), draw_budget(state, timeline)
            )
        return SloDetail(
            state,
            siblings,
            requested,
            shown,
            now,
            charts=charts,
            past_alerts=self._past_alerts(state),
            changes=self._changes.between(end - shown.seconds, end, state.slo.service),
            label_style=self._label_style,
            burning_since=self._engine.burn_start(state) if state.health in _BURNING else None,
        )

    def _past_alerts(self, state: SloState) -> Sequence[FiringPeriod]:
        """Find the past alerts of an SLO once a minute."""
        minute, key = self._snapshot_time // MINUTE, group_key(state)
        if minute != self._alerts_minute:
            self._alerts_minute, self._alerts_found = minute, {}
        if key not in self._alerts_found:
            self._alerts_found[key] = self._engine.past_alerts(state)
        return self._alerts_found[key]

    @property
    def _snapshot_time(self) -> float:
        """The tick of the snapshot, now before the first; Unix seconds."""
        return self._time.now() if self._feed.snapshot.at is None else self._feed.snapshot.at


def _fitting_range(state: SloState, now: float) -> int:
    """Choose the seconds of a chart of which what fires has a third; six hours where nothing does."""
    choices = range_choices(state.slo.window.seconds)
    firing = [alert.since for alert in state.alerts if alert.since is not None]
    if not firing:
        return min(_ERROR_RANGE, choices[-1])
    return next((each for each in choices if each >= 3 * (now - min(firing))), choices[-1])


def _find_group(groups: Sequence[SloState], parameters: Mapping[str, str]) -> SloState | None:
    """Find the worst of the groups that have the label values, or the key, that are asked for."""
    for state in groups:
        labels = state.group_labels
        is_named = all(
            labels.get(name) == parameters[name] for name in state.slo.group_by if name in parameters
        )
        if is_named and parameters.get(GROUP_KEY_PARAMETER) in {None, group_key(state)}:
            return state
    return None
