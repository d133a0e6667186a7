"""Real parts for tests: Prometheus, promtool, Alertmanager, amtool, Chromium; found, started, asked, stopped.

Its one law: a part that is not installed skips the test, with a reason that names the part.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final, Generic, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import msgspec
import pytest

MISSING: Final = "missing real part: "
READY_WITHIN: Final = 60.0
ANSWER_WITHIN: Final = 30.0
_Row = TypeVar("_Row")
# Old enough for any block a test writes; the default would delete what is older than 15 days.
_RETENTION: Final = "--storage.tsdb.retention.time=10y"


def prometheus_binary() -> str:
    """Path of Prometheus; $PROMETHEUS wins over PATH."""
    return _located("PROMETHEUS", "prometheus")


def promtool() -> str:
    """Path of promtool; $PROMTOOL wins over PATH."""
    return _located("PROMTOOL", "promtool")


def promtool_version() -> tuple[int, int]:
    """(major, minor) of promtool; builds from the module proxy carry no version, and are of Prometheus 3."""
    done = subprocess.run([promtool(), "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"version (\d+)\.(\d+)", done.stdout + done.stderr)
    return (int(found[1]), int(found[2])) if found else (3, 0)


def alertmanager() -> str:
    """Path of Alertmanager; $ALERTMANAGER wins over PATH, where Debian calls it prometheus-alertmanager."""
    return _located("ALERTMANAGER", "alertmanager", "prometheus-alertmanager")


def amtool() -> str:
    """Path of amtool; $AMTOOL wins over PATH."""
    return _located("AMTOOL", "amtool")


def chromium() -> str:
    """Path of Chromium; $CHROMIUM wins over PATH."""
    return _located("CHROMIUM", "chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one series; *at* is Unix time in seconds."""

    labels: Mapping[str, str]
    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """One row of a range query: (Unix time, value) pairs in time order."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Server:
    """A started server; *log* is what it wrote so far."""

    url: str
    log: Path

    def get(self, path: str, **parameters: str | float) -> bytes:
        """The body of the answer; raises AssertionError with the server's words for an error status."""
        url = f"{self.url}{path}" + (f"?{urlencode(parameters)}" if parameters else "")
        try:
            with urlopen(url, timeout=ANSWER_WITHIN) as answer:
                body: bytes = answer.read()
        except HTTPError as error:
            raise AssertionError(f"{url} answered {error.code}: {error.read().decode()}") from error
        return body


@dataclass(frozen=True, slots=True)
class Prometheus(Server):
    """A started Prometheus."""

    def instant(self, query: str, *, at: float | None = None) -> list[Sample]:
        """Samples of an instant vector at Unix time *at*, by default now."""
        moment = {} if at is None else {"time": at}
        body = self.get("/api/v1/query", query=query, **moment)
        rows = msgspec.json.decode(body, type=_Answer[_InstantRow]).data.result
        return [Sample(row.metric, row.value[0], float(row.value[1])) for row in rows]

    def range(self, query: str, *, start: float, end: float, step: float) -> list[Series]:
        """Series of *query* at start, start + step, … up to *end*; seconds."""
        body = self.get("/api/v1/query_range", query=query, start=start, end=end, step=step)
        rows = msgspec.json.decode(body, type=_Answer[_RangeRow]).data.result
        return [Series(row.metric, tuple((at, float(value)) for at, value in row.values)) for row in rows]


@contextmanager
def running_prometheus(
    directory: Path,
    *,
    config: str = "",
    rules: Mapping[str, str] = {},
    port: int | None = None,
    flags: Sequence[str] = (),
) -> Iterator[Prometheus]:
    """A Prometheus on loopback, ready, storing in *directory*/data; stopped on leaving.

    *config* is a prometheus.yml without `rule_files`; *rules* are rule files by name. Give *port* (from
    `free_port`) only where *config* must know it.
    """
    binary = prometheus_binary()
    rule_directory = directory / "rules"
    rule_directory.mkdir(parents=True, exist_ok=True)
    for name, text in rules.items():
        (rule_directory / name).write_text(text)
    config_file = directory / "prometheus.yml"
    config_file.write_text(f"{config}\nrule_files: ['rules/*']\n")
    address = f"127.0.0.1:{port or free_port()}"
    command = [
        binary,
        f"--config.file={config_file}",
        f"--storage.tsdb.path={directory / 'data'}",
        *([] if any("retention.time" in flag for flag in flags) else [_RETENTION]),
        f"--web.listen-address={address}",
        "--web.enable-lifecycle",
        *flags,
    ]
    with running_program(command, url=f"http://{address}", log=directory / "prometheus.log") as server:
        yield Prometheus(server.url, server.log)


@contextmanager
def running_alertmanager(directory: Path, *, config: str, port: int | None = None) -> Iterator[Server]:
    """An Alertmanager on loopback, alone (no cluster), ready; stopped on leaving."""
    binary = alertmanager()
    directory.mkdir(parents=True, exist_ok=True)
    config_file = directory / "alertmanager.yml"
    config_file.write_text(config)
    address = f"127.0.0.1:{port or free_port()}"
    command = [
        binary,
        f"--config.file={config_file}",
        f"--storage.path={directory / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    with running_program(command, url=f"http://{address}", log=directory / "alertmanager.log") as server:
        yield server


def backfill(directory: Path, samples: Iterable[tuple[str, float, float]]) -> None:
    """Write history into *directory*/data, before a Prometheus starts there.

    Each sample is (series as PromQL writes it, value, Unix time in seconds).
    """
    directory.mkdir(parents=True, exist_ok=True)
    history = directory / "history.om"
    lines = (f"{series} {value} {at:.3f}\n" for series, value, at in samples)
    history.write_text("".join([*lines, "# EOF\n"]))
    command = [promtool(), "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(history)]
    done = subprocess.run([*command, str(directory / "data")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def stopped_clock(now: float) -> Iterator[None]:
    """Let this process's wall clock stand at *now*, Unix seconds.

    For a command that ends at its own now, where the history that it reads must end there too.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: float(now))
        yield


def free_port() -> int:
    """A loopback port that nothing listened on a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class _InstantRow(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _RangeRow(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]]


class _Result(msgspec.Struct, Generic[_Row]):
    result: list[_Row]


class _Answer(msgspec.Struct, Generic[_Row]):
    data: _Result[_Row]


def _located(variable: str, *names: str) -> str:
    chosen = os.environ.get(variable)
    for name in [chosen] if chosen else names:
        path = shutil.which(name)
        if path is not None:
            return path
    pytest.skip(f"{MISSING}{names[0]} (put it on PATH or name it in ${variable})")


@contextmanager
def running_program(
    command: Sequence[str], *, url: str, log: Path, ready: str = "/-/ready"
) -> Iterator[Server]:
    """A program that serves *url*, and says at the path *ready* that it does; stopped on leaving."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_until_ready(process, url=f"{url}{ready}", log=log)
        yield Server(url, log)
    finally:
        process.terminate()
        try:
            process.wait(READY_WITHIN)
        except subprocess.TimeoutExpired:
            # A server that a benchmark overloads evaluates on for minutes after it was asked to end.
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], *, url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"{process.args!r} did not get ready:\n{log.read_text()}")
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=ANSWER_WITHIN) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False
