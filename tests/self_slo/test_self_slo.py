"""A real Prometheus watches itself by the rules we ship; a load generator knows the truth."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from sloctl.api import read_spec_files, read_specs
from tests.conftest import Figure
from tests.real import Prometheus, free_port, running_prometheus
from tests.self_slo.load import Load, load

ROOT: Final = Path(__file__).parents[2]
ALERTS: Final = ROOT / "alerts"
RATIO: Final = 'slo:sli_error:ratio_rate5m{slo_id="prometheus/availability"}'
MINUTE: Final = 60.0
TOLERANCE: Final = 0.02
# Increases of the first minute are extrapolated to before the load: those of errors, being fewer, further.
TOLERANCE_AT_THE_START: Final = 0.05
# Scrapes are requests too, which the load does not count: one in two hundred at this pace.
PER_SECOND: Final = 40

CONFIG: Final = """
scrape_configs:
  - job_name: prometheus
    scrape_interval: 5s
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def test_prometheus_evaluates_every_shipped_rule_file_without_a_complaint(tmp_path: Path) -> None:
    files = {file.name: file.read_text() for file in ALERTS.glob("*.yaml")}

    with running_prometheus(tmp_path, rules=every_second(files)) as prometheus:
        time.sleep(3)
        groups = prometheus.get("/api/v1/rules").decode()

    assert files.keys() == {
        f"{slo.service}.yaml" for slo in read_specs(read_spec_files([str(ROOT / "slos")])).slos
    }
    assert all(f'rules/{name}"' in groups for name in files)
    assert '"health":"err"' not in groups
    assert '"health":"unknown"' not in groups


def test_after_two_minutes_of_load_the_error_ratio_is_the_count_of_the_load(
    tmp_path: Path, figure: Figure
) -> None:
    with self_scraping(tmp_path) as (prometheus, port):
        began = time.time()
        with load(port, per_second=PER_SECOND, mix=lambda _: 20) as sent:
            time.sleep(2 * MINUTE + 10)
            recorded = error_ratios(prometheus, minutes=1)

    for at, ratio in recorded.items():
        figure(line(ratio, sent.error_ratio(began, at), at - began))
    assert recorded == {at: near(sent, began, at, within=TOLERANCE_AT_THE_START) for at in recorded}


@pytest.mark.full
def test_after_ten_minutes_the_error_ratio_of_each_five_is_the_count_of_the_load(
    tmp_path: Path, figure: Figure
) -> None:
    with self_scraping(tmp_path) as (prometheus, port):
        began = time.time()
        with load(port, per_second=PER_SECOND, mix=worse_after_three_minutes) as sent:
            time.sleep(10 * MINUTE)
            recorded = error_ratios(prometheus, minutes=5)

    for at, ratio in recorded.items():
        figure(line(ratio, sent.error_ratio(at - 5 * MINUTE, at), at - began))
    assert recorded == {at: near(sent, at - 5 * MINUTE, at, within=TOLERANCE) for at in recorded}


def worse_after_three_minutes(seconds: float) -> int:
    return 20 if seconds < 3 * MINUTE else 10


@contextmanager
def self_scraping(directory: Path) -> Iterator[tuple[Prometheus, int]]:
    """A Prometheus with all shipped rules that scrapes itself every five seconds, and its port."""
    port = free_port()
    rules = {file.name: file.read_text() for file in ALERTS.glob("*.yaml")}
    config = CONFIG.format(port=port)
    with running_prometheus(directory, config=config, rules=rules, port=port) as prometheus:
        yield prometheus, port


def every_second(files: dict[str, str]) -> dict[str, str]:
    """Rules otherwise wait for their first evaluation for up to their whole interval."""
    return {
        name: re.sub(r"^  interval: .*$", "  interval: 1s", text, flags=re.MULTILINE)
        for name, text in files.items()
    }


def error_ratios(prometheus: Prometheus, *, minutes: int) -> dict[float, float]:
    """The last recorded five-minute ratios, by the time of their evaluation."""
    [newest] = prometheus.instant(f"timestamp({RATIO})")
    [series] = prometheus.range(RATIO, start=newest.value - (minutes - 1) * 60, end=newest.value, step=60)
    return dict(series.points)


def near(sent: Load, start: float, end: float, *, within: float) -> object:
    return pytest.approx(sent.error_ratio(start, end), rel=within)


def line(recorded: float, counted: float, seconds: float) -> str:
    return (
        f"after {seconds:.0f} s: Prometheus {recorded:.5f}, load {counted:.5f}, "
        f"apart {abs(recorded / counted - 1):.2%}"
    )
