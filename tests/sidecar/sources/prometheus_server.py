"""A server that answers range queries as a Prometheus would, as wrongly as a test wants."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from aiohttp import web

from sloctl.model import Slo
from sloctl.prometheus.credentials import ClientOptions
from sloctl.sidecar.http.server import serve_application
from sloctl.sidecar.sources.prometheus.options import PrometheusOptions
from sloctl.sidecar.sources.prometheus.source import PrometheusSource

# (errors, events) by the end of the minute.
Minutes: TypeAlias = dict[int, tuple[float, float]]


_REFUSAL = {
    "status": "error",
    "errorType": "execution",
    "error": "many-to-many matching not allowed",
}


@dataclass
class PrometheusServer:
    """What rules recorded and repaired, what the raw series give, by SLO id, and when it *scraped* at all.

    *broken* answers in place of both, and so many first queries *stumble*. Queries with *refuses* in them
    fail as wrong PromQL does.
    """

    recorded: dict[str, Minutes] = field(default_factory=dict)
    raw: dict[str, Minutes] = field(default_factory=dict)
    repaired: dict[str, Minutes] = field(default_factory=dict)
    scraped: tuple[int, ...] | None = None
    broken: web.Response | None = None
    stumbles: int = 0
    hangs: bool = False
    refuses: str | None = None
    warnings: tuple[str, ...] = ()
    queries: list[Mapping[str, str]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/api/v1/query_range", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.queries.append(form)
        self.headers.append(request.headers)
        if self.hangs:
            await asyncio.sleep(60)
        if self.stumbles:
            self.stumbles -= 1
            return web.Response(status=503)
        if self.broken is not None:
            return web.Response(status=self.broken.status, body=self.broken.body)
        if self.refuses is not None and self.refuses in form["query"]:
            return web.json_response(_REFUSAL, status=422)
        if "up[" in form["query"]:
            return web.json_response(_answer(self._scrapes(form), self.warnings))
        rows = [row for slo_id in self._meant(form["query"]) for row in self._rows(slo_id, form)]
        return web.json_response(_answer(rows, self.warnings))

    def _scrapes(self, form: Mapping[str, str]) -> list[object]:
        start, end = int(form["start"]), int(form["end"])
        known = range(start, end + 1, 60) if self.scraped is None else self.scraped
        return [{"metric": {}, "values": [[at, "1"] for at in known if start <= at <= end]}]

    def _meant(self, query: str) -> list[str]:
        """Rollups are queried by id; a raw metric is named after its SLO."""
        every = dict.fromkeys([*self.recorded, *self.raw])
        if "slo:sli_" in query:
            return [slo_id for slo_id in every if slo_id in query]
        return [slo_id for slo_id in every if f"{slo_id.split('/')[1]}_total" in query]

    def _rows(self, slo_id: str, form: Mapping[str, str]) -> list[object]:
        query = form["query"]
        is_recorded = "slo:sli_" in query
        recorded = self.repaired if 'slo_part="repair"' in query else self.recorded
        minutes = (recorded if is_recorded else self.raw).get(slo_id, {})
        side = 0 if "slo:sli_error" in query or "5.." in query else 1
        start, end = int(form["start"]), int(form["end"])
        values = [[at, str(pair[side])] for at, pair in sorted(minutes.items()) if start <= at <= end]
        labels = {"slo_id": slo_id} if is_recorded else {}
        return [{"metric": labels, "values": values}] if values else []


def _answer(rows: list[object], warnings: tuple[str, ...]) -> dict[str, object]:
    return {
        "status": "success",
        "data": {"resultType": "matrix", "result": rows},
        "warnings": warnings,
    }


@asynccontextmanager
async def open_source(
    server: PrometheusServer,
    *slos: Slo,
    client: ClientOptions | None = None,
    read_seconds: float = 30,
    contributor_labels: tuple[str, ...] = (),
    cluster_labels: tuple[str, ...] = (),
    partial_response: bool = False,
) -> AsyncIterator[PrometheusSource]:
    """A source that reads *server*, without waits between attempts."""
    async with serve_application(server.application(), "127.0.0.1", 0) as url:
        options = PrometheusOptions(
            url,
            client=client or ClientOptions(),
            settle_seconds=5,
            read_seconds=read_seconds,
            contributor_labels=contributor_labels,
            cluster_labels=cluster_labels,
            partial_response=partial_response,
        )
        async with PrometheusSource(options, slos, jitter=lambda: 0.0).open_source() as source:
            yield source
