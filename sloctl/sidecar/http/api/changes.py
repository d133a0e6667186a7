"""Changes over HTTP: whoever deploys posts a line, and it marks the charts."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web

from sloctl.sidecar.engine.changes import ChangeLog, ServiceChange
from sloctl.sidecar.http.api import shapes
from sloctl.sidecar.http.problem_details import BadRequest, problem_response
from sloctl.timestamps import format_rfc3339, parse_rfc3339

CHANGES_PATH: Final = "/api/v1/changes"
# Seconds that a clock elsewhere may be ahead.
_MOST_AHEAD: Final = 300


@dataclass(frozen=True, slots=True)
class ChangeRoutes:
    """Post to *log*, where there is a token, and list what is in it."""

    log: ChangeLog
    now: Callable[[], float]
    has_token: bool

    def build_routes(self) -> list[web.RouteDef]:
        return [web.get(CHANGES_PATH, self.list_changes), web.post(CHANGES_PATH, self.record_change)]

    async def list_changes(self, _: web.Request) -> web.Response:
        newest_first = tuple(map(_shape, reversed(self.log.changes)))
        return _json_response(shapes.Changes(newest_first))

    async def record_change(self, request: web.Request) -> web.Response:
        if not self.has_token:
            # Any page in a browser on this machine could post.
            return problem_response(403, "changes are posted with a token, and none is configured")
        try:
            posted = msgspec.json.decode(await request.read(), type=shapes.Change)
            at = self.now() if posted.at is None else parse_rfc3339(posted.at)
        except (msgspec.DecodeError, ValueError) as wrong:
            raise BadRequest(f"a change is {{at, text, service}} as JSON: {wrong}") from wrong
        if not 0 < at <= self.now() + _MOST_AHEAD:
            detail = "a change has happened: at lies in the future, or before 1970"
            return problem_response(HTTPStatus.CONFLICT, detail)
        change = ServiceChange(at, posted.text, posted.service)
        self.log.record_change(change)
        return _json_response(_shape(change))


def _shape(change: ServiceChange) -> shapes.Change:
    return shapes.Change(change.text, format_rfc3339(change.at), change.service)


def _json_response(answer: shapes.Change | shapes.Changes) -> web.Response:
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")
