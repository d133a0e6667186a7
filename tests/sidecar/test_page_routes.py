"""The pages over HTTP: what a browser is not needed for."""

import re
from html import unescape
from typing import Final
from urllib.parse import unquote

import pytest
from msgspec.structs import replace

from sloctl.model import CompositeIndicator, CompositeRule, JourneyPart, SloName
from sloctl.naming import SLOTH_STYLE
from sloctl.prometheus.credentials import ClientOptions
from sloctl.sidecar.config.read import Settings
from sloctl.sidecar.notify.alertmanager import AlertmanagerOptions
from sloctl.sidecar.sources.prometheus.options import PrometheusOptions
from sloctl.sidecar.sources.scrape.source import ScrapeOptions
from sloctl.sidecar.sources.scrape.targets import ScrapeTarget
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


async def test_groups_stand_under_the_worst_of_their_own_cluster() -> None:
    series = [(cluster, route) for cluster in ("eu", "us") for route in ("/cart", "/pay")]

    def exposition(events: int) -> str:
        labels = [f'cluster="{cluster}",route="{route}"' for cluster, route in series]
        return "".join(
            f'request_seconds_count{{{it}}} {events}\nrequest_seconds_bucket{{{it},le="1"}} {events}\n'
            for it in labels
        )

    async with run_sidecar(ROUTES.split_by(("cluster",))) as running:
        for events in (100, 200, 300):
            await running.tick(exposition(events))
        listed = (await ask(f"{running.url}/")).body.decode()

    links = re.findall(r'href="(/slo/[^"]*)"', listed)
    assert [unescape(link) for link in links] == [
        "/slo/shop/latency?route=%2Fcart&cluster=eu",
        "/slo/shop/latency?route=%2Fcart&cluster=us",
    ]
    assert listed.count("+ 1 group") == 2


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
    [
        "range=1h",
        "range=30d",
        "range=3h",
        "until=2023-11-14T22:00:00Z",
        "until=x",
        "until=9e99",
        "from=2023-11-14T21:00&until=2023-11-14T22:10",
        "from=9&until=1",
    ],
)
async def test_any_range_gives_a_page(query: str) -> None:
    async with run_sidecar(slo(), ROUTES) as running:
        await in_an_outage(running)
        answers = [await ask(f"{running.url}{path}?{query}") for path in ("/", "/slo/shop/availability")]

    assert [answer.status for answer in answers] == [200, 200]


async def test_links_lead_to_the_failing_series_a_silence_and_the_logs_of_the_range() -> None:
    links = {
        "prometheus_url": "http://prometheus:9090",
        "alertmanager_url": "http://alertmanager:9093",
        "grafana_url": "https://grafana.example.com",
        "logs_url": "https://logs.example.com/?service={service}&from={from_ms}&to={until_ms}",
    }
    async with run_sidecar(replace(slo(), annotations=links)) as running:
        await in_an_outage(running)
        query = "from=2023-11-14T21:00:00Z&until=2023-11-14T22:00:00Z"
        answer = await ask(f"{running.url}/slo/shop/availability?{query}")

    found = re.findall(r'<a class="go" href="([^"]+)"', answer.body.decode())
    opened = [unquote(unescape(url)) for url in found]
    increase = 'sum(increase(requests_total{status=~"5.."}[5m]))'
    assert opened == [
        f"http://prometheus:9090/graph?g0.expr={increase}&g0.tab=0&g0.range_input=60m"
        "&g0.end_input=2023-11-14 22:00:00",
        "https://grafana.example.com/d/sloctl-shop?from=1699995600000&to=1699999200000",
        "https://logs.example.com/?service=shop&from=1699995600000&to=1699999200000",
        'http://alertmanager:9093/#/silences/new?filter={slo_id="shop/availability"}',
    ]


async def test_a_silence_has_the_labels_of_the_style_that_alerts_have() -> None:
    annotated = replace(slo(), annotations={"alertmanager_url": "http://alertmanager:9093"})
    async with run_sidecar(annotated, label_style=SLOTH_STYLE) as running:
        await in_an_outage(running)
        answer = await ask(f"{running.url}/slo/shop/availability")

    page = unquote(unescape(answer.body.decode()))
    assert 'http://alertmanager:9093/#/silences/new?filter={sloth_id="shop-availability"}"' in page
    assert 'slo:sli_error:ratio_rate5m{sloth_id="shop-availability"}' in page
    assert "slo_id=" not in page


@pytest.mark.parametrize("part", ["source", "history", "notify"])
def test_one_part_with_sloth_s_labels_makes_the_page_speak_them(part: str) -> None:
    scraped = ScrapeOptions((ScrapeTarget.from_url("http://shop/metrics", {}),), ClientOptions())
    prometheus = PrometheusOptions("http://prometheus", ClientOptions(), label_style=SLOTH_STYLE)
    notify = AlertmanagerOptions(("http://alertmanager",), ClientOptions(), label_style=SLOTH_STYLE)
    given = {"source": scraped, part: notify if part == "notify" else prometheus}

    assert Settings(5, **given).label_style is SLOTH_STYLE  # type: ignore[arg-type] # each part has its own


async def test_the_page_of_a_journey_names_the_part_at_fault_beside_its_own_numbers() -> None:
    parts = (
        JourneyPart("order", SloName("shop", "availability"), slo().indicator),
        JourneyPart("fast", None, LATENCY),
    )
    journey = slo(CompositeIndicator(CompositeRule.WORST, parts), name="journey")
    async with run_sidecar(slo(), journey) as running:
        for seconds in range(30):
            ok, bad, fast = 100 + 3 * seconds, 5 + 2 * seconds, 50 + seconds
            text = f'requests_total{{status="200"}} {ok}\nrequests_total{{status="503"}} {bad}\n'
            await running.tick(text + ROUTE.format(fast, fast), seconds=10)
        page = (await ask(f"{running.url}/slo/shop/journey")).body.decode()
        await running.tick('requests_total{status="200"} 500\nrequests_total{status="503"} 90\n', seconds=60)
        await running.tick('requests_total{status="200"} 900\nrequests_total{status="503"} 99\n', seconds=60)
        silent = (await ask(f"{running.url}/slo/shop/journey")).body.decode()
        issues = (await ask(f"{running.url}/api/v1/slos/shop/journey")).body.decode()

    assert "Part at fault: <strong>order</strong>, with 100.0 % of what was bad" in page
    assert re.search(r'(?s)<th scope="row">order</th>\s*<td>.{1,200}<a href="/slo/shop/availability">', page)
    assert "counted for this journey alone" in page
    assert "No data since" in silent
    assert '"stale":true' in issues
