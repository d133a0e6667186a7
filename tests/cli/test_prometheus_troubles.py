"""`status --prometheus` and `backfill` where nothing can be asked: one line, exit code 2, no secret."""

import asyncio
import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import trustme
from aiohttp import web
from aiohttp.typedefs import Handler

from sloctl.cli.main import main
from tests.sidecar.http_servers import answering, authority, certificate, misbehaving, server_context

SPEC = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  slos:
    - name: availability
      objective: 99%
      indicator:
        ratio: {error: 'requests_total{code="500"}', total: requests_total}
"""
SECRET = "hunter2-do-not-show"  # noqa: S105 - what must not be shown
COMMANDS = pytest.mark.parametrize("command", ["status", "backfill"])


class Commands:
    """Runs a command against a URL, and keeps what it said on standard error."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (directory / "shop.yaml").write_text(SPEC)
        self.directory = directory
        self._capsys = capsys

    async def run(self, command: str, url: str, *options: str) -> int:
        specs = [str(self.directory / "shop.yaml"), "-d", str(self.directory / "files"), "--from", "1d"]
        arguments = specs if command == "backfill" else []
        return await asyncio.to_thread(main, [command, *arguments, "--prometheus", url, *options])

    async def failure(self, command: str, url: str, *options: str) -> str:
        """Return the one line of a command that could not run, without its name."""
        code = await self.run(command, url, *options)
        captured = self._capsys.readouterr()

        assert (code, captured.out) == (2, "")
        assert SECRET not in captured.err
        assert captured.err.startswith(f"sloctl {command}: ")
        assert captured.err.count("\n") == 1
        return captured.err.removeprefix(f"sloctl {command}: ").rstrip("\n")


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(tmp_path, capsys)


@COMMANDS
async def test_a_password_in_the_url_is_refused_and_never_shown(command: str, commands: Commands) -> None:
    said = await commands.failure(command, f"http://me:{SECRET}@127.0.0.1:1")

    assert (
        said == "a URL holds no user and no password: they come from files, --username with --password-file"
    )


@COMMANDS
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://[shop", "http://[shop: Invalid IPv6 URL"),
        ("http://shop:http", "http://shop:http: Port could not be cast to integer value as 'http'"),
        ("shop:9090", "shop:9090: this must be an http or https URL, such as http://127.0.0.1:9090"),
        ("http://", "http://: this must be an http or https URL, such as http://127.0.0.1:9090"),
        (
            f"http://shop:{SECRET}@[",
            "a URL holds no user and no password: they come from files, --username with --password-file",
        ),
        (
            f"ftp://shop?token={SECRET}",
            "ftp://shop: this must be an http or https URL, such as http://127.0.0.1:9090",
        ),
    ],
)
async def test_a_malformed_url_is_told(command: str, url: str, message: str, commands: Commands) -> None:
    assert await commands.failure(command, url) == message


