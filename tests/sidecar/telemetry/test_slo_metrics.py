"""What is exported over OTLP is what /metrics shows."""

from prometheus_client.parser import text_string_to_metric_families

from sloctl.sidecar.component import MetricType
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.http.metrics.endpoint import MetricsEndpoint
from sloctl.sidecar.slo_metrics import SLO_METRICS, SloMetric
from tests.sidecar.notify.snapshots import T0, grouped, stale
from tests.sidecar.specimens import slo

SUFFIX = {"1": "_ratio", "s": "_seconds"}


def series_name(metric: SloMetric) -> str:
    """As Prometheus translates name and unit."""
    name = metric.otel_name.replace(".", "_")
    suffix = "_total" if metric.kind is MetricType.COUNTER else SUFFIX.get(metric.unit, "")
    return name.removesuffix(suffix) + suffix


def exported(snapshot: Snapshot, now: float) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (series_name(metric), frozenset(attributes.items())): value
        for metric in SLO_METRICS
        for attributes, value in metric.measure_snapshot(snapshot, now)
    }


async def shown(snapshot: Snapshot, now: float) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """What /metrics shows of SLOs, but for slo_info, which is of the spec."""
    body, _ = await MetricsEndpoint(lambda: snapshot, lambda: now, ()).render_scrape("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.name != "slo_info" and "slo_id" in sample.labels
    }


async def test_a_snapshot_is_exported_as_metrics_shows_it() -> None:
    by_route = slo(group_by=("route", "lookback"))
    snapshot = grouped(T0, by_route, {("/a", "x"): 0.02, ("/b", "y"): 0.0, ("/c", ""): None})

    assert exported(snapshot, T0 + 7) == await shown(snapshot, T0 + 7)
    assert len(exported(snapshot, T0 + 7)) == 54


async def test_old_numbers_are_no_longer_exported_but_their_age_is() -> None:
    snapshot = stale(grouped(T0, slo(), {(): 0.02}))

    left = exported(snapshot, T0 + 601)
    assert left == await shown(snapshot, T0 + 601)
    assert {name for name, _ in left} == {
        "slo_events_total",
        "slo_error_events_total",
        "slo_data_age_seconds",
    }


def test_what_was_never_read_is_not_exported() -> None:
    assert exported(Snapshot.without_data([slo()]), T0) == {}
