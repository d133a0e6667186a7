"""Every query of every dashboard, answered by a real Prometheus over two hours of recorded series."""

import json
from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from sloctl import naming
from sloctl.dashboards.overview import build_overview_dashboard
from sloctl.dashboards.service import build_service_dashboard
from sloctl.dashboards.theme import NOT_BURNING
from sloctl.model import AlertKind, Slo
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import quote_string
from sloctl.slo.resolutions import FINE_STEP, build_resolutions
from sloctl.targets.grafana import render_dashboard
from tests.dashboards.grafana import Json, filled, panel, panels
from tests.dashboards.specimens import AVAILABILITY, FRESHNESS, LATENCY
from tests.real import Prometheus, Sample, Series, backfill, running_prometheus

NOW: Final = 1_700_000_000.0 // 300 * 300
START: Final = NOW - 7200
FIRED: Final = NOW - 3600
# Prometheus was too busy for one evaluation.
MISSED: Final = NOW - 1500
BURNING: Final = AVAILABILITY
GROUPED: Final = LATENCY
HEALTHY: Final = FRESHNESS
# Its rules run, but its indicator never had a series.
SILENT: Final = replace(AVAILABILITY, name="silent")
HOSTILE: Final = replace(AVAILABILITY, service='a"b\\$__interval[[x]]', name="${datasource}")
SHOP: Final = (BURNING, GROUPED, HEALTHY, SILENT)
GROUPS: Final = ({"uri": "/pay", "method": "POST"}, {"uri": "/cart", "method": "GET"})

SampleLine = tuple[str, float, float]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("prometheus")
    backfill(directory, _history())
    with running_prometheus(directory) as server:
        yield server


def _history() -> Iterator[SampleLine]:
    yield from _recorded(BURNING, {}, error_ratio=0.01, left=0.4)
    yield from _recorded(GROUPED, GROUPS[0], error_ratio=0.02, left=-0.25)
    yield from _recorded(GROUPED, GROUPS[1], error_ratio=0.0, left=1.0)
    yield from _recorded(HEALTHY, {}, error_ratio=0.001, left=0.9)
    yield from _recorded(HOSTILE, {}, error_ratio=0.0, left=1.0)
    for slo in (*SHOP, HOSTILE):
        yield from _promised(slo)
    yield from _alert(BURNING, {}, AlertKind.PAGE)
    yield from _alert(BURNING, {}, AlertKind.TICKET)
    yield from _alert(GROUPED, GROUPS[0], AlertKind.EXHAUSTED)
    yield from _alert(SILENT, {}, AlertKind.NO_DATA)


def _recorded(slo: Slo, group: dict[str, str], *, error_ratio: float, left: float) -> Iterator[SampleLine]:
    """What the rules of *slo* record about one group: counts, ratios, burn."""
    identity, budget = NATIVE_STYLE.identity_labels(slo) | group, float(slo.budget)
    published = {**identity, **slo.labels}
    yield from _every(60, naming.event_count_metric(FINE_STEP), identity, 120)
    yield from _every(60, naming.error_count_metric(FINE_STEP), identity, 120 * error_ratio)
    for rung in build_resolutions(slo.alerting.policy, slo.window.seconds).entries:
        yield from _every(rung.step, naming.error_ratio_metric(rung.lookback), published, error_ratio)
    yield from _every(60, naming.CURRENT_BURN_RATE, published, error_ratio / budget)
    yield from _every(60, naming.BUDGET_REMAINING, published, left)


def _promised(slo: Slo) -> Iterator[SampleLine]:
    """What the rules of *slo* record whatever happens."""
    labels = {**NATIVE_STYLE.identity_labels(slo), **slo.labels}
    days = slo.window.seconds / 86400
    yield from _every(60, naming.TIME_PERIOD, labels, days)
    yield from _every(60, "slo_info", labels | {"slo_objective": "99.95%", "slo_window": "30d"}, 1)


def _alert(slo: Slo, group: dict[str, str], kind: AlertKind) -> Iterator[SampleLine]:
    labels = {**NATIVE_STYLE.identity_labels(slo), **slo.labels, **group}
    labels |= {"alertname": naming.ALERT_NAMES[kind], "alertstate": "firing"}
    labels |= {
        "severity": slo.alerting.severity_of(kind).value,
        **NATIVE_STYLE.alert_identity(slo.alerting, kind),
    }
    yield from _every(60, "ALERTS", labels, 1, since=FIRED)


def _every(
    step: int, metric: str, labels: dict[str, str], value: float, *, since: float = START
) -> Iterator[SampleLine]:
    # OpenMetrics has no space between labels.
    matchers = ",".join(f"{label}={quote_string(text)}" for label, text in labels.items())
    for at in range(int(since), int(NOW) + 1, step):
        if at != MISSED:
            yield f"{metric}{{{matchers}}}", value, float(at)


