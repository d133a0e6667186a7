"""Serving: TLS, rude clients, and leaving in time."""

import asyncio
import logging
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
import trustme
from aiohttp import web
from cryptography.hazmat.primitives import serialization

from sloctl.sidecar.http import connection, server
from sloctl.sidecar.http.connection import SECURITY_HEADERS
from sloctl.sidecar.http.options import Certificate, WebOptions
from sloctl.sidecar.http.server import ReloadingTls, UnusableCertificate, serve_application
from tests.real import free_port
from tests.sidecar.http_client import ask
from tests.sidecar.http_servers import certificate
from tests.sidecar.running_sidecar import run_sidecar

ROOT: Final = Path(__file__).parents[2]
SPEC: Final = str(ROOT / "slos/payments-api.yaml")


def issued(folder: Path, ca: trustme.CA, *names: str) -> Certificate:
    chain, key = certificate(folder, ca.issue_cert(*(names or ("127.0.0.1",))))
    return Certificate(chain, key)


async def served_certificate(url: str) -> bytes:
    """As a client sees it that believes anybody."""
    host, port = url.removeprefix("https://").split(":")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection(host, int(port), ssl=context)
    found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return found


async def raw(url: str, sent: bytes) -> bytes:
    """All that comes back until the server hangs up."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), 60)
    finally:
        writer.close()


async def test_over_tls_a_client_that_knows_the_authority_is_answered(tmp_path: Path) -> None:
    ca = trustme.CA()
    context = ssl.create_default_context()
    ca.configure_trust(context)

    async with run_sidecar(web=WebOptions(certificate=issued(tmp_path, ca))) as running:
        host, port = running.url.removeprefix("https://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_tls_older_than_1_2_is_not_spoken(tmp_path: Path) -> None:
    old = ssl.create_default_context()
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1

    async with run_sidecar(web=WebOptions(certificate=issued(tmp_path, trustme.CA()))) as running:
        host, port = running.url.removeprefix("https://").split(":")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(host, int(port), ssl=old)


async def test_a_renewed_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    ca = trustme.CA()
    async with run_sidecar(web=WebOptions(certificate=issued(tmp_path, ca))) as running:
        before = await served_certificate(running.url)
        again = await served_certificate(running.url)
        issued(tmp_path, ca)

        after = await served_certificate(running.url)

    assert before == again
    assert after != before


async def test_a_broken_certificate_leaves_the_old_one_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = issued(tmp_path, trustme.CA())
    async with run_sidecar(web=WebOptions(certificate=given)) as running:
        before = await served_certificate(running.url)
        with caplog.at_level(logging.ERROR):
            given.chain.write_text("not a certificate\n")
            after = await served_certificate(running.url)
            given.key.unlink()
            gone = await served_certificate(running.url)

    assert before == after == gone
    assert "the changed certificate cannot be used, the old one stays" in caplog.text


def test_without_a_certificate_tls_is_not_started(tmp_path: Path) -> None:
    with pytest.raises(UnusableCertificate, match=r"chain\.pem: No such file or directory"):
        ReloadingTls(Certificate(tmp_path / "chain.pem", tmp_path / "key.pem"))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"400 Bad Request"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 1000 + b"\r\n", b"400 Bad Request"),
    ],
)
async def test_what_is_no_request_is_a_problem_document_too_and_tells_no_version(
    sent: bytes, status: bytes
) -> None:
    async with run_sidecar() as running:
        head, _, body = (await raw(running.url, sent)).partition(b"\r\n\r\n")

    assert head.startswith((b"HTTP/1.1 " + status, b"HTTP/1.0 " + status))
    assert body == b'{"title":"Bad Request","status":400,"detail":"this is no HTTP request"}'
    assert b"Content-Type: application/problem+json" in head
    assert b"aiohttp" not in head
    for name in SECURITY_HEADERS:
        assert name.encode() in head


async def test_a_bug_of_ours_is_a_problem_document_that_tells_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def break_down(_: web.Request) -> web.Response:
        raise RuntimeError("hunter2")

    with caplog.at_level(logging.ERROR):
        async with run_sidecar(routes=[web.get("/broken", break_down)]) as running:
            answer = await ask(f"{running.url}/broken")

    assert (answer.status, answer.headers["Content-Type"]) == (500, "application/problem+json")
    assert answer.json == {
        "title": "Internal Server Error",
        "status": 500,
        "detail": "this is a bug; the log has it",
    }
    assert "Server" not in answer.headers
    assert "GET /broken failed" in caplog.text


async def test_a_body_that_is_too_large_is_refused() -> None:
    async def read_all(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async with run_sidecar(routes=[web.post("/body", read_all)]) as running:
        sent = b"POST /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 70000\r\nConnection: close\r\n\r\n"
        answer = await raw(running.url, sent + b"a" * 70000)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b'"detail":"the body of the request is too large"}')


async def test_a_client_that_never_finishes_its_request_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_FIRST_REQUEST_SECONDS", 0.2)

    async with run_sidecar() as running:
        assert await raw(running.url, b"GET / HTTP/1.1\r\nX-Slow: ") == b""
        assert await raw(running.url, b"") == b""


async def test_a_client_that_asked_in_time_may_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_FIRST_REQUEST_SECONDS", 2)
    async with run_sidecar() as running:
        host, port = running.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for _ in range(2):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert (await reader.readuntil(b"ticking\n")).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(2.5)
        writer.close()


async def test_a_port_that_is_taken_is_an_error_of_the_system() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="address already in use"):
            await serve_application(web.Application(), "127.0.0.1", port).__aenter__()


def test_on_sigterm_streams_end_and_the_process_leaves() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "sloctl", "sidecar", SPEC, "--target", f"http://127.0.0.1:{free_port()}"]
    with subprocess.Popen(
        [*command, "--listen", f"127.0.0.1:{port}", "--interval", "1s"], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        with ExitStack() as streams:
            # Else a failure here would wait for a process that nobody ends.
            streams.callback(process.kill)
            assert "watching 3 SLOs" in process.stderr.readline()
            open_streams = [
                streams.enter_context(urllib.request.urlopen(f"{url}/live", timeout=30)) for _ in range(20)
            ]
            for stream in open_streams:
                assert stream.readline() == b"retry: 3000\n"
            process.send_signal(signal.SIGTERM)

            # The documentation promises five, of a machine that has the time; what hangs takes longer.
            assert process.wait(30) == 0
            assert all(stream.read().startswith(b"\n") for stream in open_streams)


def test_files_that_are_no_certificate_are_named(tmp_path: Path) -> None:
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_text("no certificate\n")
    key.write_text("no key\n")

    with pytest.raises(UnusableCertificate, match=r"chain\.pem and .*key\.pem are no certificate and key"):
        ReloadingTls(Certificate(chain, key))


def encrypted(key: bytes) -> bytes:
    encryption = serialization.BestAvailableEncryption(b"pass phrase")
    loaded = serialization.load_pem_private_key(key, None)
    return loaded.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, encryption
    )


def test_for_a_certificate_nobody_is_waited_for(tmp_path: Path) -> None:
    leaf = trustme.CA().issue_cert("127.0.0.1")
    chain, key, fifo = tmp_path / "chain.pem", tmp_path / "key.pem", tmp_path / "fifo.pem"
    chain.write_bytes(leaf.cert_chain_pems[0].bytes())
    key.write_bytes(encrypted(leaf.private_key_pem.bytes()))
    os.mkfifo(fifo)

    with pytest.raises(UnusableCertificate, match="the key is encrypted, and nobody can be asked"):
        ReloadingTls(Certificate(chain, key))
    with pytest.raises(UnusableCertificate, match=r"fifo\.pem is no regular file"):
        ReloadingTls(Certificate(chain, fifo))


async def test_idle_connections_make_room_for_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "incoming_connections", lambda: 5)
    async with run_sidecar() as running:
        host, port = running.url.removeprefix("http://").split(":")
        idle = [await asyncio.open_connection(host, int(port)) for _ in range(20)]
        answer = await ask(f"{running.url}/healthz")
        gone = [await asyncio.wait_for(reader.read(), 60) for reader, _ in idle[:15]]
        for _, writer in idle:
            writer.close()

    assert answer.status == 200
    assert gone == [b""] * 15


async def test_a_crowd_of_connections_is_accepted_by_and_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "accepted_at_once", lambda: 1)
    async with run_sidecar() as running:
        host, port = running.url.removeprefix("http://").split(":")
        crowd = await asyncio.gather(*(asyncio.open_connection(host, int(port)) for _ in range(100)))
        answer = await ask(f"{running.url}/healthz")
        for _, writer in crowd:
            writer.close()

    assert answer.status == 200


async def test_a_probe_is_answered_whoever_holds_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "incoming_connections", lambda: 5)
    async with run_sidecar() as running:
        host, port = running.url.removeprefix("http://").split(":")
        pages = [await asyncio.open_connection(host, int(port)) for _ in range(5)]
        for reader, writer in pages:
            writer.write(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(b"retry: 3000")
        await asyncio.sleep(0.3)
        answer = await ask(f"{running.url}/healthz")
        for _, writer in pages:
            writer.close()

    assert answer.status == 200


async def test_who_has_only_just_come_makes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "incoming_connections", lambda: 5)
    monkeypatch.setattr(connection, "_LONG_IDLE_SECONDS", 600.0)
    async with run_sidecar() as running:
        host, port = running.url.removeprefix("http://").split(":")
        pages = [await asyncio.open_connection(host, int(port)) for _ in range(5)]
        for reader, writer in pages:
            writer.write(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(b"retry: 3000")
        await asyncio.sleep(0.3)
        probes = [await asyncio.open_connection(host, int(port)) for _ in range(3)]
        for _, writer in probes:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answers = [await asyncio.wait_for(reader.readline(), 60) for reader, _ in probes]
        for _, writer in (*pages, *probes):
            writer.close()

    assert answers == [b"HTTP/1.1 200 OK\r\n"] * 3


def test_sighup_while_leaving_does_no_harm() -> None:
    command = [sys.executable, "-m", "sloctl", "sidecar", SPEC, "--target", f"http://127.0.0.1:{free_port()}"]
    with subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        while "watching" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGTERM)
        while process.poll() is None:
            process.send_signal(signal.SIGHUP)
            time.sleep(0.002)

        assert process.returncode == 0
