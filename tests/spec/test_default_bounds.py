"""Thresholds that we ship or show are bounds that the client beside them makes by default."""

import json
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest

from sloctl.model import LatencyIndicator, Slo
from sloctl.spec import read_specs
from sloctl.spec.presets import load_shipped_preset, shipped_names

# As their clients' documentation or code has them, in the unit of the histogram.
PROMETHEUS_CLIENTS: Final = "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10"
OPENTELEMETRY: Final = "0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10"
MILLISECONDS: Final = "0.5 1 5 10 25 50 100 250 500 1000 2500 5000 10000 30000 60000"
DEFAULT_BOUNDS: Final = {
    "apiserver_request_sli_duration_seconds": "0.05 0.1 0.2 0.4 0.6 0.8 1 1.25 1.5 2 3 4 5 6 8 10",
    "celery_task_runtime": PROMETHEUS_CLIENTS,
    "coredns_dns_request_duration_seconds": " ".join(str(Fraction(2**power, 4000)) for power in range(16)),
    "django_http_requests_latency_including_middlewares_seconds": OPENTELEMETRY,
    "envoy_cluster_upstream_rq_time": MILLISECONDS,
    "etcd_disk_wal_fsync_duration_seconds": " ".join(str(Fraction(2**power, 1000)) for power in range(14)),
    "grpc_server_handling_seconds": PROMETHEUS_CLIENTS,
    # FastAPI's instrumentator: few bounds beside the labels, many without them.
    "http_request_duration_highr_seconds": "0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 1.5 2 2.5 3",
    "http_request_duration_seconds": PROMETHEUS_CLIENTS,
    "http_client_request_duration_seconds": OPENTELEMETRY,
    "http_server_request_duration_seconds": OPENTELEMETRY,
    # Micrometer's percentile histogram, around a quarter of a second.
    "http_server_requests_seconds": "0.2 0.223696211 0.246065832 0.268435456 0.357913941",
    "istio_request_duration_milliseconds": MILLISECONDS,
    "kong_request_latency_ms": "25 50 80 100 250 400 700 1000 2000 5000 10000 30000 60000",
    "kubelet_pod_start_sli_duration_seconds": "0.5 1 2 3 4 5 6 8 10 20 30 45 60 120 180",
    "nginx_ingress_controller_request_duration_seconds": PROMETHEUS_CLIENTS,
    "prometheus_http_request_duration_seconds": "0.1 0.2 0.4 1 3 8 20 60 120",
    "response_latency_ms": "1 2 3 4 5 10 20 30 40 50 100 200 300 400 500 1000 2000",
    "rpc_server_duration_milliseconds": "5 10 25 50 75 100 250 500 750 1000 2500 5000 7500 10000",
    "starlette_request_duration_seconds": PROMETHEUS_CLIENTS,
    "traefik_service_request_duration_seconds": "0.1 0.3 1.2 5",
}
BY_CLIENT: Final = {"ledger": "0.1 0.5 1"}
DOCUMENTS: Final = [Path("README.md"), *sorted(Path("docs").glob("*.md"))]
_SPEC: Final = re.compile(
    r"^```yaml\n(apiVersion: sloctl.dev/v1\nkind: ServiceLevelObjectives\n.*?)^```$", re.MULTILINE | re.DOTALL
)


def latencies(slos: Iterable[Slo]) -> Iterator[tuple[str, LatencyIndicator]]:
    for slo in slos:
        if isinstance(slo.indicator, LatencyIndicator):
            yield slo.service, slo.indicator


def preset_spec(name: str) -> bytes:
    """A spec that uses a preset with the parameters of its example."""
    parameters = dict(load_shipped_preset(name).example_parameters)
    slo = {"name": name, "objective": "99%", "indicator": {"preset": {"name": name, "with": parameters}}}
    document = {
        "apiVersion": "sloctl.dev/v1",
        "kind": "ServiceLevelObjectives",
        "metadata": {"name": "presets"},
        "spec": {"slos": [slo]},
    }
    return json.dumps(document).encode()


SHIPPED: Final = [(str(path), path.read_bytes()) for path in sorted(Path("slos").glob("*.yaml"))]
SHOWN: Final = [
    (f"{path} {number}", text.encode())
    for path in DOCUMENTS
    for number, text in enumerate(_SPEC.findall(path.read_text()))
]
PRESETS: Final = [(name, preset_spec(name)) for name in shipped_names()]
# Examples of the alerts' texts, whose histogram is nobody's.
MADE_UP: Final = ("authorisation_seconds", "request_seconds")


@pytest.mark.parametrize(
    ("place", "text"), [*SHIPPED, *SHOWN, *PRESETS], ids=[place for place, _ in (*SHIPPED, *SHOWN, *PRESETS)]
)
def test_a_threshold_is_a_default_bound_of_its_client(place: str, text: bytes) -> None:
    strange = [
        (indicator.histogram.metric, float(indicator.bound))
        for service, indicator in latencies(read_specs([(f"{place}.yaml", text)]).slos)
        if indicator.histogram.metric not in MADE_UP
        and indicator.bound
        not in {
            Fraction(it) for it in BY_CLIENT.get(service, DEFAULT_BOUNDS[indicator.histogram.metric]).split()
        }
    ]

    assert strange == []
