"""The configuration file: what it sets, and what is told of what is wrong in it."""

from pathlib import Path

import pytest

from sloctl.naming import SLOTH_STYLE
from sloctl.prometheus.credentials import BasicAuth, ClientOptions, TlsFiles
from sloctl.sidecar.config.read import Settings, read_configuration
from sloctl.sidecar.http.options import LOOPBACK_OPTIONS, Certificate, WebOptions
from sloctl.sidecar.notify.alertmanager import AlertmanagerOptions
from sloctl.sidecar.sources.otlp.source import OtlpOptions
from sloctl.sidecar.sources.prometheus.options import PrometheusOptions
from sloctl.sidecar.sources.scrape.source import ScrapeOptions
from sloctl.sidecar.sources.scrape.targets import DnsService, ScrapeTarget
from sloctl.sidecar.telemetry.logs import LogFormat

HEAD = "apiVersion: sloctl.dev/v1\nkind: SidecarConfiguration\n"
SHORT = f"""{HEAD}source:
  scrape:
    targets: [{{url: "http://shop:8080"}}]
"""
LONG = f"""{HEAD}interval: 2s
source:
  scrape:
    targets:
      - url: http://shop:8080/internal/metrics
        labels: {{job: shop}}
      - {{url: "https://carts:9090", labels: {{job: carts}}, resolve: true}}
    client:
      bearerTokenFile: /run/token
      tls: {{caFile: /tls/ca.pem, certFile: /tls/us.pem, keyFile: /tls/us.key, serverName: carts}}
      timeout: 1500ms
      maxBytes: 1048576
    concurrency: 20
    contributorLabels: [instance, route]
history:
  url: http://mimir:8080/prometheus
  client: {{headers: {{X-Scope-OrgID: shop}}}}
  labelStyle: sloth
store: {{path: /data/slo.db}}
notify:
  urls: ["http://alertmanager-0:9093", "http://alertmanager-1:9093"]
  client: {{basic: {{username: sloctl, passwordFile: /run/password}}}}
  resend: 30s
  externalUrl: https://slo.example.com
  externalLabels: {{cluster: north}}
  resolveAtShutdown: true
web:
  listen: 0.0.0.0:8443
  tls: {{certFile: /tls/web.pem, keyFile: /tls/web.key}}
  tokenFile: /run/web-token
  allowedHosts: [slo.example.com]
logFormat: json
"""


def settings(text: str) -> Settings:
    read_settings, problems = read_configuration("sidecar.yaml", text.encode())
    assert problems == ()
    assert read_settings is not None
    return read_settings


def problems(text: str) -> list[str]:
    none, found = read_configuration("sidecar.yaml", text.encode())
    assert none is None
    return [str(problem) for problem in found]


def test_what_is_not_said_is_what_a_sidecar_beside_one_service_needs() -> None:
    assert settings(SHORT) == Settings(
        interval=5.0,
        source=ScrapeOptions((ScrapeTarget.from_url("http://shop:8080", {}),)),
        web=LOOPBACK_OPTIONS,
    )


def test_everything_can_be_said() -> None:
    assert settings(LONG) == Settings(
        interval=2.0,
        source=ScrapeOptions(
            (
                ScrapeTarget.from_url("http://shop:8080/internal/metrics", {"job": "shop"}),
                DnsService.from_url("https://carts:9090", {"job": "carts"}),
            ),
            ClientOptions(
                timeout_seconds=1.5,
                max_bytes=1 << 20,
                bearer_token_file=Path("/run/token"),
                tls=TlsFiles(Path("/tls/ca.pem"), Path("/tls/us.pem"), Path("/tls/us.key"), "carts"),
            ),
            concurrency=20,
            contributor_labels=("instance", "route"),
        ),
        history=PrometheusOptions(
            "http://mimir:8080/prometheus", ClientOptions(headers={"X-Scope-OrgID": "shop"}), SLOTH_STYLE
        ),
        store=Path("/data/slo.db"),
        notify=AlertmanagerOptions(
            ("http://alertmanager-0:9093", "http://alertmanager-1:9093"),
            ClientOptions(basic_auth=BasicAuth("sloctl", Path("/run/password"))),
            resend=30.0,
            external_url="https://slo.example.com",
            external_labels={"cluster": "north"},
            resolves_at_shutdown=True,
        ),
        web=WebOptions(
            host="0.0.0.0",  # noqa: S104 - what the file says
            port=8443,
            certificate=Certificate(Path("/tls/web.pem"), Path("/tls/web.key")),
            token_file=Path("/run/web-token"),
            allowed_hosts=frozenset({"slo.example.com"}),
        ),
        log_format=LogFormat.JSON,
    )