def _dashboards() -> list[Json]:
    texts = (
        render_dashboard(build_overview_dashboard(NATIVE_STYLE)),
        render_dashboard(build_service_dashboard("shop", SHOP, NATIVE_STYLE)),
        render_dashboard(build_service_dashboard(HOSTILE.service, [HOSTILE], NATIVE_STYLE)),
    )
    return [json.loads(text) for text in texts]


def _answers(prometheus: Prometheus, query: Json) -> list[float]:
    """Every number that Grafana would get for one query of a panel."""
    expression = filled(query["expr"])
    if query["instant"]:
        return [sample.value for sample in prometheus.instant(expression, at=NOW)]
    series = prometheus.range(expression, start=NOW - 3600, end=NOW, step=60)
    return [value for one in series for _, value in one.points]


def _row(prometheus: Prometheus, one: Json, **labels: str) -> dict[str, float]:
    """Values of one row of a table, by the titles of its columns."""
    titles = one["transformations"][1]["options"]["renameByName"]
    named = {f"Value #{query['refId']}": query["expr"] for query in one["targets"]}
    answers = {
        titles[name]: _matching(prometheus.instant(expression, at=NOW), labels)
        for name, expression in named.items()
        if name in titles
    }
    return {title: values[0] for title, values in answers.items() if values}


def _matching(samples: list[Sample], labels: dict[str, str]) -> list[float]:
    return [round(sample.value, 6) for sample in samples if labels.items() <= sample.labels.items()]


def test_every_panel_of_an_slo_with_data_has_data_and_no_nan(prometheus: Prometheus) -> None:
    silent = render_dashboard(build_service_dashboard("shop", [SILENT], NATIVE_STYLE))
    quiet = {panel["id"] for panel in json.loads(silent)["panels"] if panel["id"] > 1}
    queries = [
        (one["title"], query)
        for dashboard in _dashboards()
        for one in panels(dashboard)
        if one["id"] not in quiet and not _is_alert_of_groups(one)
        for query in one.get("targets", [])
    ]

    answers = {(title, query["expr"]): _answers(prometheus, query) for title, query in queries}

    assert len(answers) > 80
    assert [where for where, values in answers.items() if not values] == []
    assert [where for where, values in answers.items() if any(map(isnan, values))] == []


def _is_alert_of_groups(one: Json) -> bool:
    """Only groups that fired are drawn."""
    return one["title"] == "Alerts" and "{{uri}}" in one["targets"][0]["legendFormat"]


def test_an_slo_without_data_is_absent_and_not_perfect(prometheus: Prometheus) -> None:
    dashboard = json.loads(render_dashboard(build_service_dashboard("shop", [SILENT], NATIVE_STYLE)))
    numbers = [
        value
        for one in panels(dashboard)
        if one["title"] not in ("SLOs, worst first", "Alerts")
        for query in one.get("targets", [])
        for value in _answers(prometheus, query)
    ]

    assert numbers == []


def test_the_alerts_of_an_slo_are_quiet_or_firing_at_every_moment(prometheus: Prometheus) -> None:
    timeline = panel(
        json.loads(render_dashboard(build_service_dashboard("shop", [SILENT], NATIVE_STYLE))), "Alerts"
    )

    states = {query["legendFormat"]: set(_answers(prometheus, query)) for query in timeline["targets"]}

    assert states == {
        "burns, page": {0},
        "burns, ticket": {0},
        "budget gone": {0},
        "budget soon gone": {0},
        "no data": {2},
    }


def test_the_overview_shows_what_burns(prometheus: Prometheus) -> None:
    table = panel(json.loads(render_dashboard(build_overview_dashboard(NATIVE_STYLE))), "SLOs, worst first")

    row = _row(prometheus, table, slo_service="shop", slo_name="availability")

    assert row == {"Budget left": 0.4, "Burn rate": 20.0, "Gone in": 0.4 / 20 * 30 * 86400, "Alerts": 3}


def test_the_overview_shows_the_worst_group(prometheus: Prometheus) -> None:
    table = panel(json.loads(render_dashboard(build_overview_dashboard(NATIVE_STYLE))), "SLOs, worst first")

    row = _row(prometheus, table, slo_service="shop", slo_name="latency")

    assert row == {"Budget left": -0.25, "Burn rate": 2.0, "Gone in": 0.0, "Alerts": 2}


def test_the_overview_knows_an_slo_without_data_by_its_alert_alone(prometheus: Prometheus) -> None:
    table = panel(json.loads(render_dashboard(build_overview_dashboard(NATIVE_STYLE))), "SLOs, worst first")

    row = _row(prometheus, table, slo_service="shop", slo_name="silent")

    assert row == {"Alerts": 2}


