"""Queries of the plain front to servers with certificates, to rude ones, and to ones that answer in part."""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from sloctl.prometheus.answers import InstantSample, QueryRange, RangeSeries
from sloctl.prometheus.credentials import BasicAuth, ClientOptions, TlsFiles
from sloctl.prometheus.errors import PrometheusError, redact_url
from sloctl.prometheus.plain_client import PrometheusClient
from tests.sidecar.http_servers import answering, authority, certificate, misbehaving, server_context

SECRET = "hunter2-do-not-show"  # noqa: S105 - what must not be shown
VECTOR = {"resultType": "vector", "result": [{"metric": {"job": "shop"}, "value": [60.5, "0.25"]}]}
MATRIX = {"resultType": "matrix", "result": [{"metric": {}, "values": [[60, "1"], [120, "NaN"]]}]}


class Server:
    """Gives *answer* to everything, and remembers headers and forms."""

    def __init__(self, answer: object, status: int = 200) -> None:
        self.answer, self.status = answer, status
        self.headers: Mapping[str, str] = {}
        self.form: Mapping[str, Any] = {}

    async def respond(self, request: web.Request) -> web.Response:
        self.headers, self.form = request.headers, dict(await request.post())
        text = self.answer if isinstance(self.answer, str) else json.dumps(self.answer)
        return web.Response(status=self.status, text=text)


async def query(url: str, options: ClientOptions | None = None) -> list[InstantSample]:
    client = PrometheusClient(url, options or ClientOptions())
    return await asyncio.to_thread(client.query, "up")


async def failure(ask: Callable[[], Any]) -> str:
    with pytest.raises(PrometheusError) as raised:
        await ask()
    return str(raised.value)


async def test_an_instant_query_gives_samples() -> None:
    server = Server({"status": "success", "data": VECTOR})
    async with answering(server.respond) as url:
        samples = await query(f"{url}/prometheus/")

    assert samples == [InstantSample({"job": "shop"}, at=60.5, value=0.25)]
    assert server.form == {"query": "up", "partial_response": "false"}


async def test_a_range_query_evaluates_at_the_end_of_each_step() -> None:
    server = Server({"status": "success", "data": {**MATRIX, "result": MATRIX["result"][:1]}})
    async with answering(server.respond) as url:
        client = PrometheusClient(url, ClientOptions())
        (series,) = await asyncio.to_thread(client.query_range, "up", QueryRange(0, 120), step=60)

    assert isinstance(series, RangeSeries)
    assert (series.points[60], str(series.points[120])) == (1.0, "nan")
    assert (server.form["start"], server.form["end"], server.form["step"]) == ("60", "120", "60")


