"""Metrics and spans that arrive at a collector, and what happens when none listens."""

from sloctl.sidecar.slo_metrics import SLO_METRICS
from tests.real import free_port
from tests.sidecar.notify.snapshots import T0, grouped
from tests.sidecar.specimens import slo
from tests.sidecar.telemetry.otlp import Collector, collecting, pairs, ran

# Exports a snapshot of three groups, and one span; then says how long leaving took, and what it imported.
PROGRAM = f"""
import asyncio, os, sys, time
from opentelemetry.trace import get_tracer
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.engine.tick_loop import SnapshotFeed
from sloctl.sidecar.telemetry.export import export_telemetry
from sloctl.sidecar.telemetry.logs import LogFormat, configure_logging
from tests.sidecar.notify.snapshots import grouped
from tests.sidecar.specimens import slo

tracer = get_tracer("sloctl.sidecar.engine.tick_loop")
snapshot = grouped({T0}, slo(group_by=("route",)), {{("/a",): 0.02, ("/b",): 0.0, ("/c",): None}})

async def main():
    configure_logging(LogFormat.TEXT)
    async with export_telemetry(SnapshotFeed(snapshot), Clock(lambda: {T0} + 7, asyncio.sleep), os.environ):
        with tracer.start_as_current_span("tick"):
            await asyncio.sleep(float(os.environ.get("FOR", "0")))
        leaving = time.monotonic()
    print(time.monotonic() - leaving)

asyncio.run(main())
print(any(name.startswith("opentelemetry.sdk") for name in sys.modules))
"""
SNAPSHOT = grouped(T0, slo(group_by=("route",)), {("/a",): 0.02, ("/b",): 0.0, ("/c",): None})


async def test_a_collector_gets_the_snapshot_and_the_spans() -> None:
    collector = Collector()
    async with collecting(collector) as url:
        ended = await ran(PROGRAM, OTEL_EXPORTER_OTLP_ENDPOINT=url)

    assert (ended.code, ended.err) == (0, "")
    got = {
        (metric.name, metric.unit, frozenset(pairs(point.attributes).items())): point.as_double
        for metric in collector.metrics
        for point in (*metric.gauge.data_points, *metric.sum.data_points)
    }
    wanted = {
        (metric.otel_name, metric.unit, frozenset(attributes.items())): value
        for metric in SLO_METRICS
        for attributes, value in metric.measure_snapshot(SNAPSHOT, T0 + 7)
    }
    assert got == wanted
    assert [span.name for span in collector.spans] == ["tick"]
    assert {pairs(it.attributes)["service.name"] for it in collector.resources} == {"sloctl"}


async def test_counters_are_cumulative_sums_that_only_grow() -> None:
    collector = Collector()
    async with collecting(collector) as url:
        await ran(PROGRAM, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=f"{url}/v1/metrics", OTEL_SERVICE_NAME="eu-1")

    sums = {metric.name: metric.sum for metric in collector.metrics if metric.HasField("sum")}
    assert {(name, it.is_monotonic, it.aggregation_temporality) for name, it in sums.items()} == {
        ("slo.events", True, 2),
        ("slo.error_events", True, 2),
    }
    assert collector.spans == []
    assert {pairs(it.attributes)["service.name"] for it in collector.resources} == {"eu-1"}


async def test_more_attribute_sets_than_the_sdk_keeps_by_default_arrive_one_by_one() -> None:
    more = """
many = {(f"/{n}",): 0.5 for n in range(100)}
snapshot = replace(snapshot, states=tuple(
    state
    for n in range(3)
    for state in grouped(snapshot.at, slo(name=f"s{n}", group_by=("route",)), many).states
))

async def main"""
    program = "from dataclasses import replace" + PROGRAM.replace("\nasync def main", more)
    collector = Collector()
    async with collecting(collector) as url:
        # So many take longer than the end waits for on a busy machine: they go out before it.
        await ran(program, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_METRIC_EXPORT_INTERVAL="500", FOR="4")

    ratios, *_ = [metric for metric in collector.metrics if metric.name == "slo.error_ratio"]
    assert len(ratios.gauge.data_points) == 2_400


async def test_without_an_endpoint_the_sdk_is_not_even_imported() -> None:
    ended = await ran(PROGRAM)

    assert (ended.err, ended.out.split()[1]) == ("", "False")


async def test_a_disabled_sdk_is_not_imported_either() -> None:
    ended = await ran(PROGRAM, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_SDK_DISABLED="true")

    assert (ended.err, ended.out.split()[1]) == ("", "False")


async def test_a_collector_that_is_not_there_costs_a_few_lines_and_no_time_at_the_end() -> None:
    ended = await ran(
        PROGRAM,
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}",
        OTEL_EXPORTER_OTLP_TIMEOUT="1",
        OTEL_METRIC_EXPORT_INTERVAL="50",
        OTEL_BSP_SCHEDULE_DELAY="50",
        FOR="2",
    )

    assert ended.code == 0
    # Each exporter says once that it tries again, and once that it gave up; and on leaving that it leaves.
    assert len(ended.err.splitlines()) <= 8, ended.err
    # A second is allowed; the SDK alone would take ten at least.
    assert float(ended.out.split()[0]) < 5


async def test_a_collector_that_never_answers_does_not_hold_up_the_end() -> None:
    collector = Collector(deaf=True)
    async with collecting(collector) as url:
        ended = await ran(
            PROGRAM, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_METRIC_EXPORT_INTERVAL="50", FOR="0.5"
        )

    assert ended.code == 0
    assert float(ended.out.split()[0]) < 5


async def test_a_tick_and_the_scrape_in_it_are_spans_of_one_trace() -> None:
    program = """
import asyncio
from tests.sidecar.running_sidecar import run_sidecar

async def main():
    async with run_sidecar() as watched:
        await watched.tick()

asyncio.run(main())
"""
    collector = Collector()
    async with collecting(collector) as url:
        ended = await ran(program, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{url}/v1/traces")

    assert ended.err == ""
    ticks = {span.span_id for span in collector.spans if span.name == "tick"}
    scrapes = [span.parent_span_id for span in collector.spans if span.name == "scrape"]
    assert ticks
    assert ticks >= set(scrapes[-1:]) != set()
