"""The pages over HTTP: what a browser is not needed for."""

from typing import Final

import pytest

from tests.sidecar.http_client import ask
from tests.sidecar.running_sidecar import RunningSidecar, run_sidecar
from tests.sidecar.specimens import LATENCY, slo

ROUTES: Final = slo(LATENCY, name="latency", group_by=("route",))
ROUTE: Final = (
    'request_seconds_count{{route="/pay"}} {0}\nrequest_seconds_bucket{{route="/pay",le="1"}} {1}\n'
)
OUTAGE: Final = (
    'requests_total{status="200"} 100\n' + ROUTE.format(1, 1),
    'requests_total{status="200"} 150\n' + ROUTE.format(1001, 1001),
    'requests_total{status="503"} 90\n' + ROUTE.format(2001, 1994),
)


async def in_an_outage(running: RunningSidecar) -> None:
    for exposition in OUTAGE:
        await running.tick(exposition)


async def test_a_page_is_small_and_its_files_are_kept() -> None:
    async with run_sidecar(slo(), ROUTES) as running:
        await in_an_outage(running)
        page = await ask(f"{running.url}/", Accept_Encoding="gzip")
        version = page.body.decode().partition("page.js?v=")[2][:12]
        script = await ask(f"{running.url}/static/page.js?v={version}", Accept_Encoding="gzip")

    assert page.headers["Content-Encoding"] == script.headers["Content-Encoding"] == "gzip"
    assert script.headers["Cache-Control"] == "private, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path", ["/slo/shop/nothing", "/slo/shop/latency?route=/none", "/slo/shop/latency?group-key=0"]
)
async def test_what_is_not_watched_is_not_found(path: str) -> None:
    async with run_sidecar(slo(), ROUTES) as running:
        await in_an_outage(running)
        missing = await ask(running.url + path)

    assert missing.status == 404
    assert b"No such SLO" in missing.body


@pytest.mark.parametrize(
    "query",
    ["range=1h", "range=30d", "range=3h", "until=2023-11-14T22:00:00Z", "until=x", "until=9e99"],
)
async def test_any_range_gives_a_page(query: str) -> None:
    async with run_sidecar(slo(), ROUTES) as running:
        await in_an_outage(running)
        answers = [await ask(f"{running.url}{path}?{query}") for path in ("/", "/slo/shop/availability")]

    assert [answer.status for answer in answers] == [200, 200]