@COMMANDS
@pytest.mark.parametrize(
    "sent",
    [
        b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"status":"success","data":{"resultType"',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"status":"success"',
    ],
    ids=["with a length", "chunked"],
)
async def test_a_cut_off_body_is_told(command: str, sent: bytes, commands: Commands) -> None:
    async def cut_off(writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()

    async with misbehaving(cut_off) as url:
        assert await commands.failure(command, url) == f"{url}: the answer broke off"


@COMMANDS
async def test_a_body_that_ends_early_is_no_answer(command: str, commands: Commands) -> None:
    async with answering(says('{"status":"success","data":{"resultType":"ve')) as url:
        said = await commands.failure(command, url)

    assert said.startswith(f"{url}: answered what no Prometheus answers: ")


@COMMANDS
@pytest.mark.parametrize(
    ("partial", "why"),
    [
        ({"warnings": ["store 3 is\naway"]}, r"store 3 is\naway"),
        ({"isPartial": True}, "not everything could be reached"),
    ],
    ids=["warnings", "isPartial"],
)
async def test_a_partial_answer_is_not_taken_for_the_whole(
    command: str, partial: Mapping[str, object], why: str, commands: Commands
) -> None:
    kind = {"status": "vector", "backfill": "matrix"}[command]
    answer = {"status": "success", "data": {"resultType": kind, "result": []}, **partial}
    async with answering(says(json.dumps(answer))) as url:
        assert await commands.failure(command, url) == f"{url}: answered in part: {why}"


@COMMANDS
async def test_a_refusal_is_told_and_not_the_token(command: str, commands: Commands) -> None:
    token = commands.directory / "token"
    token.write_text(f"{SECRET}\n")
    async with answering(says("<html>go away</html>", status=401)) as url:
        said = await commands.failure(command, url, "--token-file", str(token))

    assert said == f"{url}: answered 401 Unauthorized"


@COMMANDS
async def test_a_server_of_another_authority_is_not_believed(command: str, commands: Commands) -> None:
    context = server_context(trustme.CA().issue_cert("127.0.0.1"))
    ca_file = str(authority(commands.directory, trustme.CA()))
    async with answering(says("{}"), context) as url:
        said = await commands.failure(command, url, "--ca-file", ca_file)

    assert said.startswith(f"{url}: cannot connect: [SSL: CERTIFICATE_VERIFY_FAILED] ")


@COMMANDS
async def test_a_redirect_gets_no_credentials(command: str, commands: Commands) -> None:
    asked: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPFound("http://other.example/")

    async with answering(elsewhere) as url:
        said = await commands.failure(command, url)

    assert said.startswith(f"{url}: answered 302, a redirect to http://other.example/: ")
    assert len(asked) == 1


@COMMANDS
@pytest.mark.parametrize(
    ("options", "content", "message"),
    [
        (["--token-file", "F"], None, "cannot read F: No such file or directory"),
        (["--token-file", "F"], f"{SECRET}\nmore\n", "F holds no single line of plain text"),
        (["--header-file", "F"], None, "cannot read F: No such file or directory"),
        (["--header-file", "F"], f"A: b\n{SECRET}\n", "F:2: a header is a line NAME: VALUE in plain text"),
        (["--header-file", "F"], f"A: \x07{SECRET}\n", "F:1: a header is a line NAME: VALUE in plain text"),
        (["--ca-file", "F"], f"{SECRET}\n", "cannot use F for TLS: NO_CERTIFICATE_OR_CRL_FOUND"),
        (["--username", "me"], None, "basic authentication needs both --username and --password-file"),
        (["--password-file", "F"], "", "basic authentication needs both --username and --password-file"),
        (["--cert-file", "F"], "", "a client certificate is a cert_file and a key_file"),
        (
            ["--token-file", "F", "--username", "me", "--password-file", "F"],
            SECRET,
            "a bearer token and basic authentication exclude each other",
        ),
    ],
)
async def test_a_file_that_is_no_use_is_named_without_its_content(
    command: str, options: list[str], content: str | None, message: str, *, commands: Commands
) -> None:
    file = commands.directory / "file"
    if content is not None:
        file.write_text(content)

    said = await commands.failure(
        command, "https://127.0.0.1:1", *(str(file) if option == "F" else option for option in options)
    )

    assert said.removeprefix("https://127.0.0.1:1: ") == message.replace("F", str(file), 1)


@COMMANDS
async def test_all_credentials_come_from_files(command: str, commands: Commands) -> None:
    ca, directory = trustme.CA(), commands.directory
    cert, key = certificate(directory, ca.issue_cert("us.example"))
    (directory / "password").write_text(f"{SECRET}\n")
    (directory / "headers").write_text("X-Scope-OrgID: shop\n\nX-Team: pay\n")
    seen: list[Mapping[str, str]] = []

    async def remember(request: web.Request) -> web.Response:
        seen.append(request.headers)
        return web.Response(status=503)

    files = {
        "--password-file": directory / "password",
        "--header-file": directory / "headers",
        "--ca-file": authority(directory, ca),
        "--cert-file": cert,
        "--key-file": key,
    }
    options = [text for option, file in files.items() for text in (option, str(file))]
    async with answering(remember, server_context(ca.issue_cert("127.0.0.1"), clients_of=ca)) as url:
        said = await commands.failure(command, url, "--username", "me", *options)

    assert said == f"{url}: answered 503 Service Unavailable"
    assert seen[0]["Authorization"] == f"Basic {base64.b64encode(f'me:{SECRET}'.encode()).decode()}"
    assert (seen[0]["X-Scope-OrgID"], seen[0]["X-Team"]) == ("shop", "pay")


def says(body: str, status: int = 200) -> Handler:
    """Return a handler that gives the same answer to everything."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    return answer
