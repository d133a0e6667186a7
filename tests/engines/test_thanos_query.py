"""Two clusters behind a Thanos querier: status, the sidecar's source and the overview show them apart."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from sloctl.cli.main import main
from sloctl.dashboards.overview import build_overview_dashboard
from sloctl.duration import HOUR, MINUTE
from sloctl.naming import NATIVE_STYLE
from sloctl.prometheus.answers import InstantSample
from sloctl.sidecar.sources import Group, SourceUnavailable
from sloctl.sidecar.sources.prometheus.options import PrometheusOptions
from sloctl.sidecar.sources.prometheus.source import PrometheusSource
from sloctl.slo.resolutions import EventCounts
from sloctl.status.from_prometheus import read_prometheus_status
from sloctl.targets.grafana import render_dashboard
from tests.dashboards.grafana import panel, panels
from tests.engines.clusters import EVENTS_A_MINUTE, Clusters, two_clusters
from tests.spec.specs import SPEC, only

pytestmark = pytest.mark.full

SHOP: Final = only(SPEC)
END: Final = 1_796_142_900


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    with two_clusters(tmp_path_factory.mktemp("clusters"), SHOP, end=END) as running:
        yield running


@pytest.fixture
def half_of_them(tmp_path: Path) -> Iterator[Clusters]:
    """The querier after one of its stores has gone."""
    with two_clusters(tmp_path, SHOP, end=END) as running:
        running.us_sidecar.close()
        yield running


async def counted_in_an_hour(url: str, *, partial_response: bool = False) -> dict[Group, EventCounts]:
    """What the sidecar's source reads of the hour before END, minute by minute."""
    options = PrometheusOptions(
        url, settle_seconds=0, partial_response=partial_response, cluster_labels=("cluster",)
    )
    sums: dict[Group, EventCounts] = {}
    async with PrometheusSource(options, [SHOP], jitter=lambda: 0.0).open_source() as source:
        for now in range(END - HOUR, END + 1, MINUTE):
            for interval in await source.read_counts(now + SHOP.scrape_interval):
                for group, counts in interval.slos[SHOP.id].groups.items():
                    before = sums.get(group, EventCounts(0.0, 0.0))
                    sums[group] = EventCounts(before.error + counts.error, before.total + counts.total)
    return sums


def test_status_has_a_line_for_each_cluster(clusters: Clusters) -> None:
    def query(promql: str) -> list[InstantSample]:
        found = clusters.querier.instant(promql, at=END)
        return [InstantSample(dict(each.labels), each.at, each.value) for each in found]

    report = read_prometheus_status(query, NATIVE_STYLE)

    assert [(slo.id, dict(slo.group), slo.health.name) for slo in report.slos] == [
        ("shop/availability", {"cluster": "eu"}, "PAGING"),
        ("shop/availability", {"cluster": "us"}, "FINE"),
    ]


async def test_the_sidecar_counts_each_cluster_and_no_replica_twice(clusters: Clusters) -> None:
    counted = await counted_in_an_hour(clusters.querier.url)

    assert counted == {
        ("eu",): EventCounts(error=30 * EVENTS_A_MINUTE, total=60 * EVENTS_A_MINUTE),
        ("us",): EventCounts(error=0, total=60 * EVENTS_A_MINUTE),
    }


def test_the_overview_has_a_row_for_each_cluster(clusters: Clusters) -> None:
    overview = json.loads(render_dashboard(build_overview_dashboard(NATIVE_STYLE, ["cluster"])))

    rows = panel(overview, "SLOs, worst first")["targets"]
    left = clusters.querier.instant(rows[1]["expr"], at=END)
    numbers = {
        stat["title"]: [
            sample.value for sample in clusters.querier.instant(stat["targets"][0]["expr"], at=END)
        ]
        for stat in panels(overview)[:6]
    }

    assert {sample.labels["cluster"]: sample.value for sample in left} == {"eu": -24, "us": 1}
    assert numbers == {
        "SLOs": [2],
        "Met": [1],
        "Paging": [1],
        "Tickets": [0],
        "Budgets gone": [1],
        "Not known": [0],
    }


async def test_half_of_an_answer_is_none(half_of_them: Clusters) -> None:
    with pytest.raises(SourceUnavailable):
        await counted_in_an_hour(half_of_them.querier.url)
    assert main(["status", "--prometheus", half_of_them.querier.url]) == 2


async def test_half_of_an_answer_is_taken_where_it_is_asked_for(half_of_them: Clusters) -> None:
    counted = await counted_in_an_hour(half_of_them.querier.url, partial_response=True)

    assert set(counted) == {("eu",)}
