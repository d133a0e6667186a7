"""`sloctl status` against a real sidecar, a real Prometheus, and servers that answer something else."""

import asyncio
import json
import os
import pty
import signal
import socket
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from sloctl.cli.main import main
from sloctl.sidecar.http.options import Certificate, WebOptions
from sloctl.sidecar.http.server import serve_application
from sloctl.slo.health import AlertState, Health
from sloctl.status.slo_status import STATUS_LOOKBACKS, AlertStatus, SloStatus, StatusReport
from sloctl.status.text_report import render_table
from tests.sidecar.running_sidecar import run_sidecar
from tests.sidecar.specimens import slo

DOCUMENT = Path("docs/status.md").read_text()
GOOD = 'requests_total{status="200"} %d\n'
BAD = GOOD + 'requests_total{status="500"} %d\n'


async def status(*arguments: str) -> int:
    return await asyncio.to_thread(main, ["status", *arguments])


async def test_a_sidecar_tells_what_burns_the_worst_first(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = slo(name="zero", min_errors=1000)
    async with run_sidecar(slo(), quiet) as watched:
        await watched.tick(BAD % (150, 50))
        await watched.tick(BAD % (200, 100), seconds=300)
        code = await status("--sidecar", watched.url)

    assert code == 1
    assert f"```text\n{capsys.readouterr().out}```" in DOCUMENT


async def test_states_are_coloured_where_that_is_wanted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with run_sidecar(slo()) as watched:
        await watched.tick(GOOD % 200)
        await status("--sidecar", watched.url, "--color", "always")
        colored = capsys.readouterr().out
        await status("--sidecar", watched.url)
        plain = capsys.readouterr().out

    assert "shop/availability  \x1b[32mfine\x1b[0m " in colored
    assert "\x1b" not in plain
    assert colored.replace("\x1b[32m", "").replace("\x1b[0m", "") == plain


def test_eighty_columns_hold_what_is_needed_first() -> None:
    name = "a-service-with-a-long-name", "an-slo-with-a-long-name-too"
    firing = AlertStatus(AlertState.FIRING, since=0.0, stopped_at=60.0, clears_at=3600.0)
    rates = dict.fromkeys(STATUS_LOOKBACKS, 14.4)
    line = SloStatus(
        *name,
        group={},
        health=Health.PAGING,
        stale=False,
        page=firing,
        ticket=firing,
        budget_left=0.648,
        burn_rates=rates,
        time_to_exhaustion=3600.0,
    )

    assert render_table(StatusReport(120.0, (line,)), 80).splitlines() == [
        "SLO                           state   page            left     5m  gone     30m",
        "…an-slo-with-a-long-name-too  paging  clears 01:00  64.8 %  14.4×  in 1h  14.4×",
    ]


async def test_what_is_not_asked_for_does_not_fail(capsys: pytest.CaptureFixture[str]) -> None:
    zero = slo(name="zero", min_errors=1000, objective=Fraction(99999, 100000))
    async with run_sidecar(slo(), zero) as watched:
        await watched.tick(BAD % (150, 50))
        await watched.tick(BAD % (200, 100), seconds=300)
        paging = await status("--sidecar", watched.url, "shop")
        gone = await status("--sidecar", watched.url, "shop/zero", "--fail-on", "ticket")
        exhausted = await status("--sidecar", watched.url, "shop/zero", "--fail-on", "exhausted")

    assert (paging, gone, exhausted) == (1, 0, 1)


async def test_json_holds_the_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    async with run_sidecar() as watched:
        await watched.tick(GOOD % 200)
        code = await status("--sidecar", watched.url, "-o", "json", "--fail-on", "unknown")

    report = json.loads(capsys.readouterr().out)
    assert code == 0
    assert (report["at"], report["failOn"], report["result"]) == (
        "2023-11-14T22:13:25.000Z",
        "unknown",
        "fine",
    )
    assert report["slos"] == [
        {
            "id": "shop/availability",
            "service": "shop",
            "name": "availability",
            "group": {},
            "state": "fine",
            "stale": False,
            "page": {"state": "inactive", "since": None, "stoppedAt": None, "clearsAt": None},
            "ticket": {"state": "inactive", "since": None, "stoppedAt": None, "clearsAt": None},
            "budgetLeft": 1.0,
            "budgetLeftWithExcluded": None,
            "excluded": [],
            "outsideServiceHoursUntil": None,
            "coveredSeconds": 5.0,
            "burnRates": {"5m": 0.0, "30m": 0.0, "1h": 0.0, "6h": 0.0},
            "burning": False,
            "timeToExhaustion": None,
        }
    ]


async def test_what_nobody_knows_is_not_fine(capsys: pytest.CaptureFixture[str]) -> None:
    async with run_sidecar() as watched:
        code = await status("--sidecar", watched.url)
        strict = await status("--sidecar", watched.url, "--fail-on", "unknown")

    assert (code, strict) == (2, 1)
    assert capsys.readouterr().err == "sloctl status: nothing is known of any of them\n"


async def test_a_target_that_went_away_leaves_nothing_fine(capsys: pytest.CaptureFixture[str]) -> None:
    async with run_sidecar() as watched:
        await watched.tick(GOOD % 200)
        watched.shop.status = 500
        await watched.tick()
        code = await status("--sidecar", watched.url)

    assert code == 2
    assert "unknown, stale" in capsys.readouterr().out


async def test_a_token_and_a_certificate_are_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    authority, token = trustme.CA(), tmp_path / "token"
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    token.write_text("sesame\n")
    web_options = WebOptions(
        token_file=token, certificate=Certificate(tmp_path / "own.pem", tmp_path / "own.pem")
    )
    async with run_sidecar(web=web_options) as watched:
        await watched.tick(GOOD % 200)
        trusting = ["--sidecar", watched.url, "--ca-file", str(tmp_path / "ca.pem")]
        let_in = await status(*trusting, "--token-file", str(token))
        without_token = await status(*trusting)
        without_ca = await status("--sidecar", watched.url, "--token-file", str(token))

    assert (let_in, without_token, without_ca) == (0, 2, 2)
    refused, distrusted = capsys.readouterr().err.splitlines()
    assert refused == f"sloctl status: {watched.url}: answered 401 a bearer token is needed"
    assert "certificate verify failed" in distrusted


async def test_an_slo_that_nothing_has_could_not_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    async with run_sidecar() as watched:
        await watched.tick(GOOD % 200)
        code = await status("--sidecar", watched.url, "shop/availabilty")

    assert code == 2
    assert capsys.readouterr().err == (
        f"sloctl status: {watched.url}: has no SLO and no service shop/availabilty\n"
    )


async def test_hostile_text_of_a_server_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    line = {
        "service": "\x1b[2Jshop",
        "name": "pay\u202e",
        "group": {"route": "<script>" * 1000},
        "state": "glorious",
        "stale": False,
        "budget": {},
        "lookbacks": [],
        "alerts": [{"severity": "page", "state": "perhaps"}],
    }
    async with answering({"at": None, "slos": [line], "unsupported": [], "next": None}) as url:
        code = await status("--sidecar", url, "--fail-on", "page")

    shown = capsys.readouterr().out
    assert code == 2
    assert all(part.isprintable() for part in shown.splitlines())
    assert "unknown" in shown


@pytest.mark.parametrize("answer", [{"slos": 3}, ["a"], "text", {"data": {"resultType": "scalar"}}])
@pytest.mark.parametrize(
    ("source", "why"),
    [("--sidecar", "cannot be understood"), ("--prometheus", "answered what no Prometheus answers")],
)
async def test_another_servers_answer_could_not_be_understood(
    answer: Any,  # noqa: ANN401 - any JSON
    source: str,
    why: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with answering(answer) as url:
        code = await status(source, url)

    assert code == 2
    assert f"sloctl status: {url}: {why}: " in capsys.readouterr().err


def test_nobody_there_could_not_be_asked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    codes = [
        main(["status", "--prometheus", f"http://127.0.0.1:{port}"]),
        main(["status", "--sidecar", "ftp://shop"]),
        main(["status", "--token-file", str(tmp_path / "none")]),
        main(["status", "--sidecar", "https://127.0.0.1:1", "--ca-file", str(tmp_path / "none")]),
    ]

    assert codes == [2, 2, 2, 2]
    assert capsys.readouterr().err.splitlines() == [
        f"sloctl status: http://127.0.0.1:{port}: cannot connect: "
        "Connection refused (nothing listens there: is it running, is this its port?)",
        "sloctl status: ftp://shop: this must be an http or https URL, such as http://127.0.0.1:9090",
        f"sloctl status: cannot read {tmp_path / 'none'}: No such file or directory",
        f"sloctl status: cannot read {tmp_path / 'none'}: No such file or directory",
    ]


@pytest.mark.parametrize("content", ["", "sesame\nopen\n", "s\u00e9same"])
def test_a_token_that_cannot_be_sent_is_not_shown(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    token.write_text(content)

    code = main(["status", "--token-file", str(token)])

    assert code == 2
    assert capsys.readouterr().err == f"sloctl status: {token} holds no single line of plain text\n"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "http://me:sesame@shop",
            "a URL holds no user and no password: they come from files, --username with --password-file",
        ),
        ("http://[shop", "http://[shop: Invalid IPv6 URL"),
        ("http://shop:http", "http://shop:http: Port could not be cast to integer value as 'http'"),
        ("shop:9464", "shop:9464: this must be an http or https URL, such as http://127.0.0.1:9090"),
    ],
)
def test_a_url_that_is_none_is_told(url: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--sidecar", url]) == 2

    assert capsys.readouterr().err == f"sloctl status: {message}\n"


async def test_a_redirect_does_not_get_the_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("sesame")
    sent: list[str | None] = []

    async def elsewhere(request: web.Request) -> web.Response:
        sent.append(request.headers.get("Authorization"))
        if request.path.startswith("/there"):
            return web.json_response({})
        raise web.HTTPFound("/there")

    app = web.Application()
    app.router.add_get("/{anything:.*}", elsewhere)
    async with serve_application(app, "127.0.0.1", 0) as url:
        await status("--sidecar", url, "--token-file", str(tmp_path / "token"))

    assert sent == ["Bearer sesame"]


async def test_it_watches_until_ctrl_c() -> None:
    async with run_sidecar() as watched:
        await watched.tick(GOOD % 200)
        command = [sys.executable, "-m", "sloctl", "status", "--sidecar", watched.url, "--watch"]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        first = await asyncio.wait_for(process.stdout.readline(), 30)
        process.send_signal(signal.SIGINT)
        _, errors = await asyncio.wait_for(process.communicate(), 30)

    assert first == b"22:13:25 UTC: 1 fine\n"
    assert (process.returncode, errors) == (0, b"")


def test_it_goes_on_watching_while_nobody_answers() -> None:
    command = [sys.executable, "-m", "sloctl", "status", "--sidecar", "http://127.0.0.1:1", "--watch"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as watching_nothing:
        assert watching_nothing.stderr is not None
        first = watching_nothing.stderr.readline()
        gone_on = watching_nothing.poll() is None
        watching_nothing.send_signal(signal.SIGINT)

        assert watching_nothing.wait(30) == 0
    assert gone_on
    assert first.startswith("sloctl status: http://127.0.0.1:1: cannot connect: Connection refused (")


def test_a_terminal_is_drawn_anew() -> None:
    async def drawn() -> bytes:
        async with run_sidecar() as watched:
            await watched.tick(GOOD % 200)
            ours, theirs = pty.openpty()
            command = [sys.executable, "-m", "sloctl", "status", "--sidecar", watched.url, "--watch"]
            process = await asyncio.create_subprocess_exec(*command, stdout=theirs)
            shown = b""
            while b"shop/availability" not in shown:
                shown += await asyncio.to_thread(os.read, ours, 4096)
            process.send_signal(signal.SIGINT)
            assert await asyncio.wait_for(process.wait(), 30) == 0
            os.close(ours)
            os.close(theirs)
            return shown

    assert asyncio.run(drawn()).startswith(b"\x1b[H\x1b[J22:13:25 UTC: 1 fine\r\n")


def test_it_needs_nothing_of_the_sidecar_extra() -> None:
    extra = ("aiohttp", "jinja2", "opentelemetry", "prometheus_client")
    without = (
        f"import sys; sys.modules.update(dict.fromkeys({extra!r}))\n"
        "from sloctl.cli.main import main; sys.exit(main(['status', '--sidecar', 'http://127.0.0.1:1']))"
    )

    ran = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=False)

    assert ran.stderr.startswith("sloctl status: http://127.0.0.1:1: cannot connect: Connection refused (")


def answering(body: Any) -> Any:  # noqa: ANN401 - any JSON; an async context manager of the URL
    """A server that gives the same answer to everything."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body)

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", answer)
    return serve_application(app, "127.0.0.1", 0)
