"""`sloctl push` to a ruler that keeps what it takes, and fails at the request it is told to."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from sloctl.cli.main import main

SPEC = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: NAME}
spec:
  slos:
    - name: availability
      objective: 99.9%
      indicator: {probe: {metric: probe_success}}
"""
FOREIGN = {"name": "ours", "interval": "1m", "rules": [{"record": "a:b", "expr": "1"}]}


class Ruler(ThreadingHTTPServer):
    """The rules API of Cortex over a dictionary; *failures* are by number of request, from 0 on."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rules: dict[str, dict[str, object]] = {}
        self.failures: dict[int, str] = {}
        self.seen: list[str] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def groups(self) -> list[str]:
        return sorted(f"{space} {name}" for space, groups in self.rules.items() for name in groups)


class _Handler(BaseHTTPRequestHandler):
    server: Ruler

    def _serve(self) -> None:
        ruler = self.server
        failure = ruler.failures.get(len(ruler.seen), "")
        ruler.seen.append(self.command)
        ruler.headers.append({name.lower(): value for name, value in self.headers.items()})
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if failure == "cut before":
            self.close_connection = True
            return
        if failure.isdigit():
            self._answer(int(failure), b"the ruler says no\n")
            return
        _, _, path = self.path.partition("/prometheus/config/v1/rules")
        space, _, name = (unquote(part) for part in path.lstrip("/").partition("/"))
        if self.command == "GET":
            listed = {each: list(groups.values()) for each, groups in ruler.rules.items() if groups}
            text = yaml.safe_dump(listed).encode() if listed else b"no rule groups found\n"
            self._answer(200 if listed else 404, text)
            return
        if self.command == "POST":
            group = yaml.safe_load(body)
            ruler.rules.setdefault(space, {})[group["name"]] = group
        else:
            del ruler.rules[space][name]
        if failure == "cut after":
            self.close_connection = True
            return
        self._answer(202, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - as http.server calls them

    def log_message(self, *_: object) -> None:
        """Say nothing of a request."""


@pytest.fixture
def ruler() -> Iterator[Ruler]:
    with Ruler() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A folder with one service."""
    folder = tmp_path / "slos"
    folder.mkdir()
    (folder / "shop.yaml").write_text(SPEC.replace("NAME", "shop"))
    return folder


def push(specs: Path, ruler: Ruler, *options: str) -> int:
    return main(["push", str(specs), "--mimir", ruler.url, "--tenant", "team", *options])


SHOP = [
    "sloctl.shop slo:shop/availability:fast",
    "sloctl.shop slo:shop/availability:slow",
]


def test_the_groups_of_a_service_arrive_in_its_namespace(specs: Path, ruler: Ruler) -> None:
    assert push(specs, ruler) == 0
    assert ruler.groups == SHOP
    assert {each["x-scope-orgid"] for each in ruler.headers} == {"team"}


def test_a_second_push_sends_nothing(specs: Path, ruler: Ruler, capsys: pytest.CaptureFixture[str]) -> None:
    push(specs, ruler)
    ruler.seen.clear()
    capsys.readouterr()

    assert push(specs, ruler) == 0
    assert ruler.seen == ["GET"]
    assert capsys.readouterr().err == "nothing pushed\n"


def test_only_the_group_that_changed_is_sent(specs: Path, ruler: Ruler) -> None:
    push(specs, ruler)
    ruler.seen.clear()
    (specs / "shop.yaml").write_text(
        SPEC.replace("NAME", "shop").replace("99.9%", "99.9%\n      alerting: {ticket: {labels: {a: b}}}")
    )

    push(specs, ruler)

    assert ruler.seen == ["GET", "POST"]


