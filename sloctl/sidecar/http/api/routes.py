"""The API over HTTP: requests in, answers that were encoded once per board out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from aiohttp import web

from sloctl.sidecar.component import Issues, ReloadSpecs
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.http.api import answers, convert, shapes
from sloctl.sidecar.http.api.encoded_snapshot import EncodedAnswer, SnapshotCache, encode_answer
from sloctl.sidecar.http.api.openapi import served_document
from sloctl.sidecar.http.api.query import BadQuery, parse_slo_query, reject_parameters, select_slos
from sloctl.sidecar.http.problem_details import PROBLEM_TYPE, problem_response
from sloctl.sidecar.sources.scrape.targets import TargetState

# Kept by the client, and asked about each time.
_CACHE_CONTROL: Final = "private, no-cache"


@dataclass(frozen=True, slots=True)
class ApiRoutes:
    """What the answers are made from; *started* is in Unix seconds."""

    snapshots: SnapshotCache
    now: Callable[[], float]
    started_at: float
    version: str
    issues: Issues
    targets: Callable[[], Sequence[TargetState]]

    def build_routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/slos", self.list_slos),
            web.get("/api/v1/slos/{service}/{name}", self.show_slo),
            web.get("/api/v1/alerts", self.list_alerts),
            web.get("/api/v1/targets", self.list_targets),
            web.get("/api/v1/status", self.show_status),
            web.get("/api/v1/openapi.json", self.show_openapi),
        ]

    async def list_slos(self, request: web.Request) -> web.Response:
        try:
            query = parse_slo_query(request.query.items())
        except BadQuery as wrong:
            return problem_response(400, str(wrong))
        sheet = self.snapshots.latest
        page = sheet.cached_answer(query)
        if page is None:
            selection = select_slos(query, sheet.states, sheet.list_keys)
            await sheet.encode_ahead(selection.indexes)
            page = sheet.answer_once(query, lambda: answers.slo_page(sheet, selection))
        return _conditional_response(request, page)

    async def show_slo(self, request: web.Request) -> web.Response:
        slo_id = f"{request.match_info['service']}/{request.match_info['name']}"
        if (wrong := _reject_any_parameter(request)) is not None:
            return wrong
        groups = answers.slo_groups(self.snapshots.latest, slo_id)
        if groups is None:
            return problem_response(404, "no spec has an SLO of this name")
        return _conditional_response(request, encode_answer(groups))

    async def list_alerts(self, request: web.Request) -> web.Response:
        alerts = answers.firing_alerts(self._snapshot, now=self.now(), watched_since=self.started_at)
        return _reject_any_parameter(request) or _conditional_response(request, encode_answer(alerts))

    async def list_targets(self, request: web.Request) -> web.Response:
        return _reject_any_parameter(request) or _conditional_response(
            request, encode_answer(answers.target_list(self.targets()))
        )

    async def show_status(self, request: web.Request) -> web.Response:
        status = answers.sidecar_status(
            self._snapshot,
            version=self.version,
            started=self.started_at,
            is_ready=self._snapshot.has_data,
            issues=self.issues(),
        )
        return _reject_any_parameter(request) or _conditional_response(request, encode_answer(status))

    async def show_openapi(self, request: web.Request) -> web.Response:
        return _reject_any_parameter(request) or _conditional_response(request, served_document())

    @property
    def _snapshot(self) -> Snapshot:
        return self.snapshots.latest.snapshot


def reload_route(path: str, reload: ReloadSpecs) -> web.RouteDef:
    """POST only: a GET changes nothing, whoever follows a link."""

    async def reload_specs(_: web.Request) -> web.Response:
        outcome = convert.reload_outcome(await reload())
        if outcome.in_force:
            return web.Response(body=msgspec.json.encode(outcome), content_type="application/json")
        refused = shapes.ReloadProblemDetails(
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
        return problem_response(403, "reloading over HTTP needs a token; without one, send SIGHUP")

    return web.post(path, refuse)


def _reject_any_parameter(request: web.Request) -> web.Response | None:
    """The refusal of a parameter where none is known."""
    try:
        reject_parameters(request.query.items())
    except BadQuery as wrong:
        return problem_response(400, str(wrong))
    return None


def _conditional_response(request: web.Request, given: EncodedAnswer) -> web.Response:
    headers = {"ETag": f'"{given.etag}"', "Cache-Control": _CACHE_CONTROL}
    # Weakly, as RFC 9110 wants it here: a proxy that compresses may have marked our tag as weak.
    if any(tag.value in {given.etag, "*"} for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=given.body, content_type="application/json", headers=headers)
