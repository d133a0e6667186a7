"""The pages over HTTP, and the two files they are made with."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Final

from aiohttp import web

from sloctl.duration import HOUR, MINUTE
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.engine.tick_loop import SnapshotFeed
from sloctl.sidecar.http.page import rendering
from sloctl.sidecar.http.page.charts import draw_budget, draw_burn_rate, draw_sparkline
from sloctl.sidecar.http.page.query import (
    GROUP_KEY_PARAMETER,
    ChartRange,
    group_key,
    parse_chart_range,
    parse_list_query,
)
from sloctl.sidecar.http.page.slo_list import RankingCache, SloListing, list_slos

_STATIC: Final = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_CACHE_FOREVER: Final = "private, max-age=31536000, immutable"
_ERROR_RANGE: Final = 6 * HOUR
# Six hours, in steps of ten minutes.
_SPARKLINE_STEP: Final = 10 * MINUTE
_SPARKLINE_POINTS: Final = 36


class PageRoutes:
    """*interval* is the seconds between two ticks."""

    def __init__(self, feed: SnapshotFeed, ledger: Engine, time: Clock, *, interval: float) -> None:
        self._feed = feed
        self._ledger = ledger
        self._time = time
        self._tick = max(0.25, interval / time.speed)
        self._ranking = RankingCache()
        self._static = {name: files(__package__).joinpath("static", name).read_text() for name in _STATIC}
        self._version = sha256("".join(self._static.values()).encode()).hexdigest()[:12]
        self._sparked = 0.0
        self._sparks: dict[str, str] = {}

    def build_routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.show_list),
            web.get("/slo/{service}/{name}", self.show_slo),
            web.get(f"/static/{{name:{'|'.join(_STATIC)}}}", self.serve_static),
        ]

    async def show_list(self, request: web.Request) -> web.Response:
        shown = list_slos(self._ranking.rank_once(self._feed.snapshot), parse_list_query(request.query))
        return _html_response(
            rendering.render_list_page(self._page_frame(), shown, self._draw_sparklines(shown))
        )

    async def show_slo(self, request: web.Request) -> web.Response:
        slo_id = f"{request.match_info['service']}/{request.match_info['name']}"
        groups = self._ranking.rank_once(self._feed.snapshot).groups.get(slo_id, ())
        entry = _find_group(groups, request.query)
        if entry is None:
            return _html_response(rendering.render_missing_page(self._page_frame()), status=404)
        return _html_response(
            rendering.render_detail_page(self._page_frame(), self._slo_detail(entry, groups, request.query))
        )

    async def serve_static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        kept = _CACHE_FOREVER if request.query.get("v") == self._version else "private, no-cache"
        response = web.Response(
            text=self._static[name], content_type=_STATIC[name], headers={"Cache-Control": kept}
        )
        response.enable_compression()
        return response

    def _page_frame(self) -> rendering.PageFrame:
        return rendering.PageFrame(
            snapshot=self._feed.snapshot,
            paging_count=self._ranking.rank_once(self._feed.snapshot).paging_count,
            now=self._time.now(),
            tick=self._tick,
            speed=self._time.speed,
            version=self._version,
        )

    def _draw_sparklines(self, shown: SloListing) -> dict[str, str]:
        """Drawn once a minute."""
        minute = self._now // MINUTE
        if minute != self._sparked:
            self._sparked, self._sparks = minute, {}
        for entry in shown.entries:
            if (key := group_key(entry)) not in self._sparks:
                rates = self._ledger.recent_burn_rates(
                    entry, end=MINUTE * (minute + 1), width=_SPARKLINE_STEP, points=_SPARKLINE_POINTS
                )
                if rates is not None:
                    self._sparks[key] = draw_sparkline(rates)
        return self._sparks

    @property
    def _now(self) -> float:
        """The tick that the board is of."""
        return self._time.now() if self._feed.snapshot.at is None else self._feed.snapshot.at

    def _slo_detail(
        self, entry: SloState, groups: Sequence[SloState], asked: Mapping[str, str]
    ) -> rendering.SloDetail:
        window, now = entry.slo.window.seconds, self._now
        shown = parse_chart_range(asked, window)
        errors = shown or ChartRange(min(_ERROR_RANGE, window))
        budget = shown or ChartRange(window)
        timelines = {
            each: self._ledger.slo_timeline(
                entry, begin=(each.until or now) - each.seconds, end=each.until or now
            )
            for each in (errors, budget)
        }
        error_timeline, budget_timeline = timelines[errors], timelines[budget]
        if error_timeline is None or budget_timeline is None:
            return rendering.SloDetail(entry, groups, shown, errors=None, budget=None)
        return rendering.SloDetail(
            entry,
            groups,
            shown,
            errors=(errors, draw_burn_rate(entry, error_timeline)),
            budget=(budget, draw_budget(budget_timeline)),
        )


def _find_group(groups: Sequence[SloState], asked: Mapping[str, str]) -> SloState | None:
    """The worst of the groups that have the label values, or the key, asked for."""
    for entry in groups:
        labels = entry.group_labels
        is_named = all(labels.get(name) == asked[name] for name in entry.slo.group_by if name in asked)
        if is_named and asked.get(GROUP_KEY_PARAMETER) in {None, group_key(entry)}:
            return entry
    return None


def _html_response(text: str, status: int = 200) -> web.Response:
    response = web.Response(text=text, content_type="text/html", status=status)
    response.enable_compression()
    return response
