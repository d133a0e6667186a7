"""The dashboards where no rules run: over two hours of what a sidecar's own /metrics say."""

import json
from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from sloctl import naming
from sloctl.dashboards import sidecar_metrics
from sloctl.dashboards.overview import build_overview_dashboard
from sloctl.dashboards.service import build_service_dashboard
from sloctl.dashboards.theme import NOT_BURNING
from sloctl.duration import DAY
from sloctl.naming import NATIVE_STYLE
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.http.metrics.exposition import ExpositionFormat, SnapshotMetrics
from sloctl.sidecar.slo_metrics import SLO_INFO, SLO_METRICS
from sloctl.sidecar.sources import Group, IntervalCounts, SloCounts
from sloctl.slo.resolutions import EventCounts
from sloctl.targets.grafana import render_dashboard
from tests.dashboards.grafana import Json, filled, panel, panels
from tests.dashboards.specimens import AVAILABILITY, FRESHNESS, LATENCY
from tests.real import Prometheus, backfill, running_prometheus

NOW: Final = 1_700_000_000.0 // 300 * 300
SILENT: Final = replace(AVAILABILITY, name="silent")
SHOP: Final = (AVAILABILITY, LATENCY, FRESHNESS, SILENT)
# Shares of errors of the newest 100,000 events.
READ: Final[dict[str, dict[Group, float]]] = {
    "shop/availability": {(): 0.01},
    "shop/latency": {("/pay", "POST"): 0.02, ("/cart", "GET"): 0.0},
    "shop/freshness": {(): 0.0},
}


def snapshot() -> Snapshot:
    engine = Engine(SHOP, interval=5)
    slos = {each.id: each for each in SHOP}
    for slo, groups in READ.items():
        for group in groups:
            engine.backfill_counts(slos[slo], group, NOW - 10 * DAY, EventCounts(0, 0), seconds=20 * DAY)
    # Of ten days ago, so that of the availability's budget four fifths are left.
    engine.backfill_counts(AVAILABILITY, (), NOW - 10 * DAY, EventCounts(0, 9_900_000), seconds=20 * DAY)
    readings = {
        slo: SloCounts({group: EventCounts(100_000 * ratio, 100_000) for group, ratio in groups.items()})
        for slo, groups in READ.items()
    }
    return engine.record_tick(NOW, [IntervalCounts(NOW, readings)])


def scraped() -> Iterator[tuple[str, float, float]]:
    """The same every minute, and counters that grow by the minute."""
    text = (
        SnapshotMetrics.render_snapshot(snapshot(), NOW).encode_metrics(ExpositionFormat.TEXT, NOW).decode()
    )
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        series, _, value = line.rpartition(" ")
        named = series.replace("{", '{job="sloctl",instance="a:9464",', 1)
        growth = float(value) / 120 if "_total{" in series else 0.0
        for minute in range(120):
            yield named, float(value) - growth * minute, NOW - 60 * minute


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("sidecar")
    backfill(directory, sorted(scraped(), key=lambda sample: sample[2]))
    with running_prometheus(directory) as server:
        yield server


def answers(prometheus: Prometheus, query: Json) -> list[float]:
    expression = filled(query["expr"])
    if query["instant"]:
        return [sample.value for sample in prometheus.instant(expression, at=NOW)]
    series = prometheus.range(expression, start=NOW - 3600, end=NOW, step=60)
    return [value for one in series for _, value in one.points]


def row(prometheus: Prometheus, **labels: str) -> dict[str, float]:
    """Values of one row of the overview's table, by the titles of its columns."""
    table = panel(json.loads(render_dashboard(build_overview_dashboard(NATIVE_STYLE))), "SLOs, worst first")
    titles = table["transformations"][1]["options"]["renameByName"]
    return {
        titles[f"Value #{query['refId']}"]: round(sample.value, 6)
        for query in table["targets"][1:]
        for sample in prometheus.instant(query["expr"], at=NOW)
        if labels.items() <= sample.labels.items()
    }


def test_every_panel_of_an_slo_with_data_has_data_and_no_nan(prometheus: Prometheus) -> None:
    dashboards = (
        render_dashboard(build_overview_dashboard(NATIVE_STYLE)),
        render_dashboard(build_service_dashboard("shop", SHOP[:3], NATIVE_STYLE)),
    )
    found = {
        (one["title"], query["expr"]): answers(prometheus, query)
        for dashboard in dashboards
        for one in panels(json.loads(dashboard))
        # Of groups only those are drawn that fired.
        if not (one["title"] == "Alerts" and "{{uri}}" in one["targets"][0]["legendFormat"])
        for query in one.get("targets", [])
    }

    assert len(found) > 60
    assert [where for where, values in found.items() if not values] == []
    assert [where for where, values in found.items() if any(map(isnan, values))] == []


