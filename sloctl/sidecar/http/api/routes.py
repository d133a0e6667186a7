"""The API over HTTP: requests in, answers that are encoded once per snapshot out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

from aiohttp import web

from sloctl.sidecar.component import Issues, ReloadSpecs
from sloctl.sidecar.http.api import answers, shapes
from sloctl.sidecar.http.api.encoded_snapshot import EncodedAnswer, SnapshotCache, encode_answer, tag_body
from sloctl.sidecar.http.api.query import parse_slo_query, reject_parameters, select_slos
from sloctl.sidecar.http.problem_details import encode_problem, problem_response
from sloctl.sidecar.sources.scrape.targets import TargetState

# The client keeps it, and asks each time whether it has changed.
_CACHE_CONTROL: Final = "private, no-cache"


@dataclass(frozen=True, slots=True)
class ApiRoutes:
    """The routes below /api/v1, and what they answer from; *started_at* is in Unix seconds."""

    snapshots: SnapshotCache
    now: Callable[[], float]
    started_at: float
    version: str
    issues: Issues
    targets: Callable[[], Sequence[TargetState]]
    document: EncodedAnswer = field(
        default_factory=lambda: tag_body(files(__package__).joinpath("openapi.json").read_bytes())
    )

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
        query = parse_slo_query(request.query.items())
        latest = self.snapshots.latest
        page = latest.cached_answer(query)
        if page is None:
            selection = select_slos(query, latest.states, latest.list_keys)
            await latest.encode_ahead(selection.indexes)
            page = latest.answer_once(
                query,
                lambda: answers.slo_page(
                    latest.snapshot, latest.encoded_slos(selection.indexes), selection.next_after
                ),
            )
        return _conditional_response(request, page)

    async def show_slo(self, request: web.Request) -> web.Response:
        reject_parameters(request.query)
        slo_id = f"{request.match_info['service']}/{request.match_info['name']}"
        latest = self.snapshots.latest
        encoded = latest.encoded_slos(latest.group_indexes(slo_id))
        groups = answers.slo_groups(latest.snapshot, slo_id, encoded)
        if groups is None:
            return problem_response(404, "no spec has an SLO of this name")
        return _conditional_response(request, encode_answer(groups))

    async def list_alerts(self, request: web.Request) -> web.Response:
        reject_parameters(request.query)
        snapshot = self.snapshots.latest.snapshot
        alerts = answers.firing_alerts(snapshot, now=self.now(), watched_since=self.started_at)
        return _conditional_response(request, encode_answer(alerts))

    async def list_targets(self, request: web.Request) -> web.Response:
        reject_parameters(request.query)
        return _conditional_response(request, encode_answer(answers.target_list(self.targets())))

    async def show_status(self, request: web.Request) -> web.Response:
        reject_parameters(request.query)
        status = answers.sidecar_status(
            self.snapshots.latest.snapshot,
            version=self.version,
            started_at=self.started_at,
            issues=self.issues(),
        )
        return _conditional_response(request, encode_answer(status))

    async def show_openapi(self, request: web.Request) -> web.Response:
        reject_parameters(request.query)
        return _conditional_response(request, self.document)


def reload_route(path: str, reload: ReloadSpecs) -> web.RouteDef:
    """Read the specs anew on POST only, so that a followed link changes nothing."""

    async def reload_specs(_: web.Request) -> web.Response:
        outcome = answers.reload_outcome(await reload())
        if outcome.in_force:
            return web.Response(body=encode_answer(outcome).body, content_type="application/json")
        detail = "the specs from before are still watched"
        return encode_problem(
            shapes.ReloadProblemDetails("Unprocessable Entity", 422, detail, outcome.problems)
        )

    return web.post(path, reload_specs)


def forbidden_reload_route(path: str) -> web.RouteDef:
    """Refuse to reload where there is no token: any page in a browser on this machine could ask for it."""

    async def forbid_reload(_: web.Request) -> web.Response:
        return problem_response(403, "reloading over HTTP needs a token; without one, send SIGHUP")

    return web.post(path, forbid_reload)


def _conditional_response(request: web.Request, answer: EncodedAnswer) -> web.Response:
    """Answer with 304 where the client has these bytes already."""
    headers = {"ETag": f'"{answer.etag}"', "Cache-Control": _CACHE_CONTROL}
    # Weakly, as RFC 9110 wants it here: a proxy that compresses may have marked our tag as weak.
    if any(tag.value in {answer.etag, "*"} for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=answer.body, content_type="application/json", headers=headers)
