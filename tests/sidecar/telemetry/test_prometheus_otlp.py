"""What Prometheus makes of the export is what it would scrape from /metrics."""

import asyncio
from pathlib import Path

import pytest

from tests.real import promtool_version, running_prometheus
from tests.sidecar.notify.snapshots import T0
from tests.sidecar.telemetry.otlp import ran
from tests.sidecar.telemetry.test_export import PROGRAM, SNAPSHOT
from tests.sidecar.telemetry.test_slo_metrics import shown

# Of the target, which a scrape would add too.
NOT_OF_THE_SLO = {"__name__", "job", "instance"}


async def test_prometheus_names_the_exported_series_as_metrics_does(tmp_path: Path) -> None:
    if promtool_version() < (3, 0):
        pytest.skip("Prometheus 2 takes no OTLP under its own names: `make test-prometheus3` runs this")
    with running_prometheus(tmp_path, flags=["--web.enable-otlp-receiver"]) as prometheus:
        await ran(PROGRAM, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=f"{prometheus.url}/api/v1/otlp/v1/metrics")
        async with asyncio.timeout(30):
            while not (samples := prometheus.instant('{slo_id!=""}')):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)

    got = {
        (
            sample.labels["__name__"],
            frozenset(
                (name, value)
                for name, value in sample.labels.items()
                if name not in NOT_OF_THE_SLO and not name.startswith("otel_scope_")
            ),
        ): sample.value
        for sample in samples
    }
    assert got == await shown(SNAPSHOT, T0 + 7)