def test_an_slo_without_data_is_absent_and_not_perfect(prometheus: Prometheus) -> None:
    dashboard = json.loads(render_dashboard(build_service_dashboard("shop", [SILENT], NATIVE_STYLE)))
    numbers = [
        value
        for one in panels(dashboard)
        if one["title"] not in ("SLOs, worst first", "Alerts")
        for query in one.get("targets", [])
        for value in answers(prometheus, query)
    ]

    assert numbers == []


def test_the_overview_shows_what_the_sidecar_knows(prometheus: Prometheus) -> None:
    burning = row(prometheus, slo_name="availability")
    overspent = row(prometheus, slo_name="latency")
    quiet = row(prometheus, slo_name="freshness")
    silent = row(prometheus, slo_name="silent")

    assert burning == {"Budget left": 0.8, "Burn rate": 20.0, "Gone in": 0.8 / 20 * 30 * DAY, "Alerts": 3}
    assert overspent == {"Budget left": -1.0, "Burn rate": 2.0, "Gone in": 0.0, "Alerts": 2}
    assert quiet == {"Budget left": 1.0, "Burn rate": 0.0, "Gone in": NOT_BURNING, "Alerts": 0}
    assert silent == {"Alerts": 0}


def test_the_overview_counts_the_fleet(prometheus: Prometheus) -> None:
    stats = panels(json.loads(render_dashboard(build_overview_dashboard(NATIVE_STYLE))))[:6]

    counts = {stat["title"]: answers(prometheus, stat["targets"][0]) for stat in stats}

    assert counts == {
        "SLOs": [4],
        "Met": [2],
        "Paging": [1],
        "Tickets": [2],
        "Budgets gone": [1],
        "Not known": [1],
    }


def test_the_alerts_of_an_slo_are_those_the_sidecar_sends(prometheus: Prometheus) -> None:
    availability = panel(
        json.loads(render_dashboard(build_service_dashboard("shop", [AVAILABILITY], NATIVE_STYLE))), "Alerts"
    )
    latency = panel(
        json.loads(render_dashboard(build_service_dashboard("shop", [LATENCY], NATIVE_STYLE))), "Alerts"
    )

    ungrouped, grouped = (
        {query["legendFormat"].split(" {{")[0]: set(answers(prometheus, query)) for query in one["targets"]}
        for one in (availability, latency)
    )

    assert ungrouped == {
        "burns, page": {3},
        "burns, ticket": {2},
        "budget gone": {0},
        "budget soon gone": {0},
        "no data": {0},
    }
    assert grouped == {
        "burns, page": set(),
        "burns, ticket": {2},
        "budget gone": {2},
        "budget soon gone": set(),
        "no data": set(),
    }


def test_an_slo_that_has_rules_too_is_shown_once_and_by_its_rules(tmp_path: Path) -> None:
    labels = 'slo_id="shop/availability",slo_service="shop",slo_name="availability",team="checkout"'
    ruled = (
        (f'slo_info{{{labels},slo_objective="99.95%",slo_window="30d"}}', 1.0),
        (f"{naming.BUDGET_REMAINING}{{{labels}}}", 0.5),
        (f"{naming.CURRENT_BURN_RATE}{{{labels}}}", 2.0),
        (f"{naming.TIME_PERIOD}{{{labels}}}", 30.0),
    )
    backfill(tmp_path, [*sorted(scraped(), key=lambda it: it[2]), *((it, value, NOW) for it, value in ruled)])

    with running_prometheus(tmp_path) as both:
        shown = row(both, slo_name="availability")
        (stat,) = (
            it
            for it in panels(json.loads(render_dashboard(build_overview_dashboard(NATIVE_STYLE))))
            if it["title"] == "SLOs"
        )
        known = answers(both, stat["targets"][0])

    assert shown == {"Budget left": 0.5, "Burn rate": 2.0, "Gone in": 0.5 / 2 * 30 * DAY, "Alerts": 3}
    assert known == [4]


def test_the_names_asked_for_are_those_the_sidecar_exposes() -> None:
    names = {name for name in vars(sidecar_metrics) if name.isupper()}

    assert {getattr(sidecar_metrics, name) for name in names} <= {
        family.name for family in (*SLO_METRICS, SLO_INFO)
    }
