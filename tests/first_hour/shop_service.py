"""A service that counts its requests by status code, as the spec of the first hour asks for."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Requests a second, of which one in two hundred fails.
_PER_SECOND = 200


@contextmanager
def running_shop() -> Iterator[str]:
    """Its HOST:PORT; it is busy from the start."""
    began = time.time()

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served = int((time.time() - began) * _PER_SECOND)
            failed = served // 200
            body = (
                "# TYPE http_requests_total counter\n"
                f'http_requests_total{{code="200"}} {served - failed}\n'
                f'http_requests_total{{code="500"}} {failed}\n'
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Metrics) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
