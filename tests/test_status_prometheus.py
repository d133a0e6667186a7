"""`sloctl status` against a real Prometheus that runs compiled rules over raw counters of half an hour."""

import json
import time
from collections.abc import Iterator

import pytest

from sloctl import compiler
from sloctl.cli.main import main
from sloctl.duration import DAY
from sloctl.naming import LABEL_STYLES, NATIVE_STYLE
from sloctl.prometheus.answers import InstantSample
from sloctl.spec import read_specs
from sloctl.status.from_prometheus import read_prometheus_status
from tests.real import Prometheus, backfill, running_prometheus

SPEC = b"""\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop, labels: {team: checkout}}
spec:
  scrapeInterval: 5m
  slos:
    - name: availability
      objective: 99.9%
      indicator:
        ratio: {error: 'requests_total{code="500"}', total: requests_total}
      groupBy: [route]
    - name: latency
      objective: 99%
      indicator:
        ratio: {error: 'slow_total', total: requests_total}
    - name: nowhere
      objective: 99%
      indicator:
        ratio: {error: 'a_total', total: b_total}
"""
# Stated far longer, so that a slow machine finds samples in reach all the same.
SCRAPE = 60
# Page and ticket of one, and three budgets.
READY = 'ALERTS{alertname="SLOErrorBudgetBurn"} or slo:period_error_budget_remaining:ratio'
FAILING = {"/pay": 0.5, "/look": 0.0}


def raw_counters() -> Iterator[tuple[str, float, float]]:
    """Half an hour up to now."""
    now = int(time.time())
    for route, failing in FAILING.items():
        for number, at in enumerate(range(now - 1800, now + 1, SCRAPE)):
            labels = f'job="shop",instance="a:1",route="{route}"'
            yield f'requests_total{{{labels},code="200"}}', 100 * number * (1 - failing), at
            yield f'requests_total{{{labels},code="500"}}', 100 * number * failing, at
            yield f"slow_total{{{labels}}}", 0, at
            yield from _full_window(at, f',route="{route}"', "availability")
    for at in range(now - 1800, now + 1, SCRAPE):
        yield from _full_window(at, "", "latency")


def _full_window(at: int, group: str, name: str) -> Iterator[tuple[str, float, float]]:
    """A record of a first rollup long before the window, in both styles."""
    for identity in (f'slo_id="shop/{name}"', f'sloth_id="shop-{name}"'):
        yield f'slo:rollups:since_seconds{{{identity},slo_part="before"{group}}}', at - 40 * DAY, at


