"""`sloctl backfill` against a real Prometheus that holds two days of raw counters."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sloctl import compiler, naming
from sloctl.cli.main import main
from sloctl.duration import DAY, HOUR
from sloctl.naming import NATIVE_STYLE
from sloctl.prometheus.answers import QueryRange
from sloctl.rules.backfill_queries import backfill_increase, backfill_rollups
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import RecordingRule
from sloctl.spec import read_specs
from tests.real import Prometheus, backfill, free_port, promtool, running_prometheus, stopped_clock

SPEC = b"""\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  scrapeInterval: 30s
  slos:
    - name: availability
      objective: 99%
      indicator:
        ratio: {error: 'requests_total{code="500"}', total: requests_total}
      groupBy: [route]
"""
# Without a floor, whose counts are recorded for alerts alone.
MONTH_SPEC = SPEC.replace(b"30s", b"1m").replace(
    b"      groupBy: [route]\n", b"      alerting: {minErrors: 0}\n"
)
SILENT_SPEC = b"""\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  slos:
    - name: lag
      objective: 99%
      window: 1d
      indicator: {condition: {good: 'max(lag) < 9', whenAbsent: bad}}
"""
SCRAPE = 30
HELD = 2 * DAY
# Requests a second, and the share that fails for an hour of each day.
PER_SECOND = {"/busy": 3.0, "/quiet": 0.05}
FAILING = 0.3


def raw_counters(
    end: int, *, held: int = HELD, scrape: int = SCRAPE, routes: Mapping[str, float] = PER_SECOND
) -> Iterator[tuple[str, float, float]]:
    """Two routes of one target up to *end*."""
    for route, rate in routes.items():
        good = bad = 0.0
        for at in range(end - held, end + 1, scrape):
            failing = FAILING if 10 * HOUR <= at % DAY < 11 * HOUR else 0.0
            good += rate * scrape * (1 - failing)
            bad += rate * scrape * failing
            labels = f'job="shop",instance="a:1",route="{route}"'
            yield f'requests_total{{{labels},code="200"}}', round(good, 3), at
            yield f'requests_total{{{labels},code="500"}}', round(bad, 3), at


def load(directory: Path, files: Path) -> None:
    for file in sorted(files.glob("*.om")):
        command = [promtool(), "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(file)]
        subprocess.run([*command, str(directory / "data")], check=True, capture_output=True)


def error_ratio(prometheus: Prometheus, at: float) -> dict[str, float]:
    query = (
        "sum by (route) (sum_over_time(slo:sli_error:increase5m[2d]))"
        " / sum by (route) (sum_over_time(slo:sli_total:increase5m[2d]))"
    )
    return {sample.labels["route"]: sample.value for sample in prometheus.instant(query, at=at)}


def test_after_a_backfill_the_window_holds_the_truth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, files, data = tmp_path / "shop.yaml", tmp_path / "files", tmp_path / "prometheus"
    spec.write_bytes(SPEC)
    now = int(time.time()) // 300 * 300
    backfill(data, raw_counters(now))
    port = free_port()
    arguments = ["backfill", str(spec), "--prometheus", f"http://127.0.0.1:{port}", "--from", "2d"]

    with running_prometheus(data, port=port), stopped_clock(now):
        first = main([*arguments, "-d", str(files)])
        written = {file.name: file.read_bytes() for file in files.iterdir()}
        again = main([*arguments, "-d", str(files)])
    load(data, files)
    with running_prometheus(data) as prometheus:
        ratios = error_ratio(prometheus, at=now)
        fine = prometheus.instant("count_over_time(slo:sli_total:increase1m[6h])", at=now)

    assert (first, again) == (0, 0)
    assert len(written) in {2, 3}
    assert {file.name: file.read_bytes() for file in files.iterdir()} == written
    assert capsys.readouterr().err.splitlines()[-1] == f"1 SLOs, 0 files written to {files}"
    assert ratios == pytest.approx(dict.fromkeys(PER_SECOND, FAILING / 24), rel=0.005)
    assert {sample.value for sample in fine} <= {360.0, 361.0}


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, int]]:
    """A Prometheus with a backfilled month, and its end; the backfill was interrupted on the way."""
    directory = tmp_path_factory.mktemp("month")
    spec, files, held = directory / "shop.yaml", directory / "files", directory / "prometheus"
    spec.write_bytes(MONTH_SPEC)
    now = int(time.time()) // 300 * 300
    backfill(held, raw_counters(now, held=31 * DAY, scrape=60, routes={"/": 3.0}))
    port = free_port()
    arguments = ["backfill", str(spec), "--prometheus", f"http://127.0.0.1:{port}", "-d", str(files)]

    with running_prometheus(held, port=port), stopped_clock(now):
        assert main(arguments) == 0
        for file in sorted(files.glob("*.om"))[-2:]:
            file.unlink()
        assert main(arguments) == 0
    load(held, files)
    with running_prometheus(held) as prometheus:
        yield prometheus, now


def panel_queries() -> list[str]:
    """The queries of all timelines, at the resolution of a month."""
    slos = read_specs([("shop.yaml", MONTH_SPEC)]).slos
    [dashboard] = (
        json.loads(artefact.text)
        for artefact in compiler.compile_artefacts(slos, NATIVE_STYLE)
        if artefact.path == "dashboards/shop.json"
    )
    return [
        target["expr"].replace("$__interval", "1h").replace("$__rate_interval", "4m")
        for panel in dashboard["panels"]
        if panel["type"] == "timeseries"
        for target in panel["targets"]
    ]


@pytest.mark.parametrize("query", panel_queries())
@pytest.mark.parametrize("offset", [0, 137])
def test_panels_have_their_month(month: tuple[Prometheus, int], query: str, offset: int) -> None:
    prometheus, now = month

    [series] = prometheus.range(query, start=now - 30 * DAY + HOUR - offset, end=now - offset, step=HOUR)

    assert len(series.points) >= 700


@pytest.mark.parametrize("ago", [HOUR, 9 * DAY, 20 * DAY + 13 * HOUR])
def test_published_is_what_the_rules_would_have_said(month: tuple[Prometheus, int], ago: int) -> None:
    prometheus, now = month
    [slo] = read_specs([("shop.yaml", MONTH_SPEC)]).slos
    rules = [
        rule
        for group in rule_groups(slo, NATIVE_STYLE)
        for rule in group.rules
        if isinstance(rule, RecordingRule)
        and ":increase" not in rule.record
        and rule.record != naming.NEW_SERIES
    ]

    said = {rule.record: prometheus.instant(rule.expr, at=now - ago)[0].value for rule in rules}
    written = {rule.record: prometheus.instant(rule.record, at=now - ago)[0] for rule in rules}

    assert {record: sample.value for record, sample in written.items()} == pytest.approx(said, rel=1e-6)
    assert {record: sample.labels for record, sample in written.items()} == {
        rule.record: {"__name__": rule.record, **rule.labels} for rule in rules
    }


def test_what_happened_while_prometheus_was_down_is_in_the_window_too(tmp_path: Path) -> None:
    spec, files, data = tmp_path / "shop.yaml", tmp_path / "files", tmp_path / "prometheus"
    spec.write_bytes(SPEC)
    now = int(time.time()) // 300 * 300
    # Over midnight as well as over what fails.
    holes = ((9.5 * HOUR, 10.75 * HOUR), (23 * HOUR, DAY), (0, HOUR))
    scraped = (
        sample
        for sample in raw_counters(now)
        if not any(start < sample[2] % DAY <= end for start, end in holes)
        # A gap is repaired from both sides: none at either end, whatever the time of day.
        or not now - HELD + 3 * HOUR < sample[2] < now - 3 * HOUR
    )
    backfill(data, scraped)
    port = free_port()

    with running_prometheus(data, port=port), stopped_clock(now):
        url = f"http://127.0.0.1:{port}"
        main(["backfill", str(spec), "--prometheus", url, "--from", "2d", "-d", str(files)])
    load(data, files)
    with running_prometheus(data) as prometheus:
        ratios = error_ratio(prometheus, at=now)

    assert ratios == pytest.approx(dict.fromkeys(PER_SECOND, FAILING / 24), rel=0.01)


def test_what_the_rules_have_recorded_is_not_written_again(tmp_path: Path) -> None:
    spec, files, data = tmp_path / "shop.yaml", tmp_path / "files", tmp_path / "prometheus"
    spec.write_bytes(SPEC)
    now = int(time.time()) // 300 * 300
    began = now - 12 * HOUR
    recorded = (
        (f'slo:sli_total:increase5m{{slo_id="shop/availability",route="{route}"}}', 1.0, at)
        for route in PER_SECOND
        for at in range(began, now + 1, 300)
    )
    backfill(data, [*raw_counters(now), *recorded])
    port = free_port()

    with running_prometheus(data, port=port), stopped_clock(now):
        main(["backfill", str(spec), "--prometheus", f"http://127.0.0.1:{port}", "-d", str(files)])

    lines = [
        line for file in files.iterdir() for line in file.read_text().splitlines() if "increase5m" in line
    ]
    newest = max(int(line.rpartition(" ")[2]) for line in lines)
    assert began - 3 * 300 <= newest <= began - 300


def test_the_time_before_the_first_scrape_is_no_outage(tmp_path: Path) -> None:
    spec, files, now = tmp_path / "shop.yaml", tmp_path / "files", int(time.time()) // 300 * 300
    spec.write_bytes(SILENT_SPEC)
    first = now - HOUR
    backfill(tmp_path / "data", (('up{job="other"}', 1, at) for at in range(first, now + 1, 15)))
    port = free_port()

    with running_prometheus(tmp_path / "data", port=port), stopped_clock(now):
        url = f"http://127.0.0.1:{port}"
        main(["backfill", str(spec), "--prometheus", url, "--from", "3h", "-d", str(files)])

    lines = [line for file in files.iterdir() for line in file.read_text().splitlines()]
    counted = [int(line.rpartition(" ")[2]) for line in lines if line.startswith("slo:sli_error:increase1m")]
    assert first <= min(counted) <= first + 60
    assert len(counted) == pytest.approx(HOUR // 60, abs=1)


def test_a_prometheus_that_is_not_there_could_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "shop.yaml"
    spec.write_bytes(SPEC)
    url = f"http://127.0.0.1:{free_port()}"

    code = main(["backfill", str(spec), "--prometheus", url, "-d", str(tmp_path / "files")])

    assert code == 2
    assert capsys.readouterr().err.startswith(f"sloctl backfill: {url}: cannot connect: Connection refused (")


def test_the_past_reads_no_series_that_rules_record() -> None:
    slos = read_specs((str(path), path.read_bytes()) for path in sorted(Path("slos").glob("*.yaml"))).slos
    rules = compiler.compile_rules(slos, NATIVE_STYLE)

    grown = [backfill_increase(slo, NATIVE_STYLE, HOUR) or () for slo in slos]
    asked = [query for slo in slos for query in backfill_rollups(slo, NATIVE_STYLE)]
    asked += [query for queries in grown for query in queries]
    assert "slo:sli_" in rules
    assert [query for query in asked if "slo:sli_" in query] == []


def test_days_end_at_midnight() -> None:
    start = 20_000 * DAY + 7 * HOUR

    days = list(QueryRange(start, start + 2 * DAY).split_days())

    assert days == [
        QueryRange(start, 20_001 * DAY),
        QueryRange(20_001 * DAY, 20_002 * DAY),
        QueryRange(20_002 * DAY, start + 2 * DAY),
    ]
