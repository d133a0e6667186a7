"""Requests as a server sees them, over real connections with real certificates."""

import asyncio
import gzip
import os
import tracemalloc
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from sloctl.prometheus.answers import HttpResponse
from sloctl.prometheus.async_client import open_client
from sloctl.prometheus.credentials import BasicAuth, ClientOptions, TlsFiles, user_agent
from sloctl.prometheus.errors import RequestFailed, redact_url
from tests.sidecar.http_servers import answering, authority, certificate, misbehaving, server_context

SECRET = "hunter2-do-not-show"  # noqa: S105 - what must not be shown
MIB = 1024**2


async def authorization(request: web.Request) -> web.Response:
    return web.Response(text=request.headers.get("Authorization", "none"))


async def ask(url: str, options: ClientOptions | None = None) -> HttpResponse:
    async with open_client(options or ClientOptions()) as client:
        return await client.get(url)


async def test_a_rotated_token_is_sent_without_a_restart(tmp_path: Path) -> None:
    token = tmp_path / "token"
    async with (
        answering(authorization) as url,
        open_client(ClientOptions(bearer_token_file=token)) as client,
    ):
        token.write_text("first\n")
        before = await client.get(url)
        token.write_text("second\n")
        after = await client.get(url)

    assert (before.body, after.body) == (b"Bearer first", b"Bearer second")


async def test_a_password_comes_from_its_file(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("open sesame\n")
    async with answering(authorization) as url:
        answer = await ask(url, ClientOptions(basic_auth=BasicAuth("ali", password)))

    assert answer.body == b"Basic YWxpOm9wZW4gc2VzYW1l"


async def test_a_password_in_the_url_is_sent_and_never_shown() -> None:
    async with answering(authorization) as url:
        answer = await ask(url.replace("//", "//ali:sesame@"))

    assert answer.body == b"Basic YWxpOnNlc2FtZQ=="
    assert redact_url("https://ali:sesame@shop:8443/metrics?key=1#x") == "https://shop:8443/metrics"


async def test_it_says_who_asks_and_keeps_no_cookie() -> None:
    async def cookie(request: web.Request) -> web.Response:
        seen = web.Response(text=f"{request.headers['User-Agent']} {dict(request.cookies)}")
        seen.set_cookie("session", "1")
        return seen

    async with answering(cookie) as url, open_client(ClientOptions()) as client:
        await client.get(url)
        answer = await client.get(url)

    assert answer.body.decode() == f"{user_agent()} {{}}"


async def test_a_compressed_answer_of_several_streams_is_read_whole() -> None:
    async def compressed(request: web.Request) -> web.Response:
        assert request.headers["Accept-Encoding"] == "gzip"
        streams = gzip.compress(b"first ") + gzip.compress(b"second")
        return web.Response(body=streams, headers={"Content-Encoding": "gzip"})

    async with answering(compressed) as url:
        answer = await ask(url)

    assert answer.body == b"first second"


async def test_a_redirect_is_not_followed_and_its_target_is_named() -> None:
    async def away(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://ali:sesame@elsewhere:1/metrics?key=2")

    async with answering(away) as url:
        with pytest.raises(RequestFailed) as raised:
            await ask(url)

    assert (
        str(raised.value)
        == "answered 302, a redirect to http://elsewhere:1/metrics: give the address it should ask"
    )


async def test_a_server_proves_itself_to_the_authority_given(tmp_path: Path) -> None:
    ca = trustme.CA()
    tls = TlsFiles(ca_file=authority(tmp_path, ca))
    async with answering(authorization, server_context(ca.issue_cert("127.0.0.1"))) as url:
        answer = await ask(url, ClientOptions(tls=tls))
        with pytest.raises(RequestFailed, match="unable to get local issuer certificate"):
            await ask(url)

    assert answer.status == 200


async def test_a_certificate_of_another_name_is_refused_unless_that_name_is_meant(tmp_path: Path) -> None:
    ca = trustme.CA()
    ca_file = authority(tmp_path, ca)
    async with answering(authorization, server_context(ca.issue_cert("shop.example"))) as url:
        answer = await ask(url, ClientOptions(tls=TlsFiles(ca_file=ca_file, server_name="shop.example")))
        with pytest.raises(RequestFailed, match="IP address mismatch"):
            await ask(url, ClientOptions(tls=TlsFiles(ca_file=ca_file)))

    assert answer.status == 200


async def test_a_renewed_client_certificate_is_shown_without_a_restart(tmp_path: Path) -> None:
    async def peer(request: web.Request) -> web.Response:
        assert request.transport is not None
        subject = request.transport.get_extra_info("peercert")["subjectAltName"]
        return web.Response(text=subject[0][1])

    ca = trustme.CA()
    cert, key = certificate(tmp_path, ca.issue_cert("first.example"))
    tls = TlsFiles(authority(tmp_path, ca), cert, key)
    context = server_context(ca.issue_cert("127.0.0.1"), clients_of=ca)
    async with answering(peer, context) as url, open_client(ClientOptions(tls=tls)) as client:
        before = await client.get(url)
        certificate(tmp_path, ca.issue_cert("second.example"))
        after = await client.get(url)

    assert (before.body, after.body) == (b"first.example", b"second.example")


async def test_an_answer_larger_than_the_limit_is_dropped_while_it_comes() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1073741824\r\n\r\n")
        while True:
            writer.write(bytes(64 * 1024))
            await writer.drain()

    async with misbehaving(endless) as url:
        with pytest.raises(RequestFailed, match="answered more than 1 MiB"):
            await ask(url, ClientOptions(max_bytes=MIB))


async def test_a_small_answer_that_inflates_to_a_gigabyte_takes_no_memory() -> None:
    async def bomb(_: web.Request) -> web.Response:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    packed = gzip.compress(bytes(64 * MIB), compresslevel=1) * 16
    async with answering(bomb) as url:
        tracemalloc.start()
        try:
            with pytest.raises(RequestFailed, match="answered more than 1 MiB"):
                await ask(url, ClientOptions(max_bytes=MIB))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert peak < 16 * MIB


async def test_a_slow_answer_is_given_up() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with misbehaving(drip) as url:
        with pytest.raises(RequestFailed, match=r"no answer within 0\.2 s"):
            await ask(url, ClientOptions(timeout_seconds=0.2))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "answered no HTTP that can be read"),
        (b"", "closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "the answer broke off"),
    ],
)
async def test_what_is_no_answer_says_why(said: bytes, why: str) -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(said)

    async with misbehaving(say) as url:
        with pytest.raises(RequestFailed, match=why):
            await ask(url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (f"ftp://ali:{SECRET}@shop/", "not the URL of an http or https server"),
        ("http:///metrics", "not the URL of an http or https server"),
        (f"http://ali:{SECRET}@[::1/", "not a URL"),
        (f"http://ali:{SECRET}@shop:99999/", "not a URL"),
    ],
)
async def test_what_is_no_url_to_ask_says_so_without_quoting_it(url: str, why: str) -> None:
    with pytest.raises(RequestFailed) as raised:
        await ask(url)

    assert str(raised.value) == why