@pytest.fixture(scope="module", params=["slo", "sloth"])
def style(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def prometheus(style: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Its groups get their turns every second, so that nobody waits for five minutes."""
    directory = tmp_path_factory.mktemp("prometheus")
    rules = compiler.compile_rules(read_specs([("shop.yaml", SPEC)]).slos, LABEL_STYLES[style])
    for interval in ("1m", "5m"):
        rules = rules.replace(f"  interval: {interval}\n", "  interval: 1s\n")
    backfill(directory, raw_counters())
    with running_prometheus(directory, rules={"shop.yaml": rules}) as running:
        deadline = time.monotonic() + 60
        while len(running.instant(READY)) < 5:
            assert time.monotonic() < deadline, running.log.read_text()[-2000:]
            time.sleep(0.2)
        yield running


def test_it_tells_what_burns_the_worst_first(
    prometheus: Prometheus, style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["status", "--prometheus", prometheus.url, "--label-style", style])

    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    assert lines[0].endswith("UTC: 1 paging, 1 unknown, 2 fine")
    assert [line.split("  ")[0] for line in lines[3:]] == [
        "shop/availability {route=/pay}",
        "shop/nowhere",
        "shop/availability {route=/look}",
        "shop/latency",
    ]


def test_json_holds_the_numbers(
    prometheus: Prometheus, style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["status", "--prometheus", prometheus.url, "--label-style", style, "-o", "json"])

    worst, nowhere, *_ = json.loads(capsys.readouterr().out)["slos"]
    assert worst["group"] == {"route": "/pay"}
    assert (worst["page"]["state"], worst["ticket"]["state"]) == ("firing", "firing")
    assert worst["page"]["since"] is not None
    assert worst["budgetLeft"] == pytest.approx(1 - 500, rel=0.01)
    assert worst["burnRates"] == pytest.approx(dict.fromkeys(("5m", "30m", "1h", "6h"), 500), rel=0.01)
    assert worst["timeToExhaustion"] == 0
    assert (nowhere["state"], nowhere["budgetLeft"]) == ("unknown", None)
    assert nowhere["page"] == {"state": "unknown", "since": None, "stoppedAt": None, "clearsAt": None}


def test_what_is_fine_lets_a_deployment_pass(prometheus: Prometheus, style: str) -> None:
    asking = ["status", "--prometheus", prometheus.url, "--label-style", style]

    assert main([*asking, "shop/latency", "--fail-on", "unknown"]) == 0
    assert main([*asking, "shop/nowhere"]) == 2
    assert main([*asking, "shop/nowhere", "--fail-on", "unknown"]) == 1


def test_a_group_whose_label_is_empty_is_a_group_of_its_own() -> None:
    identity = {"slo_id": "shop/a", "slo_service": "shop", "slo_name": "a"}
    answers = {
        "slo_info": [({**identity, "slo_window": "30d", "cluster": "eu"}, 1)],
        "slo:sli_total:increase1m": [
            ({**identity, "cluster": "eu"}, 60),
            ({**identity, "cluster": "eu", "route": "/pay"}, 60),
        ],
    }

    def ask(query: str) -> list[InstantSample]:
        return [
            InstantSample(labels, 1000, value) for labels, value in answers.get(query.partition("{")[0], [])
        ]

    groups = [line.group for line in read_prometheus_status(ask, NATIVE_STYLE).slos]

    assert groups == [{}, {"route": "/pay"}]


def cluster_groups(*, firing: dict[str, str] | None = None) -> list[tuple[dict[str, str], str]]:
    """Group and health behind a Thanos with two clusters; in the second one nothing is counted."""
    identity = {"slo_id": "shop/a", "slo_service": "shop", "slo_name": "a"}
    one, two = ({**identity, "cluster": cluster, "replica": "a"} for cluster in ("one", "two"))
    answers: dict[str, list[tuple[dict[str, str], float]]] = {
        "slo_info": [({**each, "slo_window": "30d", "team": "web"}, 1) for each in (one, two)],
        "slo:sli_total:increase1m": [(one, 60), ({**one, "replica": "b"}, 60)],
        "slo:period_error_budget_remaining:ratio": [(one, 0.9)],
        "slo:error_budget:ratio": [(one, 0.001), (two, 0.001)],
        "slo:sli_error:ratio_rate5m": [(one, 0.0)],
        "slo:sli_error:ratio_rate1h": [(one, 0.0)],
        "ALERTS": [({**two, **firing}, 1)] if firing else [],
    }

    def ask(query: str) -> list[InstantSample]:
        return [
            InstantSample(labels, 1000, value) for labels, value in answers.get(query.partition("{")[0], [])
        ]

    return [(dict(it.group), it.health.label) for it in read_prometheus_status(ask, NATIVE_STYLE).slos]


def test_clusters_stand_apart_and_one_without_data_is_unknown() -> None:
    assert cluster_groups() == [({"cluster": "two"}, "unknown"), ({"cluster": "one"}, "fine")]


def test_an_alert_is_of_its_own_cluster() -> None:
    page = {"slo_alert": "burn", "slo_severity": "page", "alertstate": "firing"}

    assert cluster_groups(firing=page) == [({"cluster": "two"}, "paging"), ({"cluster": "one"}, "fine")]


def test_what_burns_before_its_page_is_burning() -> None:
    identity = {"slo_id": "shop/a", "slo_service": "shop", "slo_name": "a"}
    answers: dict[str, list[tuple[dict[str, str], float]]] = {
        "slo_info": [({**identity, "slo_window": "30d"}, 1)],
        "slo:sli_total:increase1m": [(identity, 60)],
        "slo:period_error_budget_remaining:ratio": [(identity, 0.9)],
        "slo:error_budget:ratio": [(identity, 0.001)],
        "slo:sli_error:ratio_rate5m": [(identity, 0.07)],
        "slo:sli_error:ratio_rate1h": [(identity, 0.006)],
    }

    def ask(query: str) -> list[InstantSample]:
        return [
            InstantSample(labels, 1000, value) for labels, value in answers.get(query.partition("{")[0], [])
        ]

    (line,) = read_prometheus_status(ask, NATIVE_STYLE).slos

    assert line.health.label == "burning"


def test_without_rules_nothing_is_known(
    prometheus: Prometheus, style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {"slo": "sloth", "sloth": "slo"}[style]

    code = main(["status", "--prometheus", prometheus.url, "--label-style", other])

    assert code == 2
    assert "no SLOs" in capsys.readouterr().out


def test_several_servers_stand_beside_each_other(
    prometheus: Prometheus, style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = prometheus.url.replace("127.0.0.1", "localhost")
    urls = ["--prometheus", prometheus.url, "--prometheus", other]

    main(["status", "shop/latency", *urls, "--label-style", style, "--output", "json"])

    shown = json.loads(capsys.readouterr().out)["slos"]
    assert [slo["group"]["prometheus"] for slo in shown] == [
        url.removeprefix("http://") for url in (prometheus.url, other)
    ]


def test_one_server_that_does_not_answer_leaves_no_half_of_a_status(
    prometheus: Prometheus, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["status", "--prometheus", prometheus.url, "--prometheus", "http://127.0.0.1:1"])

    told = capsys.readouterr()
    assert code == 2
    assert told.out == ""
    assert "http://127.0.0.1:1: cannot connect" in told.err
