"""Engines beside each other on the same shop: a Prometheus, and VictoriaMetrics with vmalert.

Every one scrapes the same metrics and runs the rules that are compiled for it.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from sloctl.cli.main import main
from tests.engines.shop import SCRAPE_SECONDS, SPEC
from tests.real import MISSING, Prometheus, free_port, running_program, running_prometheus

BINARIES: Final = Path(__file__).parents[2] / ".tools/engines"
SCRAPE_CONFIG: Final = """\
scrape_configs:
  - job_name: shop
    scrape_interval: {seconds}s
    static_configs: [{{targets: ['{target}']}}]
"""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine by name, and what answers queries about what it recorded."""

    name: str
    queries: Prometheus


def engine_binary(name: str) -> str:
    """Path of an engine that tests/tools/engines has built; skips the test where it has not."""
    binary = BINARIES / name
    if not binary.exists():
        pytest.skip(f"{MISSING}{name} (tests/tools/engines builds it)")
    return str(binary)


def compile_for(target: str, directory: Path) -> Path:
    """Compile the shop's SLOs; returns the folder of the rule files."""
    directory.mkdir(parents=True)
    (directory / "shop.yaml").write_text(SPEC)
    options = ["--target", target, "--only", "rules"]
    assert main(["compile", str(directory / "shop.yaml"), "-d", str(directory), *options]) == 0
    return directory / {"prometheus": "alerts"}.get(target, target)


@contextmanager
def prometheus_engine(directory: Path, target: str) -> Iterator[Engine]:
    rules = compile_for("prometheus", directory / "specs")
    config = SCRAPE_CONFIG.format(seconds=SCRAPE_SECONDS, target=target)
    texts = {file.name: file.read_text() for file in rules.iterdir()}
    with running_prometheus(directory, config=config, rules=texts) as server:
        yield Engine("Prometheus", server)


@contextmanager
def victoriametrics_engine(directory: Path, target: str) -> Iterator[Engine]:
    rules = compile_for("victoriametrics", directory / "specs")
    config = directory / "scrape.yaml"
    config.write_text(SCRAPE_CONFIG.format(seconds=SCRAPE_SECONDS, target=target))
    url, alert_url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    database = [
        engine_binary("victoria-metrics"),
        f"-storageDataPath={directory / 'data'}",
        f"-promscrape.config={config}",
        f"-httpListenAddr={url.removeprefix('http://')}",
        "-retentionPeriod=100y",
    ]
    ruler = [
        engine_binary("vmalert"),
        f"-rule={rules}/*.yaml",
        f"-datasource.url={url}",
        f"-remoteWrite.url={url}",
        f"-remoteRead.url={url}",
        "-notifier.blackhole",
        f"-httpListenAddr={alert_url.removeprefix('http://')}",
    ]
    with ExitStack() as stack:
        stack.enter_context(running_program(database, url=url, log=directory / "database.log"))
        stack.enter_context(running_program(ruler, url=alert_url, log=directory / "vmalert.log"))
        yield Engine("vmalert", Prometheus(url, directory / "database.log"))
