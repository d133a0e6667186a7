"""The Prometheus that everything is measured on: starts empty, is written to in any order, and bills."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import msgspec

from bench.rules.remote_write import push
from tests.real import running_prometheus

# Recorded series are written after the raw ones that they were computed from.
_CONFIG: Final = "storage: {tsdb: {out_of_order_time_window: 120d}}"
_FLAGS: Final = (
    "--web.enable-remote-write-receiver",
    "--storage.tsdb.min-block-duration=1d",
    "--storage.tsdb.max-block-duration=1d",
    "--query.timeout=10m",
    "--query.max-samples=500000000",
)
_ANSWER_WITHIN: Final = 600.0
# Prometheus answers at most 11,000 points of a series.
_POINTS: Final = 10_000

_T = TypeVar("_T")
Points = list[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One series of a range query; values as Prometheus prints them, NaN included."""

    labels: dict[str, str]
    points: Points


@dataclass(frozen=True, slots=True)
class Bill:
    """What one evaluation read and took; *seconds* of evaluation."""

    samples: int
    peak: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Server:
    """A Prometheus that holds history and can be given more of it."""

    url: str
    version: str

    def write(self, series: list[tuple[bytes, bytes]]) -> None:
        """(encoded labels, encoded samples); raises OSError when refused."""
        if series:
            push(self.url.removeprefix("http://"), series)

    def range(self, query: str, instants: range) -> list[Row]:
        """*query* evaluated at each of *instants*, Unix time, in as many requests as it takes."""
        found: dict[tuple[tuple[str, str], ...], Row] = {}
        for first in range(0, len(instants), _POINTS):
            part = instants[first : first + _POINTS]
            times = {"start": part[0], "end": part[-1], "step": part.step}
            for row in self._ask("query_range", {"query": query, **times}, _Answer[_RangeRow]).data.result:
                key = tuple(sorted(row.metric.items()))
                found.setdefault(key, Row(row.metric, [])).points.extend(row.values)
        return list(found.values())

    def value(self, query: str, at: int) -> float | None:
        """The one value of *query*, None where there is none."""
        rows = self._ask("query", {"query": query, "time": at}, _Answer[_InstantRow]).data.result
        return float(rows[0].value[1]) if rows else None

    def bill(self, query: str, at: int) -> Bill:
        """What evaluating *query* at one instant costs."""
        stats = self._ask("query", {"query": query, "time": at, "stats": "all"}, _Billed).data.stats
        return Bill(
            stats.samples.total_queryable_samples, stats.samples.peak_samples, stats.timings.eval_total_time
        )

    def _ask(self, path: str, asked: dict[str, str | int], answer: type[_T]) -> _T:
        url = f"{self.url}/api/v1/{path}"
        try:
            with urlopen(url, urlencode(asked).encode(), timeout=_ANSWER_WITHIN) as reply:
                return msgspec.json.decode(reply.read(), type=answer)
        except HTTPError as error:
            raise OSError(f"{asked} was answered {error.code}: {error.read().decode()}") from error


@contextmanager
def server(directory: Path) -> Iterator[Server]:
    """An empty Prometheus; $PROMETHEUS chooses which."""
    with running_prometheus(directory, config=_CONFIG, flags=_FLAGS) as started:
        about = msgspec.json.decode(started.get("/api/v1/status/buildinfo"), type=_Build)
        yield Server(started.url, about.data.version or "built from source")


class _RangeRow(msgspec.Struct):
    metric: dict[str, str]
    values: Points


class _InstantRow(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _Result(msgspec.Struct, Generic[_T]):
    result: list[_T]


class _Answer(msgspec.Struct, Generic[_T]):
    data: _Result[_T]


class _Version(msgspec.Struct):
    version: str


class _Build(msgspec.Struct):
    data: _Version


class _Samples(msgspec.Struct, rename="camel"):
    total_queryable_samples: int
    peak_samples: int


class _Timings(msgspec.Struct, rename="camel"):
    eval_total_time: float


class _Stats(msgspec.Struct):
    samples: _Samples
    timings: _Timings


class _StatsOnly(msgspec.Struct):
    stats: _Stats


class _Billed(msgspec.Struct):
    data: _StatsOnly
