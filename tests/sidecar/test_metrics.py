"""/metrics, read back with the parsers of Prometheus's own client library, and by promtool."""

import asyncio
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from sloctl.duration import DAY
from sloctl.model import Slo
from sloctl.sidecar.component import MetricType, SelfMetric
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.http.metrics.endpoint import MetricsEndpoint
from sloctl.sidecar.http.metrics.exposition import ExpositionFormat, SnapshotMetrics
from sloctl.sidecar.sources import Group, IntervalCounts, SloCounts
from sloctl.slo.resolutions import EventCounts
from tests.real import promtool
from tests.sidecar.running_sidecar import START
from tests.sidecar.specimens import slo

OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0"
HOSTILE: Final = 'a"b\\c\nd{e}=f'
ROUTES: Final = slo(group_by=("route",))


def snapshot(one: Slo, groups: dict[Group, EventCounts], at: float = START) -> Snapshot:
    return Engine([one], interval=5).record_tick(at, [IntervalCounts(at, {one.id: SloCounts(groups)})])


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (each.name, frozenset(each.labels.items())): each.value
        for family in text_families(text)
        for each in family.samples
    }


def names(text: str) -> set[str]:
    return {name for name, _ in samples(text)}


def text_of(shown: Snapshot, now: float) -> str:
    return SnapshotMetrics.render_snapshot(shown, now).encode_metrics(ExpositionFormat.TEXT, now).decode()


async def of_format(accept: str, self_metrics: Iterable[SelfMetric] = ()) -> tuple[str, str]:
    shown = snapshot(slo(), {(): EventCounts(error=1, total=10)})
    body, content_type = await MetricsEndpoint(
        lambda: shown, lambda: START, [lambda: self_metrics]
    ).render_scrape(accept)
    return body.decode(), content_type


def test_every_value_of_the_snapshot_is_a_sample_with_the_identity_of_its_slo() -> None:
    shown = snapshot(ROUTES, {("/pay",): EventCounts(error=1, total=10)})

    answer = {
        (name, *sorted(value for label, value in labels if not label.startswith("slo_"))): value
        for (name, labels), value in samples(text_of(shown, START + 7)).items()
    }

    assert answer[("slo_events_total", "/pay")] == 10
    assert answer[("slo_error_events_total", "/pay")] == 1
    assert answer[("slo_error_ratio", "/pay", "5m")] == 0.1
    assert answer[("slo_burn_rate", "/pay", "30d")] == pytest.approx(100)
    assert answer[("slo_error_budget_remaining_ratio", "/pay")] == pytest.approx(1 - 100 * 5 / (30 * DAY))
    assert answer[("slo_covered_seconds", "/pay")] == 5
    assert answer[("slo_time_to_exhaustion_seconds", "/pay")] == pytest.approx(30 * DAY / 100, rel=1e-3)
    assert answer[("slo_data_age_seconds", "/pay")] == 7
    assert answer[("slo_alert_firing", "/pay", "page")] == 0
    assert answer[("slo_burning", "/pay")] == 1
    assert answer[("slo_info", "checkout")] == 1


def test_an_slo_that_was_never_read_has_nothing_but_its_description() -> None:
    assert names(text_of(Snapshot.without_data([slo()]), START)) == {"slo_info"}


def test_old_numbers_are_left_out_and_the_age_of_the_data_is_shown() -> None:
    shown = snapshot(slo(), {(): EventCounts(error=1, total=10)})
    limit = slo().alerting.no_data_after

    assert "slo_error_ratio" in names(text_of(shown, START + limit))
    assert names(text_of(shown, START + limit + 1)) == {
        "slo_info",
        "slo_events_total",
        "slo_error_events_total",
        "slo_data_age_seconds",
    }


async def test_numbers_grow_old_even_while_no_new_snapshot_comes() -> None:
    shown = snapshot(slo(), {(): EventCounts(error=1, total=10)})
    now = START
    page = MetricsEndpoint(lambda: shown, lambda: now, [])
    young = (await page.render_scrape(""))[0].decode()

    now = START + slo().alerting.no_data_after + 1

    old = (await page.render_scrape(""))[0].decode()
    assert "slo_burn_rate" in young
    assert "slo_burn_rate" not in old