def test_the_overview_counts_the_fleet(prometheus: Prometheus) -> None:
    stats = panels(json.loads(render_dashboard(build_overview_dashboard(NATIVE_STYLE))))[:6]

    before, after = (
        {stat["title"]: _numbers(prometheus, stat, at=at) for stat in stats} for at in (FIRED - 600, NOW)
    )

    assert before == {
        "SLOs": [5],
        "Met": [3],
        "Paging": [0],
        "Tickets": [0],
        "Budgets gone": [1],
        "Not known": [1],
    }
    assert after == {
        "SLOs": [5],
        "Met": [3],
        "Paging": [1],
        "Tickets": [3],
        "Budgets gone": [1],
        "Not known": [1],
    }


def _numbers(prometheus: Prometheus, stat: Json, *, at: float) -> list[float]:
    return [sample.value for sample in prometheus.instant(stat["targets"][0]["expr"], at=at)]


def test_the_overview_links_to_the_dashboards_there_are(prometheus: Prometheus) -> None:
    table = panel(json.loads(render_dashboard(build_overview_dashboard(NATIVE_STYLE))), "SLOs, worst first")

    paths = {
        sample.labels["slo_service"]: sample.labels["dashboard"]
        for sample in prometheus.instant(table["targets"][0]["expr"], at=NOW)
    }

    assert paths == {
        "shop": "d/sloctl-shop?",
        'a"b\\$__interval[[x]]': 'dashboards?tag=sloctl&query=a"b\\$__interval[[x]]',
    }


def test_a_group_that_never_burned_is_not_burning(prometheus: Prometheus) -> None:
    table = panel(
        json.loads(render_dashboard(build_service_dashboard("shop", SHOP, NATIVE_STYLE))),
        "Groups, worst first",
    )

    row = _row(prometheus, table, uri="/cart", method="GET")

    assert row == {"Budget left": 1.0, "Burn rate": 0.0, "Gone in": NOT_BURNING, "Alerts": 0}


def test_the_graphs_of_an_slo_mark_when_its_own_alerts_fired(prometheus: Prometheus) -> None:
    dashboard = json.loads(render_dashboard(build_service_dashboard("shop", SHOP, NATIVE_STYLE)))

    marked = {
        mark["name"]: [(one.labels, one.points[0][0]) for one in _over_the_hour(prometheus, mark["expr"])]
        for mark in dashboard["annotations"]["list"]
    }

    assert marked == {
        "availability: page": [({}, FIRED)],
        "availability: ticket": [({}, FIRED)],
        "freshness: page": [],
        "freshness: ticket": [],
        "latency: page": [],
        "latency: ticket": [(GROUPS[0], FIRED)],
        "silent: page": [],
        "silent: ticket": [({}, FIRED)],
    }


def _over_the_hour(prometheus: Prometheus, expression: str) -> list[Series]:
    return prometheus.range(expression, start=NOW - 3600, end=NOW, step=60)


def test_an_slos_marks_are_in_its_own_graphs_alone() -> None:
    dashboard = json.loads(
        render_dashboard(build_service_dashboard("shop", [BURNING, HEALTHY], NATIVE_STYLE))
    )
    queries = {one["id"]: str(one.get("targets")) for one in panels(dashboard)}

    marked = {
        mark["name"]: [
            slo.name for number in mark["filter"]["ids"] for slo in SHOP if slo.id in queries[number]
        ]
        for mark in dashboard["annotations"]["list"]
    }

    assert marked == {
        "availability: page": ["availability"] * 4,
        "availability: ticket": ["availability"] * 4,
        "freshness: page": ["freshness"] * 4,
        "freshness: ticket": ["freshness"] * 4,
    }


def test_every_graph_of_a_slow_lookback_is_without_gaps(prometheus: Prometheus) -> None:
    graph = panel(
        json.loads(render_dashboard(build_service_dashboard("shop", [BURNING], NATIVE_STYLE))),
        "Error ratio per lookback",
    )

    points = {query["legendFormat"]: len(_answers(prometheus, query)) for query in graph["targets"]}

    assert points == dict.fromkeys(
        (
            "5m",
            "30m",
            "1h, page above 0.72%",
            "2h",
            "6h, page above 0.3%",
            "1d, ticket above 0.15%",
            "3d, ticket above 0.05%",
            "30d",
        ),
        61,
    )


def test_where_no_rule_ever_ran_the_overview_has_no_number(tmp_path: Path) -> None:
    queries = [
        query
        for one in panels(json.loads(render_dashboard(build_overview_dashboard(NATIVE_STYLE))))
        for query in one["targets"]
    ]

    with running_prometheus(tmp_path) as empty:
        answers = [_answers(empty, query) for query in queries]

    assert answers == [[]] * 13
