"""A label added by a reload, on a real Prometheus: the old series stay visible for up to two scrapes."""

import json
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

import pytest

from sloctl.model import CountedSide, RatioIndicator
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import read_selector
from sloctl.rules.counts import unbound_counts
from sloctl.rules.scope import Scope
from tests.real import Prometheus, running_prometheus
from tests.rules.specimens import shop

REQUESTS: Final = RatioIndicator(
    CountedSide.ERROR, (read_selector('r_total{code="500"}'),), (read_selector("r_total"),)
)
EXPOSED: Final = b'r_total{code="200"} 9000\nr_total{code="500"} 5000\n'
# Each is scraped at an offset of its own.
JOBS: Final = 8
LOOKS_BEFORE: Final = 110
WATCHED: Final = 85


class _Exporter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(EXPOSED)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def target() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Exporter)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.full
def test_a_label_added_by_a_reload_counts_nothing(tmp_path: Path, target: str) -> None:
    events, errors = unbound_counts(Scope.from_slo(shop(indicator=REQUESTS), NATIVE_STYLE))

    with running_prometheus(tmp_path, config=_config(target, {"x": "1"})) as prometheus:
        time.sleep(LOOKS_BEFORE)
        _reload(prometheus, tmp_path, _config(target, {"x": "1", "version": "v2"}))
        counted = [
            sample.value
            for at in _twice_a_second(WATCHED)
            for query in (events, errors)
            for sample in prometheus.instant(query, at=at)
        ]

    assert len(counted) > WATCHED
    assert max(counted) == 0


def _config(target: str, labels: dict[str, str]) -> str:
    jobs = [
        {"job_name": f"job-{number}", "static_configs": [{"targets": [target], "labels": labels}]}
        for number in range(JOBS)
    ]
    return f"global: {{scrape_interval: 15s}}\nscrape_configs: {json.dumps(jobs)}"


def _reload(prometheus: Prometheus, directory: Path, config: str) -> None:
    (directory / "prometheus.yml").write_text(config)
    urllib.request.urlopen(urllib.request.Request(f"{prometheus.url}/-/reload", method="POST")).close()


def _twice_a_second(seconds: float) -> Iterator[float]:
    end = time.time() + seconds
    while time.time() < end:
        yield time.time()
        time.sleep(0.5)
