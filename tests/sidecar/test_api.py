"""The JSON API as a client sees it."""

from urllib.parse import quote

import pytest

from sloctl.model import ConditionIndicator, WhenAbsent
from sloctl.sidecar.sources.scrape.targets import TargetState
from tests.sidecar.http_client import ask
from tests.sidecar.running_sidecar import SHOP, RunningSidecar, run_sidecar
from tests.sidecar.specimens import slo

ROUTES = slo(name="routes", group_by=("route",))
OUTAGE = 'requests_total{status="200"} 200\nrequests_total{status="503"} 300\n'
PROBLEM = "application/problem+json"


def by_route(*routes: str, served: int = 1) -> str:
    return "".join(f'requests_total{{route="{route}",status="200"}} {served}\n' for route in routes)


async def serve_routes(running: RunningSidecar, *routes: str) -> None:
    """One request on each route: what a target shows first in its first minute is a baseline."""
    await running.tick(by_route(*routes, served=0))
    await running.tick(by_route(*routes))


async def ids(running: RunningSidecar, query: str = "") -> list[str]:
    """Ids and groups, in the order of the list."""
    listed = (await ask(f"{running.url}/api/v1/slos{query}")).json["slos"]
    return [" ".join([shown["id"], *shown["group"].values()]) for shown in listed]


async def test_pages_follow_each_other_and_hold_each_slo_once() -> None:
    async with run_sidecar(SHOP, ROUTES) as running:
        await serve_routes(running, "/pay", "/cart", "/a")
        first = (await ask(f"{running.url}/api/v1/slos?limit=3")).json
        second = (await ask(f"{running.url}/api/v1/slos?limit=3&after={quote(first['next'])}")).json

    shown = [(each["id"], each["group"].get("route")) for each in first["slos"] + second["slos"]]
    assert shown == [
        ("shop/availability", None),
        ("shop/routes", "/a"),
        ("shop/routes", "/cart"),
        ("shop/routes", "/pay"),
    ]
    assert (len(first["slos"]), second["next"]) == (3, None)


async def test_a_page_goes_on_after_the_last_one_though_others_have_come_and_states_changed() -> None:
    async with run_sidecar(ROUTES) as running:
        await serve_routes(running, "/b", "/c", "/d")
        first = (await ask(f"{running.url}/api/v1/slos?limit=2")).json
        failing = by_route("/a", "/b", "/c", "/d") + 'requests_total{route="/d",status="500"} 9\n'
        await running.tick(failing, seconds=60)

        rest = await ids(running, f"?limit=2&after={quote(first['next'])}")
        others, paging = await ids(running, "?limit=1"), await ids(running, "?state=paging")

    assert (others, paging) == (["shop/routes /a"], ["shop/routes /d"])
    assert [shown["group"]["route"] for shown in first["slos"]] == ["/b", "/c"]
    assert rest == ["shop/routes /d"]


async def test_the_list_can_be_narrowed_by_service_state_and_label() -> None:
    async with run_sidecar(SHOP, ROUTES) as running:
        await running.tick(by_route("/pay", "/cart") + OUTAGE)
        await running.tick(by_route("/pay", "/cart") + OUTAGE.replace("300", "600"), seconds=60)

        assert await ids(running, "?service=shop&label=route=/pay") == ["shop/routes /pay"]
        assert await ids(running, "?label=team=checkout&label=route=/cart") == ["shop/routes /cart"]
        assert await ids(running, "?service=elsewhere") == []
        assert await ids(running, "?state=paging") == ["shop/availability", "shop/routes "]
        assert await ids(running, "?state=unknown&state=fine") == [
            "shop/routes /cart",
            "shop/routes /pay",
        ]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("limit=0", "Expected `int` >= 1 - at `$.limit`"),
        ("limit=many", "Expected `int`, got `str` - at `$.limit`"),
        ("limit=1&limit=2", "limit is given twice"),
        ("state=good", "Invalid enum value 'good' - at `$.state[0]`"),
        ("label=team", "Expected `str` matching regex '^[^=]+=' - at `$.label[0]`"),
        ("standing=paging", "standing is now state"),
        ("severity=page", "Object contains unknown field `severity`"),
    ],
)
async def test_a_parameter_that_cannot_be_meant_is_refused_with_the_reason(query: str, detail: str) -> None:
    async with run_sidecar() as running:
        refused = await ask(f"{running.url}/api/v1/slos?{query}")

    assert (refused.status, refused.headers["Content-Type"]) == (400, PROBLEM)
    assert refused.json == {"title": "Bad Request", "status": 400, "detail": detail}


@pytest.mark.parametrize("path", ["slos/shop/availability", "alerts", "targets", "status", "openapi.json"])
async def test_where_no_parameter_is_known_none_is_taken(path: str) -> None:
    async with run_sidecar() as running:
        refused = await ask(f"{running.url}/api/v1/{path}?limit=1")

    assert (refused.status, refused.json["detail"]) == (400, "there is no parameter 'limit' here")


