"""One outage, counted alike by the rules and by a sidecar: all that people read gives one time to exhaustion.

A leak of three days, and for forty minutes an outage on top of it: the budget burns 30x over the last five
minutes and some 20x over the last hour. Each burn rate has a time of its own, which stands beside it.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any, Final

import aiohttp
import pytest
from msgspec.structs import replace

from sloctl.cli.main import main
from sloctl.dashboards.service import build_service_dashboard
from sloctl.dashboards.theme import NOT_BURNING
from sloctl.duration import DAY, humanize_duration, parse_duration
from sloctl.model import Slo
from sloctl.naming import NATIVE_STYLE
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.notify.active_alerts import ActiveAlerts
from sloctl.sidecar.notify.annotations import alert_annotations
from sloctl.slo.resolutions import FINE_STEP
from sloctl.targets.grafana import render_dashboard
from tests.alerts.histories import backfill_engine, hurried_rules, rollups
from tests.dashboards.grafana import panel
from tests.dashboards.specimens import AVAILABILITY
from tests.real import Prometheus, backfill, running_prometheus
from tests.sidecar.running_sidecar import START, run_sidecar

BURNING: Final[Slo] = AVAILABILITY
RECOVERED: Final[Slo] = replace(AVAILABILITY, name="recovered")
SLOS: Final = [BURNING, RECOVERED]
PATIENCE: Final = 60.0
DURATION: Final = r"(\d+[dhms](?: \d+[hms])?)"


@dataclass(frozen=True, slots=True)
class Views:
    """All that is read of both SLOs, as text or as JSON."""

    pages: dict[str, str]
    overview: str
    api: dict[str, Any]
    metrics: str
    sidecar_status: str
    sidecar_status_json: dict[str, Any]
    prometheus_status: str
    prometheus_status_json: dict[str, Any]
    sidecar_summaries: dict[str, str]
    rules_summaries: dict[str, str]
    panels: dict[str, dict[str, float]]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Its alerts fire, and every number in their text is known."""
    directory = tmp_path_factory.mktemp("prometheus")
    backfill(directory, sorted(rollups(SLOS, int(time.time())), key=lambda sample: sample[2]))
    with running_prometheus(directory, rules={"shop.yaml": hurried_rules(SLOS)}) as running:
        deadline = time.monotonic() + PATIENCE
        while len(running.instant("ALERTS")) < 3 or "unknown" in str(rules_summaries(running)):
            assert time.monotonic() < deadline, running.log.read_text()[-2000:]
            time.sleep(0.2)
        yield running


def rules_summaries(prometheus: Prometheus) -> dict[str, str]:
    """By SLO, the summary of its page, else of its ticket, as Prometheus rendered it."""
    alerts = json.loads(prometheus.get("/api/v1/alerts"))["data"]["alerts"]
    tickets_first = sorted(alerts, key=lambda alert: alert["labels"]["slo_severity"], reverse=True)
    return {alert["labels"]["slo_name"]: alert["annotations"]["summary"] for alert in tickets_first}


def sidecar_summaries(snapshot: Snapshot) -> dict[str, str]:
    """The same as the sidecar writes it."""
    alerts = ActiveAlerts(NATIVE_STYLE, {}, ended_retention=240)
    alerts.update(snapshot, START)
    tickets_first = sorted(alerts, key=lambda alert: alert.labels["slo_severity"], reverse=True)
    return {
        alert.labels["slo_name"]: alert_annotations(alert, NATIVE_STYLE)["summary"] for alert in tickets_first
    }


def stats(prometheus: Prometheus, slo: Slo) -> dict[str, float]:
    """The numbers that the panels of an SLO show."""
    dashboard = json.loads(render_dashboard(build_service_dashboard("shop", [slo], NATIVE_STYLE)))
    return {
        title: prometheus.instant(panel(dashboard, title)["targets"][0]["expr"])[0].value
        for title in ("Burn rate", "Gone in")
    }


