"""A shop whose metrics are exact functions of the time since it started, and the SLOs about it.

Every kind of indicator sees 20 events a second; from the outage on, half of them are bad. The first error
series is born with the outage.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

SCRAPE_SECONDS: Final = 5
EVENTS_PER_SECOND: Final = 20
# Seconds from the start.
OUTAGE_AT: Final = 240

SPEC: Final = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  scrapeInterval: 5s
  slos:
    - name: ratio
      objective: 99%
      indicator:
        ratio:
          error: 'requests_total{job="shop", code=~"5.."}'
          total: 'requests_total{job="shop"}'
    - name: latency
      objective: 99%
      indicator: {latency: {histogram: 'seconds{job="shop"}', threshold: 300ms}}
    - name: condition
      objective: 99%
      indicator: {condition: {good: 'min(healthy{job="shop"}) == 1', whenAbsent: bad}}
    - name: probe
      objective: 99%
      indicator: {probe: {metric: 'healthy{job="shop"}'}}
    - name: query
      objective: 99%
      indicator:
        query:
          error: 'sum(increase(failed_total{job="shop"}[$window]))'
          total: 'sum(increase(tried_total{job="shop"}[$window]))'
    - name: errorratio
      objective: 99%
      indicator:
        errorRatio: >-
          sum(rate(failed_total{job="shop"}[$window])) / sum(rate(tried_total{job="shop"}[$window]))
    - name: grouped
      objective: 99%
      groupBy: [route]
      indicator:
        ratio:
          error: 'requests_total{job="shop", code=~"5.."}'
          total: 'requests_total{job="shop"}'
"""


def metrics_text(seconds: float) -> str:
    """Write the metrics of the shop, *seconds* after it started."""
    events = int(seconds * EVENTS_PER_SECOND)
    bad = max(0, int((seconds - OUTAGE_AT) * EVENTS_PER_SECOND / 2))
    good = events - bad
    lines = [
        f'requests_total{{code="200",route="a"}} {good // 2}',
        f'requests_total{{code="200",route="b"}} {good - good // 2}',
        f'seconds_bucket{{le="0.1"}} {good}',
        f'seconds_bucket{{le="0.3"}} {good}',
        f'seconds_bucket{{le="+Inf"}} {events}',
        f"seconds_count {events}",
        f"seconds_sum {good * 0.1 + bad}",
        f"healthy {int(seconds < OUTAGE_AT)}",
        f"failed_total {bad}",
        f"tried_total {events}",
    ]
    if bad:
        lines.append(f'requests_total{{code="500",route="a"}} {bad}')
    return "\n".join(lines) + "\n"


@contextmanager
def open_shop() -> Iterator[str]:
    """Serve the metrics on loopback; yields host and port."""
    started = time.monotonic()

    class _Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(metrics_text(time.monotonic() - started).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing of a request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