async def test_a_name_that_does_not_resolve_says_so() -> None:
    with pytest.raises(RequestFailed, match="cannot connect: "):
        await ask("http://nobody.invalid/", ClientOptions(timeout_seconds=60))


async def test_nobody_there_says_so() -> None:
    async with answering(authorization) as url:
        pass

    with pytest.raises(RequestFailed, match="cannot connect: Connect"):
        await ask(url)


@pytest.mark.parametrize("content", [f"{SECRET}\nmore", "", f"{SECRET}\x00"])
async def test_a_file_that_holds_no_token_is_named_and_not_quoted(tmp_path: Path, content: str) -> None:
    token = tmp_path / "token"
    token.write_text(content)

    with pytest.raises(RequestFailed) as raised:
        await ask("http://127.0.0.1:1", ClientOptions(bearer_token_file=token))

    assert str(raised.value) == f"{token} holds no single line of plain text"


async def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestFailed) as raised:
        await ask("http://127.0.0.1:1", ClientOptions(bearer_token_file=tmp_path / "token"))

    assert str(raised.value) == f"cannot read {tmp_path}/token: No such file or directory"


async def test_a_key_that_needs_a_password_is_refused_rather_than_asked_for(tmp_path: Path) -> None:
    ca = trustme.CA()
    cert, key = certificate(tmp_path, ca.issue_cert("me.example"))
    key.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")

    with pytest.raises(RequestFailed, match=rf"cannot use {cert}, {key} for TLS"):
        await ask("https://127.0.0.1:1", ClientOptions(tls=TlsFiles(cert_file=cert, key_file=key)))


async def test_no_secret_is_in_a_repr_or_in_the_trace_of_a_failure(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(SECRET)
    options = ClientOptions(bearer_token_file=token, headers={"X-Key": SECRET})
    with pytest.raises(RequestFailed) as raised:
        await ask(f"http://ali:{SECRET}@127.0.0.1:1/{os.sep}", options)

    assert SECRET not in f"{options} {raised.value!r} {raised.getrepr(showlocals=False, chain=True)}"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"bearer_token_file": Path("a"), "basic_auth": BasicAuth("b", Path("c"))}, "exclude each other"),
        ({"tls": TlsFiles(cert_file=Path("a"))}, "a cert_file and a key_file"),
        ({"headers": {"X-Key": f"{SECRET}\r\nX: 1"}}, "the header 'X-Key' is no single line of text"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why) as raised:
        ClientOptions(**wrong)  # type: ignore[arg-type]  # what a configuration might say

    assert SECRET not in str(raised.value)
