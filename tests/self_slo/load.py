"""Good and bad requests to a Prometheus, and an exact count of both."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Final, TypeAlias

GOOD: Final = "/api/v1/query?query=up"
BAD: Final = "/api/v1/query?query=up("

# Every how manyth request is bad, after so many seconds of load.
Mix: TypeAlias = Callable[[float], int]


@dataclass(frozen=True, slots=True)
class Load:
    """What was answered so far: (Unix time, was it an error)."""

    answers: list[tuple[float, bool]] = field(default_factory=list)

    def error_ratio(self, start: float, end: float) -> float:
        """Errors per answer after *start* and up to *end*, Unix times."""
        window = [error for at, error in self.answers if start < at <= end]
        return sum(window) / len(window)


@contextmanager
def load(port: int, *, per_second: float, mix: Mix) -> Iterator[Load]:
    """Requests to 127.0.0.1 at a steady pace until leaving."""
    stop = threading.Event()
    so_far = Load()
    with ThreadPoolExecutor(max_workers=1) as thread:
        sending = thread.submit(_send, so_far, stop, port=port, pause=1 / per_second, mix=mix)
        try:
            yield so_far
        finally:
            stop.set()
            sending.result()


def _send(so_far: Load, stop: threading.Event, *, port: int, pause: float, mix: Mix) -> None:
    start = time.time()
    number = 0
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        while not stop.wait(max(0, start + number * pause - time.time())):
            number += 1
            bad = number % mix(time.time() - start) == 0
            connection.request("GET", BAD if bad else GOOD)
            with connection.getresponse() as answer:
                answer.read()
                so_far.answers.append((time.time(), answer.status != HTTPStatus.OK))
