"""Each first hour, followed as its page says, with real parts."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

from sloctl.spec import read_specs
from tests.first_hour.shop_service import running_shop
from tests.first_hour.walk import (
    MOST_COMMANDS,
    ROOT,
    Reader,
    SavedFile,
    Step,
    TypedCommand,
    only_spec,
    read_walk,
    reader_in,
)
from tests.helm.chart import objects
from tests.real import (
    MISSING,
    amtool,
    backfill,
    free_port,
    promtool,
    running_alertmanager,
    running_prometheus,
)

PAGES: Final = sorted(page.name for page in (ROOT / "docs").glob("first-hour-*.md"))
INSTALLED: Final = "it is installed from this checkout; tests/test_packaging.py installs the wheel"
NO_CLUSTER: Final = "no cluster can be had here; tests/helm renders the chart, and `make e2e` installs it"
NO_MIMIR: Final = "no Mimir can be had here"
# What is not done here, and why; all else is.
NOT_RUN: Final = {
    "pip install 'sloctl[sidecar]'": INSTALLED,
    "pip install sloctl": INSTALLED,
    "cp dashboards/*.json /var/lib/grafana/dashboards/sloctl/": "no Grafana can be had "
    "here; tests/dashboards holds them against its types",
    "kubectl --namespace monitoring port-forward service/prometheus-operated 9090 &": NO_CLUSTER,
    "helm install slo helm/sloctl --namespace monitoring --values slo-values.yaml "
    "--set-file 'specs.files.shop\\.yaml=shop.yaml'": NO_CLUSTER,
    "helm test slo --namespace monitoring --logs": NO_CLUSTER,
    "sloctl push shop.yaml --mimir http://127.0.0.1:8080 --tenant shop": NO_MIMIR,
    "sloctl status --prometheus http://127.0.0.1:8080/prometheus --header-file tenant": NO_MIMIR,
}
# What is done in place of a command, since there is no cluster.
INSTEAD: Final = {"kubectl apply --server-side -k .": "kubectl kustomize ."}


@pytest.mark.parametrize("page", PAGES)
def test_a_first_hour_has_at_most_ten_commands(page: str) -> None:
    commands = [step.words for step in read_walk(page) if isinstance(step, TypedCommand)]

    assert 5 <= len(commands) <= MOST_COMMANDS


def test_the_spec_of_the_first_hour_is_sound() -> None:
    specs = read_specs([("shop.yaml", only_spec("first-hour.md").encode())])

    assert specs.problems == ()
    assert [slo.id for slo in specs.slos] == ["shop/availability"]


def test_without_a_prometheus(tmp_path: Path) -> None:
    listen = f"127.0.0.1:{free_port()}"
    told = {}

    with running_shop() as shop:
        places = {
            "127.0.0.1:8080": shop,
            "127.0.0.1:9464": listen,
            "--interval 5s": f"--interval 1s --listen {listen}",
        }
        with reader_in(tmp_path, places, {"SLOCTL_SIDECAR_URL": f"http://{listen}"}) as reader:
            for step in read_walk("first-hour-no-prometheus.md"):
                told[name_of(step)] = follow(
                    reader, step, {"sloctl status": "1 ", "curl -s http://127.0.0.1:9464": "0."}
                )

    assert "page" in told["sloctl demo --duration 15s"]
    assert "http_requests_total" in told["curl -s http://127.0.0.1:8080/metrics | grep -m 5 _total"]
    assert told["sloctl validate shop.yaml"] == "1 file, 1 SLO, no problems\n"
    assert "99.9 % good over any 30d" in told["sloctl explain shop.yaml"]
    assert "shop/availability" in told["sloctl status"]


@pytest.mark.full
def test_with_a_plain_prometheus(tmp_path: Path) -> None:
    promtool()
    amtool()
    folder = tmp_path / "etc"
    told = {}
    port = free_port()
    backfill(folder, scraped())

    with (
        running_shop() as shop,
        running_alertmanager(tmp_path / "alertmanager", config=NOBODY) as alertmanager,
        running_prometheus(folder, port=port) as prometheus,
    ):
        # Both read the files that the reader writes.
        for name in ("alertmanager.yml", "alertmanager"):
            (tmp_path / "alertmanager" / name).unlink(missing_ok=True)
            (tmp_path / "alertmanager" / name).symlink_to(folder / name)
        places = {
            "127.0.0.1:8080": shop,
            "127.0.0.1:9090": prometheus.url.removeprefix("http://"),
            "127.0.0.1:9093": alertmanager.url.removeprefix("http://"),
        }
        with reader_in(folder, places) as reader:
            for step in read_walk("first-hour-prometheus.md"):
                told[name_of(step)] = follow(reader, step, {"sloctl status": "shop/availability"})
            groups = prometheus.get("/api/v1/rules").decode()
            configured = alertmanager.get("/api/v2/status").decode()

    assert "live-rules-absent" in told["sloctl validate shop.yaml --prometheus http://127.0.0.1:9090"]
    assert "SUCCESS" in told["promtool check config prometheus.yml"]
    assert "slo:shop/availability:fast" in groups
    assert '"health":"err"' not in groups
    assert "inhibit_rules" in configured
    assert "shop/availability" in told["sloctl status --prometheus http://127.0.0.1:9090"]


def test_grafana_s_provider_reads_the_folder_that_dashboards_are_copied_to() -> None:
    steps = read_walk("first-hour-prometheus.md")
    [provider] = [step for step in steps if isinstance(step, SavedFile) and "grafana" in step.name]
    [copied] = [name_of(step) for step in steps if name_of(step).startswith("cp dashboards/")]

    [options] = [each["options"] for each in yaml.safe_load(provider.text)["providers"]]

    assert copied.split()[-1] == f"{options['path']}/"


def test_what_is_not_run_stands_on_a_page() -> None:
    typed = {name_of(step) for page in PAGES for step in read_walk(page)}

    assert {*NOT_RUN, *INSTEAD} - typed == set()


@pytest.mark.full
def test_with_kube_prometheus_stack(tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl") or pytest.skip(f"{MISSING}kubectl")
    folder = tmp_path / "prometheus"
    steps = read_walk("first-hour-kubernetes.md")
    told = {}
    backfill(folder, scraped())

    with reader_in(tmp_path, {}) as reader:
        for step in steps[: 1 + [name_of(step) for step in steps].index("kubectl apply --server-side -k .")]:
            told[name_of(step)] = follow(reader, step, {})
        manifests = list(yaml.safe_load_all(told["kubectl apply --server-side -k ."]))
        by_kind = {each["kind"]: each for each in manifests}
        rules = {"shop.yaml": yaml.safe_dump(by_kind["PrometheusRule"]["spec"])}
        with (
            running_shop() as shop,
            running_prometheus(folder, config=scraping(shop), rules=rules) as prometheus,
        ):
            reader.places = {"127.0.0.1:9090": prometheus.url.removeprefix("http://")}
            for step in steps[len(told) :]:
                told[name_of(step)] = follow(reader, step, {"sloctl status": "shop/availability"})

    assert kubectl
    assert {(each["kind"], each["metadata"]["namespace"]) for each in manifests} == {
        ("PrometheusRule", "monitoring"),
        ("ServiceMonitor", "monitoring"),
        ("ConfigMap", "monitoring"),
    }
    assert {each["metadata"]["labels"]["release"] for each in manifests} == {"monitoring"}
    assert by_kind["ConfigMap"]["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert "live-rules" not in told["sloctl validate shop.yaml --prometheus http://127.0.0.1:9090"]


@pytest.mark.full
def test_with_thanos(tmp_path: Path) -> None:
    thanos = shutil.which(os.environ.get("THANOS", "thanos"))
    if thanos is None:
        pytest.skip(f"{MISSING}thanos (put it on PATH or name it in $THANOS)")
    folder = tmp_path / "prometheus"
    query, sidecar_grpc, ruler_grpc, ruler = (f"127.0.0.1:{free_port()}" for _ in range(4))
    told = {}
    backfill(folder, scraped())

    with (
        running_shop() as shop,
        running_prometheus(
            folder,
            config=scraping(shop).replace("global: {", "global: {external_labels: {cluster: eu}, "),
            flags=("--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h"),
        ) as prometheus,
        reader_in(
            tmp_path,
            {
                "thanos rule": f"{thanos} rule",
                "127.0.0.1:10902": query,
                "127.0.0.1:10912": ruler,
                "127.0.0.1:10911": ruler_grpc,
            },
        ) as reader,
    ):
        reader.run(
            f"{thanos} sidecar --prometheus.url {prometheus.url} --tsdb.path {folder / 'data'} "
            f"--grpc-address {sidecar_grpc} --http-address 127.0.0.1:{free_port()} &"
        )
        reader.run(
            f"{thanos} query --http-address {query} --grpc-address 127.0.0.1:{free_port()} "
            f"--endpoint {sidecar_grpc} --endpoint {ruler_grpc} --query.replica-label replica &"
        )
        for step in read_walk("first-hour-thanos-mimir.md"):
            awaited = {
                "sloctl validate": "live-rules-absent",
                "curl": "slo:shop/availability:fast",
                "sloctl status --prometheus http://127.0.0.1:10902": "shop/availability",
            }
            told[name_of(step)] = follow(reader, step, awaited)

    assert "SUCCESS" in told["promtool check rules alerts/shop.yaml"]
    assert '"health":"err"' not in told["curl -fsS http://127.0.0.1:10912/api/v1/rules"]
    assert "%" in told["sloctl status --prometheus http://127.0.0.1:10902"]


def test_the_chart_takes_the_values_of_the_first_hour() -> None:
    [given] = [step for step in read_walk("first-hour-kubernetes.md") if name_of(step) == "slo-values.yaml"]
    assert isinstance(given, SavedFile)
    values = yaml.safe_load(given.text) | {"specs": {"files": {"shop.yaml": only_spec("first-hour.md")}}}

    kinds = {each["kind"] for each in objects(values)}

    assert {"Deployment", "Service", "ServiceMonitor", "Pod"} <= kinds


def scraping(shop: str) -> str:
    return (
        "global: {scrape_interval: 15s}\n"
        f"scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['{shop}']}}]}}]\n"
    )


def scraped() -> Iterator[tuple[str, float, float]]:
    """What was scraped of the shop in the last hours: 200 requests a second, of which one fails."""
    began = time.time() - 3 * 3600
    for code, value in (("200", 2985.0), ("500", 15.0)):
        for step in range(3 * 240):
            series = f'http_requests_total{{job="shop",instance="127.0.0.1:8080",code="{code}"}}'
            yield series, value * step, began + 15 * step


NOBODY: Final = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


def name_of(step: Step) -> str:
    return step.words if isinstance(step, TypedCommand) else step.name


def follow(reader: Reader, step: Step, awaited: dict[str, str]) -> str:
    """Do a step; a command that begins as one of *awaited* is repeated until it prints what belongs to it."""
    if isinstance(step, SavedFile):
        reader.save(step)
        return ""
    if step.words in NOT_RUN:
        return ""
    for begins, words in awaited.items():
        if step.words.startswith(begins):
            return reader.run_until(step.words, words)
    return reader.run(INSTEAD.get(step.words, step.words))