@pytest.mark.parametrize("path", ["slos", "slos/shop/availability", "alerts", "targets", "status"])
async def test_what_the_client_has_already_is_not_sent_again(path: str) -> None:
    async with run_sidecar() as running:
        url = f"{running.url}/api/v1/{path}"
        first = await ask(url)

        for header in (first.etag, f"W/{first.etag}", f'"other", {first.etag}', "*"):
            again = await ask(url, If_None_Match=header)
            assert (again.status, again.body, again.etag) == (304, b"", first.etag)
        assert (await ask(url, If_None_Match='"other"')).status == 200


async def test_another_snapshot_has_another_tag_and_another_page_too() -> None:
    async with run_sidecar(SHOP, ROUTES) as running:
        url = f"{running.url}/api/v1/slos"
        before, page = await ask(url), await ask(f"{url}?limit=1")
        await running.tick(OUTAGE)
        after = await ask(url, If_None_Match=before.etag)

    assert after.status == 200
    assert len({before.etag, page.etag, after.etag}) == 3


async def test_head_answers_as_get_without_the_body() -> None:
    async with run_sidecar() as running:
        answer, head = [await ask(f"{running.url}/api/v1/slos", method) for method in ("GET", "HEAD")]

    assert (head.status, head.body, head.etag) == (200, b"", answer.etag)
    assert head.headers["Content-Length"] == str(len(answer.body))


async def test_one_slo_comes_with_all_its_groups() -> None:
    async with run_sidecar(SHOP, ROUTES) as running:
        await serve_routes(running, "/pay", "/cart")
        answer = (await ask(f"{running.url}/api/v1/slos/shop/routes")).json

    assert [shown["group"] for shown in answer["groups"]] == [{"route": "/cart"}, {"route": "/pay"}]
    assert answer["unsupported"] is None


async def test_an_slo_that_cannot_be_counted_says_why_and_one_that_is_not_there_is_not_found() -> None:
    freshness = slo(ConditionIndicator("time() - x < 900", WhenAbsent.BAD), name="freshness")

    async with run_sidecar(freshness) as running:
        refused = (await ask(f"{running.url}/api/v1/slos/shop/freshness")).json
        missing = await ask(f"{running.url}/api/v1/slos/shop/other")

    assert (refused["groups"], "PromQL" in refused["unsupported"]) == ([], True)
    assert (missing.status, missing.json["detail"]) == (404, "no spec has an SLO of this name")


async def test_what_fires_has_the_labels_that_the_rules_give_it() -> None:
    async with run_sidecar() as running:
        await running.tick(OUTAGE)
        await running.tick(OUTAGE.replace("300", "600"), seconds=60)
        answer = (await ask(f"{running.url}/api/v1/alerts")).json

    page = answer["alerts"][0]
    assert page == {
        "slo": "shop/availability",
        "since": "2023-11-14T22:14:25.000Z",
        "stale": False,
        "labels": {
            "alertname": "SLOErrorBudgetBurn",
            "severity": "page",
            "slo_id": "shop/availability",
            "slo_name": "availability",
            "slo_service": "shop",
            "slo_severity": "page",
            "slo_alert": "burn",
            "team": "checkout",
        },
    }
    assert [alert["labels"]["alertname"] for alert in answer["alerts"]] == [
        "SLOErrorBudgetBurn",
    ]


async def test_status_counts_states_and_tells_what_does_not_work() -> None:
    async with run_sidecar(SHOP, ROUTES, issues=lambda: {"store": "the disk is full"}) as running:
        before = (await ask(f"{running.url}/api/v1/status")).json
        await serve_routes(running, "/pay", "/cart")
        after = (await ask(f"{running.url}/api/v1/status")).json

    assert (before["ready"], before["startedAt"]) == (False, "2023-11-14T22:13:20.000Z")
    assert (after["ready"], after["issues"]) == (True, {"store": "the disk is full"})
    assert after["states"] == {
        "paging": 0,
        "ticketed": 0,
        "exhausted": 0,
        "exhausting": 0,
        "burning": 0,
        "unknown": 0,
        "fine": 3,
    }


async def test_targets_are_listed_as_the_source_tells_them() -> None:
    down = TargetState(
        "http://shop:8080/metrics", {"job": "shop"}, up=False, error="answered 500", seconds=0.5
    )

    async with run_sidecar(targets=lambda: (down,)) as running:
        answer = (await ask(f"{running.url}/api/v1/targets")).json

    assert answer == {
        "targets": [
            {
                "url": "http://shop:8080/metrics",
                "labels": {"job": "shop"},
                "up": False,
                "error": "answered 500",
                "scrapedAt": None,
                "seconds": 0.5,
                "samples": 0,
            }
        ]
    }
