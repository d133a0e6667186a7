"""What `sloctl discover` proposes from a real Prometheus."""

import time
from pathlib import Path

import pytest

from sloctl.cli.main import main
from sloctl.model import LatencyIndicator
from sloctl.spec import read_specs
from tests.real import backfill, running_prometheus

SERIES = (
    'http_server_requests_seconds_count{job="pay-api",status="200",uri="/pay"}',
    'http_server_requests_seconds_bucket{job="pay-api",status="200",uri="/pay",le="0.1"}',
    'http_server_requests_seconds_bucket{job="pay-api",status="200",uri="/pay",le="0.2"}',
    'http_server_requests_seconds_bucket{job="pay-api",status="200",uri="/pay",le="1.0"}',
    'http_server_requests_seconds_bucket{job="pay-api",status="200",uri="/pay",le="+Inf"}',
    'istio_request_duration_milliseconds_count{reporter="destination",destination_service="shop.prod"}',
    'istio_request_duration_milliseconds_bucket{reporter="destination",destination_service="shop.prod",le="250"}',
    'istio_request_duration_milliseconds_bucket{reporter="source",destination_service="elsewhere",le="250"}',
    'kafka_consumergroup_lag{consumergroup="Till_1",topic="pay\\"ments",partition="0"}',
    'redis_up{instance="r"}',
)


def test_specs_of_what_is_there_are_proposed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = time.time()
    backfill(
        tmp_path / "data", [(series, 1.0, now - minute * 60) for series in SERIES for minute in range(9)]
    )

    with running_prometheus(tmp_path / "data") as prometheus:
        code = main(["discover", "--prometheus", prometheus.url, "-d", str(tmp_path / "specs")])
        again = main(["discover", "--prometheus", prometheus.url, "-d", str(tmp_path / "specs")])

    said = capsys.readouterr().err
    files = sorted((tmp_path / "specs").iterdir())
    specs = read_specs([(file.name, file.read_bytes()) for file in files])
    assert (code, again) == (0, 0)
    assert specs.problems == ()
    assert [slo.id for slo in specs.slos] == [
        "pay-api/micrometer-availability",
        "pay-api/micrometer-latency",
        "shop.prod/istio-latency",
        "till-1/kafka-consumer-lag",
    ]
    assert [
        float(slo.indicator.bound) for slo in specs.slos if isinstance(slo.indicator, LatencyIndicator)
    ] == [
        0.2,
        250,
    ]
    assert "# The histogram's bounds: 100ms, 200ms, 1s" in (tmp_path / "specs" / "pay-api.yaml").read_text()
    assert "54 presets, 4 fit: 4 SLOs proposed" in said
    assert said.count("is there already, and stays as it is") == 3