def test_hostile_label_values_come_back_as_they_were() -> None:
    shown = snapshot(ROUTES, {(HOSTILE,): EventCounts(error=0, total=1)})

    for form, parse in (
        (ExpositionFormat.TEXT, text_families),
        (ExpositionFormat.OPENMETRICS, openmetrics_families),
    ):
        text = SnapshotMetrics.render_snapshot(shown, START).encode_metrics(form, START).decode()
        end = "# EOF\n" if form is ExpositionFormat.OPENMETRICS else ""
        routes = {
            each.labels.get("route")
            for family in parse(text + end)
            if family.name != "slo_info"
            for each in family.samples
        }
        assert routes == {HOSTILE}


def test_a_group_label_with_a_name_of_ours_moves_aside() -> None:
    grouped = slo(group_by=("lookback", "severity"))

    text = text_of(snapshot(grouped, {("x", "y"): EventCounts(error=0, total=1)}), START)

    assert 'exported_lookback="x",exported_severity="y",lookback="5m"' in text


async def test_both_formats_tell_the_same_samples_and_each_has_its_own_spelling() -> None:
    plain, plain_type = await of_format("text/plain;version=0.0.4")
    open_text, open_type = await of_format(OPENMETRICS)

    answer = {
        (each.name, frozenset(each.labels.items())): each.value
        for family in openmetrics_families(open_text)  # type: ignore[no-untyped-call]  # has no types
        for each in family.samples
        if each.name.startswith("slo_")
    }
    assert answer == {key: value for key, value in samples(plain).items() if key[0].startswith("slo_")}
    assert plain_type.startswith("text/plain; version=0.0.4")
    assert open_type.startswith("application/openmetrics-text; version=1.0.0")
    assert open_text.endswith("# EOF\n")
    assert open_text.count("# EOF") == 1
    assert "# EOF" not in plain
    assert ("# TYPE slo_events_total counter" in plain, "# TYPE slo_events counter" in open_text) == (
        True,
        True,
    )


async def test_what_the_parts_tell_of_themselves_is_there_too() -> None:
    self_metrics = (
        SelfMetric("sloctl_notify_queue", "Waiting.", MetricType.GAUGE, 3, {"alertmanager": "http://a"}),
        SelfMetric("sloctl_flushes_total", "Flushes.", MetricType.COUNTER, 2),
        SelfMetric("sloctl_notify_queue", "Waiting.", MetricType.GAUGE, 0, {"alertmanager": "http://b"}),
    )

    text, _ = await of_format(OPENMETRICS, self_metrics)

    assert 'sloctl_notify_queue{alertmanager="http://a"} 3' in text
    assert "# TYPE sloctl_flushes counter\nsloctl_flushes_total 2" in text
    assert text.count("# TYPE sloctl_notify_queue gauge") == 1
    assert "process_resident_memory_bytes" in text


def promtool_says(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [promtool(), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )


async def test_promtool_finds_nothing_to_say() -> None:
    self_metrics = (SelfMetric("sloctl_flushes_total", "Flushes.", MetricType.COUNTER, 2),)
    text, _ = await of_format("", self_metrics)

    checked = await asyncio.to_thread(promtool_says, text)

    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_counter_stays_where_it_is_when_its_slo_grows_stale() -> None:
    shown = snapshot(slo(), {(): EventCounts(error=1, total=10)})
    stale = replace(shown, states=tuple(replace(state, stale=True) for state in shown.states))

    assert samples(text_of(stale, START)) == samples(text_of(shown, START))


async def test_metrics_beyond_the_limit_are_left_out_and_told() -> None:
    shown = snapshot(ROUTES, {(f"/{n}",): EventCounts(1, 10) for n in range(100)})
    endpoint = MetricsEndpoint(lambda: shown, lambda: START, [], max_bytes=20_000)

    body, _ = await endpoint.render_scrape("")

    omitted = samples(body.decode())[("sloctl_metrics_omitted", frozenset())]
    assert 0 < omitted < 100
    assert len(body) < 60_000
    assert endpoint.issues()["metrics"].endswith(f"{omitted:.0f} SLOs and groups are left out")