@pytest.mark.parametrize(
    ("source", "options"),
    [
        (
            'prometheus: {url: "http://prometheus:9090"}',
            PrometheusOptions("http://prometheus:9090", contributor_labels=None),
        ),
        (
            'prometheus: {url: "http://thanos", contributorLabels: [], clusterLabels: [cluster, region]}',
            PrometheusOptions("http://thanos", cluster_labels=("cluster", "region")),
        ),
        ("otlp: {promote: [k8s.pod.name]}", OtlpOptions(promoted_attributes=("k8s.pod.name",))),
    ],
)
def test_counts_come_from_one_kind_of_source(source: str, options: object) -> None:
    assert settings(f"{HEAD}source: {{{source}}}\n").source == options


def test_every_problem_is_found_at_its_place() -> None:
    text = SHORT.replace("http://shop", "shop") + "interval: 2m\nwebb: {}\n"

    assert problems(text) == [
        "sidecar.yaml:5:21: a target is a URL like http://127.0.0.1:8080/metrics, got 'shop:8080' "
        "[wrong-value]",
        "sidecar.yaml:6:11: an interval is between 1s and 1m, got 2m [wrong-value]",
        "sidecar.yaml:7:1: unknown key webb: did you mean web? [unknown-key]",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (HEAD, "sidecar.yaml:1:1: source is missing: it is a mapping [missing-key]"),
        (
            f"{HEAD}source: {{}}\n",
            "sidecar.yaml:3:9: exactly one of scrape, prometheus or otlp stands here, got none of them "
            "[exactly-one]",
        ),
        (
            f"{SHORT}interval: 2m\n",
            "sidecar.yaml:6:11: an interval is between 1s and 1m, got 2m [wrong-value]",
        ),
        (
            f"{SHORT}history: {{url: 'http://p', contributorLabels: [route]}}\n",
            "sidecar.yaml:6:28: unknown key contributorLabels: "
            "write url, client, labelStyle or partialResponse [unknown-key]",
        ),
        (
            f"{SHORT}history: {{url: 'http://p', client: {{timeout: 5}}}}\n",
            "sidecar.yaml:6:46: timeout is a duration like 30s, 30m or 30d, got the number 5 [wrong-type]",
        ),
        ("", "sidecar.yaml:1:1: a configuration is one document, got 0 [one-document]"),
        (f"{SHORT}---\n{SHORT}", "sidecar.yaml:1:1: a configuration is one document, got 2 [one-document]"),
        (
            SHORT + "web: {listen: '9464'}\n",
            "sidecar.yaml:6:6: an address is HOST:PORT, such as 0.0.0.0:9464, got 9464 [wrong-value]",
        ),
        (
            f"{SHORT}    atOnce: 20\n",
            "sidecar.yaml:6:5: unknown key atOnce: atOnce is now concurrency [unknown-key]",
        ),
        (
            f"{SHORT}    labels: [route]\n",
            "sidecar.yaml:6:5: unknown key labels: labels is now contributorLabels [unknown-key]",
        ),
        (
            f"{SHORT}web: {{names: [slo.example.com]}}\n",
            "sidecar.yaml:6:7: unknown key names: names is now allowedHosts [unknown-key]",
        ),
        (
            f"{HEAD}source: {{prometheus: {{url: 'http://p'}}}}\nhistory: {{url: 'http://p'}}\n",
            "sidecar.yaml:4:10: the past comes from source.prometheus itself: remove history [history-twice]",
        ),
    ],
)
def test_what_cannot_be_meant_is_a_problem(text: str, problem: str) -> None:
    assert problems(text) == [problem]