async def text_at(url: str) -> str:
    """The text at *url*, without markup."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return unescape(re.sub("<[^>]*>", " ", await response.text()))


async def views_of(prometheus: Prometheus, capsys: pytest.CaptureFixture[str]) -> Views:
    async def status(*arguments: str) -> str:
        await asyncio.to_thread(main, ["status", *arguments])
        return capsys.readouterr().out

    async with run_sidecar(*SLOS) as watched:
        backfill_engine(watched.sidecar.engine, SLOS, int(START) - FINE_STEP)
        snapshot = await watched.tick()
        return Views(
            pages={
                slo.name: " ".join((await text_at(f"{watched.url}/slo/{slo.id}")).split()) for slo in SLOS
            },
            overview=" ".join((await text_at(f"{watched.url}/")).split()),
            api={
                slo.name: json.loads(await text_at(f"{watched.url}/api/v1/slos/{slo.id}"))["groups"][0]
                for slo in SLOS
            },
            metrics=await text_at(f"{watched.url}/metrics"),
            sidecar_status=await status("--sidecar", watched.url),
            sidecar_status_json=json.loads(await status("--sidecar", watched.url, "-o", "json")),
            prometheus_status=await status("--prometheus", prometheus.url),
            prometheus_status_json=json.loads(await status("--prometheus", prometheus.url, "-o", "json")),
            sidecar_summaries=sidecar_summaries(snapshot),
            rules_summaries=rules_summaries(prometheus),
            panels={slo.name: stats(prometheus, slo) for slo in SLOS},
        )


def found(pattern: str, text: str) -> tuple[str, ...]:
    match = re.search(pattern, text)
    assert match is not None, f"{pattern} is not in: {text}"
    return match.groups()


def printed(burn_rate: float, seconds: float | None) -> tuple[str, str]:
    return f"{burn_rate:.3g}", "not burning" if seconds is None else humanize_duration(seconds)


def of_document(document: dict[str, Any], name: str) -> tuple[str, str]:
    (slo,) = (it for it in document["slos"] if it["name"] == name)
    return printed(slo["burnRates"]["5m"], slo["timeToExhaustion"])


async def test_all_that_people_read_gives_one_time_at_the_burn_beside_it(
    prometheus: Prometheus, capsys: pytest.CaptureFixture[str]
) -> None:
    views = await views_of(prometheus, capsys)
    summary = rf"burns (\S+)x as fast as it may over 5m, 67\.33% left, gone in {DURATION} at this rate"
    budget = views.api["availability"]["budget"]
    identity = r'slo_id="shop/availability",slo_service="shop",slo_name="availability"'
    burn = found(rf'slo_burn_rate{{{identity},lookback="5m"}} (\S+)', views.metrics)
    seconds = found(rf"slo_time_to_exhaustion_seconds{{{identity}}} (\S+)", views.metrics)

    read = {
        "alert of the rules": found(summary, views.rules_summaries["availability"]),
        "alert of the sidecar": found(summary, views.sidecar_summaries["availability"]),
        "Grafana": printed(*views.panels["availability"].values()),
        "page": found(rf"Burn now (\S+)× over 5m.*?Budget gone in {DURATION}", views.pages["availability"]),
        "overview": found(
            rf"availability .*?(\S+)× burn over 5m; \S+ over \S+ in {DURATION}", views.overview
        ),
        "API": printed(views.api["availability"]["lookbacks"][0]["burnRate"], budget["timeToExhaustion"]),
        "metrics": printed(float(burn[0]), float(seconds[0])),
        "status of the sidecar": found(rf"availability .*? (\S+)×  in {DURATION}", views.sidecar_status),
        "status of the rules": found(rf"availability .*? (\S+)×  in {DURATION}", views.prometheus_status),
        "JSON of the sidecar": of_document(views.sidecar_status_json, "availability"),
        "JSON of the rules": of_document(views.prometheus_status_json, "availability"),
    }

    assert read == dict.fromkeys(read, ("30", "16h 9m"))


async def test_the_steadier_time_is_that_of_the_steadier_burn_beside_it(
    prometheus: Prometheus, capsys: pytest.CaptureFixture[str]
) -> None:
    views = await views_of(prometheus, capsys)
    summary = rf"\((\S+)x over 1h: gone in {DURATION}\)"
    (hour,) = (it for it in views.api["availability"]["lookbacks"] if it["lookback"] == "1h")
    page = views.pages["availability"]

    read = {
        "alert": found(summary, views.sidecar_summaries["availability"]),
        "page": found(rf"; (\S+)× over 1h .*? in {DURATION} at the burn over 1h", page),
        "overview": found(rf"availability .*?5m; (\S+)× over 1h in .*?; 1h: in {DURATION}", views.overview),
        "API": printed(hour["burnRate"], views.api["availability"]["budget"]["steadyTimeToExhaustion"]),
    }
    burn_of_rules, time_of_rules = found(summary, views.rules_summaries["availability"])

    assert read == dict.fromkeys(read, ("20.4", "23h 45m"))
    # The minute in which the test runs moves the edges of the hour.
    seconds = float(parse_duration(time_of_rules.replace(" ", "")))
    assert seconds == pytest.approx(0.6733 * 30 * DAY / float(burn_of_rules), rel=0.005)


async def test_after_an_outage_nothing_says_when_the_budget_is_gone(
    prometheus: Prometheus, capsys: pytest.CaptureFixture[str]
) -> None:
    views = await views_of(prometheus, capsys)
    summary = r"error budget burns (0)x as fast as it may over 5m, \S+% left \(\S+x over 3d: gone in"
    recovered = r"recovered .*? (0)×  (not burning)"
    burn_rate, gone_in = views.panels["recovered"].values()

    read = {
        "Grafana": (f"{burn_rate:g}", "not burning" if gone_in == NOT_BURNING else gone_in),
        "page": found(r"Burn now (\S+)× over 5m.*?Budget gone (not burning)", views.pages["recovered"]),
        "overview": found(r"recovered .*?(\S+)× burn over 5m; \S+ over \S+ (not burning)", views.overview),
        "API": printed(
            views.api["recovered"]["lookbacks"][0]["burnRate"],
            views.api["recovered"]["budget"]["timeToExhaustion"],
        ),
        "status of the sidecar": found(recovered, views.sidecar_status),
        "status of the rules": found(recovered, views.prometheus_status),
        "JSON of the sidecar": of_document(views.sidecar_status_json, "recovered"),
        "JSON of the rules": of_document(views.prometheus_status_json, "recovered"),
    }

    assert read == dict.fromkeys(read, ("0", "not burning"))
    assert found(summary, views.rules_summaries["recovered"]) == ("0",)
    assert found(summary, views.sidecar_summaries["recovered"]) == ("0",)
    assert 'slo_time_to_exhaustion_seconds{slo_id="shop/recovered"' not in views.metrics