def test_a_dry_run_shows_the_difference_and_sends_nothing(
    specs: Path, ruler: Ruler, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push(specs, ruler, "--dry-run") == 0
    told = capsys.readouterr()
    assert ruler.seen == ["GET"]
    assert "+++ sloctl.shop/slo:shop/availability:fast (compiled)\n" in told.out
    assert told.err == "2 to add would be pushed\n"


def test_prune_deletes_what_is_ours_and_nothing_else(specs: Path, ruler: Ruler) -> None:
    ruler.rules = {
        "sloctl.gone": {"slo:gone/a:fast": {**FOREIGN, "name": "slo:gone/a:fast"}, "ours": FOREIGN},
        "sloctl.shop": {"slo:shop/old:fast": {**FOREIGN, "name": "slo:shop/old:fast"}, "ours": FOREIGN},
        "team": {"slo:shop/x:fast": {**FOREIGN, "name": "slo:shop/x:fast"}},
    }

    push(specs, ruler)

    kept = [
        "sloctl.gone ours",
        "sloctl.gone slo:gone/a:fast",
        "sloctl.shop ours",
        *SHOP,
        "team slo:shop/x:fast",
    ]
    assert ruler.groups == kept
    push(specs, ruler, "--prune")
    kept.remove("sloctl.gone slo:gone/a:fast")
    assert ruler.groups == kept


@dataclass(frozen=True, slots=True)
class Stop:
    """A request that fails, by number; what the user sees, and what is on the server."""

    request: int
    failure: str
    out: str
    err: str
    there: list[str]


CLOSED = "closed the connection without an answer"
LOST = "done, although the answer was lost"
STOPS = [
    Stop(0, "500", "", "nothing was pushed: URL: answered 500: the ruler says no", []),
    Stop(0, "cut before", "", f"nothing was pushed: URL: {CLOSED}", []),
    Stop(
        1,
        "429",
        "add FAST: not done\nadd SLOW: not tried\n",
        "stopped at add FAST: URL: answered 429: the ruler says no",
        [],
    ),
    Stop(
        2,
        "400",
        "add FAST: done\nadd SLOW: not done\n",
        "stopped at add SLOW: URL: answered 400: the ruler says no",
        SHOP[:1],
    ),
    Stop(
        1,
        "cut before",
        "add FAST: not done\nadd SLOW: not tried\n",
        f"stopped at add FAST: URL: {CLOSED}",
        [],
    ),
    Stop(
        1,
        "cut after",
        f"add FAST: {LOST}\nadd SLOW: not tried\n",
        f"stopped at add FAST: URL: {CLOSED}",
        SHOP[:1],
    ),
    Stop(2, "cut after", f"add FAST: done\nadd SLOW: {LOST}\n", f"stopped at add SLOW: URL: {CLOSED}", SHOP),
]


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: f"{stop.failure} at {stop.request}")
def test_a_push_that_stops_says_what_is_where(
    stop: Stop, specs: Path, ruler: Ruler, capsys: pytest.CaptureFixture[str]
) -> None:
    ruler.failures = {stop.request: stop.failure}

    code = push(specs, ruler)

    told = capsys.readouterr()
    short = (told.out + told.err).replace(SHOP[0], "FAST").replace(SHOP[1], "SLOW").replace(ruler.url, "URL")
    assert code == 2
    assert short == f"{stop.out}sloctl push: {stop.err}\n"
    assert ruler.groups == stop.there
    assert push(specs, ruler) == 0
    assert ruler.groups == SHOP


def test_a_ruler_that_is_gone_leaves_the_step_unknown(
    specs: Path, ruler: Ruler, capsys: pytest.CaptureFixture[str]
) -> None:
    ruler.failures = {1: "cut after", 2: "503"}

    push(specs, ruler)

    told = capsys.readouterr().out
    assert told.startswith(f"add {SHOP[0]}: unknown, the ruler does not answer; push again\n")


def test_a_token_is_sent_and_never_told(
    specs: Path, ruler: Ruler, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "token").write_text("very-secret\n")
    ruler.failures = {1: "500"}

    push(specs, ruler, "--token-file", str(tmp_path / "token"))

    assert {each["authorization"] for each in ruler.headers} == {"Bearer very-secret"}
    told = capsys.readouterr()
    assert not re.search("very-secret", told.out + told.err)
