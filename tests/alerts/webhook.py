"""Whoever an Alertmanager tells: a webhook that notes what it is sent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, TypeAlias

# An alert as Alertmanager writes it: looked into, never passed on.
Alert: TypeAlias = dict[str, Any]


@dataclass
class Webhook:
    """*received* is the newest of each alert, by where it was sent and the alert's fingerprint."""

    port: int = 0
    received: dict[tuple[str, str], Alert] = field(default_factory=dict)

    def of(self, path: str) -> list[Alert]:
        return [alert for (to, _), alert in sorted(self.received.items()) if to == path]


@contextmanager
def running_webhook() -> Iterator[Webhook]:
    webhook = Webhook()

    class Note(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            for alert in json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"]:
                webhook.received[self.path, alert["fingerprint"]] = alert
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Note)
    webhook.port = server.server_address[1]
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
