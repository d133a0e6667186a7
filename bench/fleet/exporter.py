"""What a scrape of the fleet finds: one server, a path for each service."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from bench.fleet.services import RawSeries
from sloctl.promql import metric_selector


@contextmanager
def running_exporter(services: Mapping[str, Sequence[RawSeries]]) -> Iterator[int]:
    """The port at which `/SERVICE` shows the series of a service as they are now."""
    written = {
        f"/{name}": [(metric_selector(one.metric, one.labels), one) for one in series]
        for name, series in services.items()
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            now = time.time()
            lines = [f"{name} {one.value(now)}\n" for name, one in written[self.path]]
            body = "".join(lines).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