async def test_credentials_and_a_tenant_come_with_each_query(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("open sesame\n")
    (tmp_path / "token").write_text("sesame\n")
    basic = ClientOptions(basic_auth=BasicAuth("ali", tmp_path / "secret"), headers={"X-Scope-OrgID": "shop"})
    server, seen = Server({"status": "success", "data": VECTOR}), []
    async with answering(server.respond) as url:
        for options in (basic, ClientOptions(bearer_token_file=tmp_path / "token")):
            await query(url, options)
            seen.append((server.headers["Authorization"], server.headers.get("X-Scope-OrgID")))

    assert seen == [
        (f"Basic {base64.b64encode(b'ali:open sesame').decode()}", "shop"),
        ("Bearer sesame", None),
    ]


async def test_both_sides_prove_themselves_by_certificates(tmp_path: Path) -> None:
    ca, other = trustme.CA(), tmp_path / "other"
    other.mkdir()
    cert, key = certificate(tmp_path, ca.issue_cert("us.example"))
    context = server_context(ca.issue_cert("127.0.0.1"), clients_of=ca)
    right = TlsFiles(authority(tmp_path, ca), cert, key)
    wrong = TlsFiles(authority(other, trustme.CA()), cert, key)
    async with answering(Server({"status": "success", "data": VECTOR}).respond, context) as url:
        samples = await query(url, ClientOptions(tls=right))
        message = await failure(lambda: query(url, ClientOptions(tls=wrong)))

    assert len(samples) == 1
    assert message.startswith(f"{url}: cannot connect: [SSL: CERTIFICATE_VERIFY_FAILED]")


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        ("<html>", 401, "answered 401 Unauthorized"),
        ({"status": "error", "error": "too many samples\x1b[2J"}, 422, "too many samples\\x1b[2J"),
        (
            {"status": "success", "data": VECTOR, "warnings": ["store 3 is away"]},
            200,
            "answered in part: store 3 is away",
        ),
        (
            {"status": "success", "data": VECTOR, "isPartial": True},
            200,
            "answered in part: not everything could be reached",
        ),
        ({"status": "success"}, 200, "answered without any result"),
        ('{"status":"success","data":{"resultType":"ve', 200, "answered what no Prometheus answers: "),
        ({"status": "success", "data": MATRIX}, 200, "answered what no Prometheus answers: "),
        (" " * 2**20, 200, "answered more than 0.5 MiB"),
    ],
)
async def test_an_answer_that_is_not_whole_is_none(answer: object, status: int, why: str) -> None:
    async with answering(Server(answer, status).respond) as url:
        message = await failure(lambda: query(url, ClientOptions(max_bytes=2**19)))

    assert message.startswith(f"{url}: {why}")
    assert message.isprintable()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "the answer broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", "the answer broke off"),
        (b"", "closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "answered no HTTP that can be read (BadStatusLine)"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://ali:sesame@shop:1/x?key=2\r\n\r\n",
            "answered 302, a redirect to http://shop:1/x: give the address it should ask",
        ),
    ],
)
async def test_what_is_no_answer_says_why(said: bytes, why: str) -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(said)

    async with misbehaving(say) as url:
        message = await failure(lambda: query(url))

    assert message == f"{url}: {why}"


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"])
async def test_a_slow_answer_is_given_up(head: bytes) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(b"x" if head else b"")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with misbehaving(drip) as url:
        message = await failure(lambda: query(url, ClientOptions(timeout_seconds=0.3)))

    assert message == f"{url}: no answer within 0.3 s"


@pytest.mark.parametrize(
    "url",
    [
        f"http://ali:{SECRET}@shop",
        f"http://{SECRET}@[::1",
        f"http://ali:{SECRET}/x@shop",
        f"ali:{SECRET}@shop",
    ],
)
def test_a_password_in_a_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(PrometheusError) as raised:
        PrometheusClient(url, ClientOptions())

    assert (
        str(raised.value)
        == "a URL holds no user and no password: they come from files, --username with --password-file"
    )
    assert SECRET not in redact_url(url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("shop:9090", "shop:9090: this must be an http or https URL, such as http://127.0.0.1:9090"),
        ("http://", "http://: this must be an http or https URL, such as http://127.0.0.1:9090"),
        ("http://shop:nine", "http://shop:nine: Port could not be cast to integer value as 'nine'"),
        (
            "http://shop/a b",
            "http://shop/a b: this must be an http or https URL, such as http://127.0.0.1:9090",
        ),
    ],
)
def test_what_is_no_url_to_ask_says_so(url: str, why: str) -> None:
    with pytest.raises(PrometheusError) as raised:
        PrometheusClient(url, ClientOptions())

    assert str(raised.value) == why


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ali:sesame@shop:8443/metrics?key=1#x", "https://shop:8443/metrics"),
        ("http://shop/people/@me", "http://shop/people/@me"),
        ("http://ali:se#same@shop:x/?key=1", "http://shop:x/"),
        ("shop:8080", "shop:8080"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def test_the_plain_front_starts_without_asyncio() -> None:
    program = (
        "import sys, sloctl.prometheus.plain_client; sys.exit(bool({'aiohttp', 'asyncio'} & {*sys.modules}))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
