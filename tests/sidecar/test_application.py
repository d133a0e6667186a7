"""The sidecar as its clients see it, over real HTTP, watching a real service."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from sloctl.model import ConditionIndicator, WhenAbsent
from sloctl.sidecar.http.connection import SECURITY_HEADERS
from tests.sidecar.running_sidecar import SHOP, run_sidecar
from tests.sidecar.specimens import slo

HEALTHY = 'requests_total{status="200"} 200\n'
OUTAGE = 'requests_total{status="200"} 200\nrequests_total{status="503"} 300\n'


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def text(client: aiohttp.ClientSession, url: str) -> str:
    async with client.get(url) as response:
        assert response.status == 200
        return await response.text()


async def sample(client: aiohttp.ClientSession, url: str, name: str, **labels: str) -> float | None:
    """The sidecar's own sample of that name whose labels are at least *labels*."""
    families = text_string_to_metric_families(await text(client, f"{url}/metrics"))
    found = [
        each.value
        for family in families
        for each in family.samples
        if each.name == name and labels.items() <= each.labels.items()
    ]
    return found[0] if found else None


async def test_readiness_waits_for_the_first_data(client: aiohttp.ClientSession) -> None:
    async with run_sidecar() as running:
        async with client.get(f"{running.url}/readyz") as before:
            assert before.status == 503
            assert before.content_type == "application/problem+json"
        await running.tick(HEALTHY)

        assert await text(client, f"{running.url}/readyz") == "has data\n"


async def test_liveness_fails_when_the_loop_no_longer_ticks(client: aiohttp.ClientSession) -> None:
    async with run_sidecar() as running:
        assert await text(client, f"{running.url}/healthz") == "ticking\n"
        running.hours.at += 60

        async with client.get(f"{running.url}/healthz") as stuck:
            assert stuck.status == 503
            assert (await stuck.json(content_type=None))["detail"] == "no tick for 60 s: the loop is stuck"


async def test_json_says_null_where_nothing_is_known(client: aiohttp.ClientSession) -> None:
    async with run_sidecar() as running:
        (shown,) = json.loads(await text(client, f"{running.url}/api/v1/slos"))["slos"]

    assert shown["state"] == "unknown"
    assert (shown["lastData"], shown["budget"]["left"], shown["lookbacks"][0]["burnRate"]) == (
        None,
        None,
        None,
    )


async def test_json_shows_an_outage_as_it_is(client: aiohttp.ClientSession) -> None:
    async with run_sidecar() as running:
        await running.tick(HEALTHY)
        await running.tick(OUTAGE, seconds=60)

        (shown,) = json.loads(await text(client, f"{running.url}/api/v1/slos"))["slos"]

    assert shown["id"] == "shop/availability"
    assert shown["state"] == "paging"
    assert shown["lookbacks"][0] == {
        "lookback": "5m",
        "errors": 300.0,
        "events": 400.0,
        "errorRatio": 0.75,
        "burnRate": 750.0,
        "coveredSeconds": 65,
    }
    assert shown["alerts"][0]["since"] == "2023-11-14T22:14:25.000Z"
    assert shown["budget"]["exhausted"] is False
    assert shown["budget"]["coveredSeconds"] == 65


async def test_metrics_count_events_and_leave_out_what_is_unknown(client: aiohttp.ClientSession) -> None:
    async with run_sidecar() as running:
        assert await sample(client, running.url, "slo_error_ratio") is None
        await running.tick(HEALTHY)
        await running.tick(OUTAGE, seconds=60)

        identity = {"slo_id": "shop/availability", "slo_service": "shop", "slo_name": "availability"}
        assert await sample(client, running.url, "slo_events_total", **identity) == 400
        assert await sample(client, running.url, "slo_error_events_total", **identity) == 300
        assert await sample(client, running.url, "slo_error_ratio", lookback="1h", **identity) == 0.75
        assert await sample(client, running.url, "slo_burn_rate", lookback="5m", **identity) == 750
        assert await sample(client, running.url, "slo_covered_seconds", **identity) == 65
        running.hours.at += 7
        assert await sample(client, running.url, "slo_data_age_seconds", **identity) == 7


async def test_a_target_that_fails_leaves_the_numbers_and_says_so_on_the_page(
    client: aiohttp.ClientSession,
) -> None:
    async with run_sidecar() as running:
        await running.tick(HEALTHY)
        running.shop.status = 500

        snapshot = await running.tick()

        assert [(state.stale, state.events) for state in snapshot.states] == [(True, 100)]
        page = await text(client, f"{running.url}/")
        assert "The source cannot be read." in page
        assert "answered 500" in page
        assert "No data since 22:13 UTC" in page
        running.shop.status = 200
        assert not (await running.tick()).states[0].stale


async def test_what_only_promql_could_count_is_named_with_the_reason(client: aiohttp.ClientSession) -> None:
    freshness = slo(ConditionIndicator("time() - x < 900", WhenAbsent.BAD), name="freshness")

    async with run_sidecar(SHOP, freshness) as running:
        listed = json.loads(await text(client, f"{running.url}/api/v1/slos"))["slos"]
        (refused,) = json.loads(await text(client, f"{running.url}/api/v1/status"))["unsupported"]

        assert [shown["id"] for shown in listed] == ["shop/availability"]
        assert refused["id"] == "shop/freshness"
        assert refused["reason"] in await text(client, f"{running.url}/")


async def test_no_task_outlives_the_application() -> None:
    before = asyncio.all_tasks()

    async with run_sidecar() as running:
        await running.tick(HEALTHY)
        assert "tick loop" in {task.get_name() for task in asyncio.all_tasks()}

    assert asyncio.all_tasks() == before


async def test_every_answer_carries_the_security_headers_and_no_version(
    client: aiohttp.ClientSession,
) -> None:
    async with run_sidecar() as running:
        for path in ("/", "/static/page.css", "/api/v1/slos", "/metrics", "/healthz", "/nothing-here"):
            async with client.get(f"{running.url}{path}") as response:
                assert SECURITY_HEADERS.items() <= dict(response.headers).items()
                assert response.headers["Cache-Control"] in {"no-store", "private, no-cache"}
                assert "Server" not in response.headers


async def test_a_wrong_path_or_method_is_a_problem_document(client: aiohttp.ClientSession) -> None:
    async with run_sidecar() as running:
        async with client.get(f"{running.url}/nothing-here") as missing:
            assert missing.content_type == "application/problem+json"
            assert await missing.json(content_type=None) == {
                "title": "Not Found",
                "status": 404,
                "detail": "nothing is served under this path",
            }
        async with client.post(f"{running.url}/api/v1/slos") as refused:
            assert (refused.status, refused.headers["Allow"]) == (405, "GET,HEAD")


async def test_hostile_text_is_shown_as_text(client: aiohttp.ClientSession) -> None:
    grouped = slo(group_by=("route",))

    async with run_sidecar(grouped) as running:
        for served in (0, 1):
            await running.tick(f'requests_total{{route="<script>alert(1)</script>",status="200"}} {served}\n')
        page = await text(client, f"{running.url}/")

    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
