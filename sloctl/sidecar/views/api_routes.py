"""The API over HTTP: requests in, answers that were encoded once per board out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from aiohttp import web

from sloctl.sidecar.board import Snapshot
from sloctl.sidecar.parts import Reload, Troubles
from sloctl.sidecar.sources.targets import TargetState
from sloctl.sidecar.views import api
from sloctl.sidecar.views import api_answers as answers
from sloctl.sidecar.views import api_shapes as shapes
from sloctl.sidecar.views.api_query import BadQuery, no_query, selected, slo_query
from sloctl.sidecar.views.api_sheet import Answer, Sheets, answer
from sloctl.sidecar.views.openapi import document
from sloctl.sidecar.views.problem import PROBLEM_TYPE, problem

# Kept by the client, and asked about each time.
_CACHED: Final = "private, no-cache"


@dataclass(frozen=True, slots=True)
class Api:
    """What the answers are made from; *started* is in Unix seconds."""

    sheets: Sheets
    now: Callable[[], float]
    started: float
    version: str
    troubles: Troubles
    targets: Callable[[], Sequence[TargetState]]

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/slos", self._slos),
            web.get("/api/v1/slos/{service}/{name}", self._slo),
            web.get("/api/v1/alerts", self._alerts),
            web.get("/api/v1/targets", self._targets),
            web.get("/api/v1/status", self._status),
            web.get("/api/v1/openapi.json", self._openapi),
        ]

    async def _slos(self, request: web.Request) -> web.Response:
        try:
            query = slo_query(request.query.items())
        except BadQuery as wrong:
            return problem(400, str(wrong))
        sheet = self.sheets.newest
        page = sheet.known(query)
        if page is None:
            selection = selected(query, sheet.entries, sheet.texts)
            await sheet.prepare(selection.places)
            page = sheet.answer(query, lambda: answers.slo_page(sheet, selection))
        return _answered(request, page)

    async def _slo(self, request: web.Request) -> web.Response:
        slo_id = f"{request.match_info['service']}/{request.match_info['name']}"
        if (wrong := _parameter(request)) is not None:
            return wrong
        groups = answers.slo_groups(self.sheets.newest, slo_id)
        if groups is None:
            return problem(404, "no spec has an SLO of this name")
        return _answered(request, answer(groups))

    async def _alerts(self, request: web.Request) -> web.Response:
        alerts = answers.firing_alerts(self._board, now=self.now(), watched_since=self.started)
        return _parameter(request) or _answered(request, answer(alerts))

    async def _targets(self, request: web.Request) -> web.Response:
        return _parameter(request) or _answered(request, answer(answers.targets(self.targets())))

    async def _status(self, request: web.Request) -> web.Response:
        status = answers.status(
            self._board,
            version=self.version,
            started=self.started,
            is_ready=self._board.has_data,
            troubles=self.troubles(),
        )
        return _parameter(request) or _answered(request, answer(status))

    async def _openapi(self, request: web.Request) -> web.Response:
        return _parameter(request) or _answered(request, document())

    @property
    def _board(self) -> Snapshot:
        return self.sheets.newest.board


def reload_route(path: str, reload: Reload) -> web.RouteDef:
    """POST only: a GET changes nothing, whoever follows a link."""

    async def reload_specs(_: web.Request) -> web.Response:
        outcome = api.reload_outcome(await reload())
        if outcome.in_force:
            return web.Response(body=msgspec.json.encode(outcome), content_type="application/json")
        refused = shapes.SpecsRefused(
            title="Unprocessable Entity",
            status=422,
            detail="the specs from before are still watched",
            problems=outcome.problems,
        )
        return web.Response(status=422, body=msgspec.json.encode(refused), content_type=PROBLEM_TYPE)

    return web.post(path, reload_specs)


def forbidden_reload_route(path: str) -> web.RouteDef:
    """Without a token any page in a browser on this machine could ask."""

    async def refuse(_: web.Request) -> web.Response:
        return problem(403, "reloading over HTTP needs a token; without one, send SIGHUP")

    return web.post(path, refuse)


def _parameter(request: web.Request) -> web.Response | None:
    """The refusal of a parameter where none is known."""
    try:
        no_query(request.query.items())
    except BadQuery as wrong:
        return problem(400, str(wrong))
    return None


def _answered(request: web.Request, given: Answer) -> web.Response:
    headers = {"ETag": f'"{given.etag}"', "Cache-Control": _CACHED}
    # Weakly, as RFC 9110 wants it here: a proxy that compresses may have marked our tag as weak.
    if any(tag.value in {given.etag, "*"} for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=given.body, content_type="application/json", headers=headers)
