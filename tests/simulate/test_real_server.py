"""Simulated outages beside a real Prometheus that scrapes one and runs the compiled rules."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from msgspec.structs import replace

from sloctl import compiler
from sloctl.duration import HOUR, MINUTE
from sloctl.model import CountedSide, RatioIndicator, Severity, Slo
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import read_selector
from sloctl.simulate.outage import simulate_shape
from sloctl.simulate.shapes import ConstantOutage
from sloctl.slo.policy import WORKBOOK_POLICY
from tests.conftest import Figure
from tests.real import backfill, free_port, running_prometheus
from tests.rules.specimens import ALERTING, shop

PER_SECOND = 100
# (error ratio, objective), each of which pages within five minutes.
PAIRS = [
    (Fraction(share), Fraction(objective))
    for share in ("1", "0.5", "0.4")
    for objective in ("0.9995", "0.999", "0.998", "0.997")
][:10]
# One evaluation: a scrape that a busy machine takes late is seen a turn later. And a second as the server is
# asked.
LATE = MINUTE + 1
# From the first scrape on, seconds: the outage begins in the middle of a minute and of a scrape interval.
ONSET = 47


def slo_of(number: int, share: Fraction, objective: Fraction) -> Slo:
    errors = read_selector(f'requests_total{{share="{float(share)}",code="500"}}')
    total = read_selector(f'requests_total{{share="{float(share)}"}}')
    return shop(
        name=f"pair-{number}",
        objective=objective,
        scrape_interval=15,
        indicator=RatioIndicator(CountedSide.ERROR, (errors,), (total,)),
        alerting=replace(ALERTING, policy=WORKBOOK_POLICY[:1], exhausting=None, exhausted=None, no_data=None),
    )


def clean_record(slos: list[Slo], end: int) -> Iterator[tuple[str, float, float]]:
    """Rollups of the two hours before, as rules that ran since then would have recorded them."""
    for slo in slos:
        labels = f'slo_id="{slo.id}",slo_service="{slo.service}",slo_name="{slo.name}"'
        for at in range(end - 2 * HOUR, end, MINUTE):
            yield f"slo:sli_total:increase1m{{{labels}}}", PER_SECOND * MINUTE, at
            yield f"slo:sli_error:increase1m{{{labels}}}", 0, at
        for at in range(end - 2 * HOUR, end, 5 * MINUTE):
            yield f"slo:sli_total:increase5m{{{labels}}}", PER_SECOND * 5 * MINUTE, at
            yield f"slo:sli_error:increase5m{{{labels}}}", 0, at


@contextmanager
def failing_service(onset: float) -> Iterator[int]:
    """A service on loopback whose counters begin to fail at Unix time *onset*; gives its port."""

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            now = time.time()
            lines = []
            for share in sorted({float(share) for share, _ in PAIRS}):
                bad = max(0.0, now - onset) * PER_SECOND * share
                good = (now - onset + 10**6) * PER_SECOND - bad
                lines += [
                    f'requests_total{{share="{share}",code="200"}} {good}',
                    f'requests_total{{share="{share}",code="500"}} {bad}',
                ]
            body = "\n".join([*lines, ""]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Metrics)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.full
def test_ten_outages_page_on_a_real_server_when_simulated(tmp_path: Path, figure: Figure) -> None:
    slos = [slo_of(number, share, objective) for number, (share, objective) in enumerate(PAIRS)]
    alerts = [
        simulate_shape(slo, ConstantOutage(share), PER_SECOND).first_of(Severity.PAGE)
        for slo, (share, _) in zip(slos, PAIRS, strict=True)
    ]
    backfill(tmp_path, clean_record(slos, int(time.time())))
    onset = time.time() + 2 * MINUTE + ONSET

    with failing_service(onset) as port:
        config = f"""
global: {{scrape_interval: 15s}}
scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]
"""
        rules = {"slo.yaml": compiler.compile_rules(slos, NATIVE_STYLE)}
        with running_prometheus(tmp_path, config=config, rules=rules) as prometheus:
            latest = max(alert.fires_after.latest for alert in alerts if alert is not None)
            time.sleep(max(0.0, onset + latest + MINUTE - time.time()))
            firing = prometheus.range(
                'ALERTS{alertstate="firing"}', start=onset, end=onset + latest + MINUTE, step=1
            )
    fired = {row.labels["slo_id"]: row.points[0][0] - onset for row in firing}

    assert set(fired) == {slo.id for slo in slos}
    late = [
        fired[slo.id] - alert.fires_after.latest for slo, alert in zip(slos, alerts, strict=True) if alert
    ]
    figure(f"pages {-max(late):.0f} to {-min(late):.0f} s before the latest moment that was simulated")
    for slo, alert in zip(slos, alerts, strict=True):
        assert alert is not None
        assert alert.fires_after.earliest <= fired[slo.id] + 1
        assert fired[slo.id] <= alert.fires_after.latest + LATE
