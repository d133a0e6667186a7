"""URLs and tokens from the environment."""

from argparse import ArgumentParser
from pathlib import Path

import pytest

from sloctl.cli.main import main
from sloctl.cli.server_arguments import add_prometheus_url, add_server_options, read_client_options

URL = "http://prometheus:9090"


def parse(*words: str) -> tuple[str, Path | None]:
    parser = ArgumentParser()
    add_prometheus_url(parser, help_text="asked")
    add_server_options(parser)
    arguments = parser.parse_args(words)
    options = read_client_options(arguments, arguments.prometheus)
    return arguments.prometheus, options.bearer_token_file


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    token = tmp_path / "token"
    token.write_text("secret")
    monkeypatch.setenv("PROMETHEUS_URL", URL)
    monkeypatch.setenv("PROMETHEUS_TOKEN_FILE", str(token))
    return token


def test_url_and_token_come_from_the_environment(environment: Path) -> None:
    assert parse() == (URL, environment)


def test_a_typed_url_never_gets_that_token() -> None:
    assert parse("--prometheus", "http://elsewhere") == ("http://elsewhere", None)


def test_a_typed_token_wins() -> None:
    assert parse("--token-file", "mine") == (URL, Path("mine"))


def test_status_asks_the_sidecar_of_the_environment_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROMETHEUS_URL", "http://127.0.0.1:1")
    of_prometheus = main(["status"])
    monkeypatch.setenv("SLOCTL_SIDECAR_URL", "http://127.0.0.1:2")
    of_sidecar = main(["status"])

    first, second = capsys.readouterr().err.splitlines()
    assert (of_prometheus, of_sidecar) == (2, 2)
    assert first.startswith("sloctl status: http://127.0.0.1:1: cannot connect")
    assert second.startswith("sloctl status: http://127.0.0.1:2: cannot connect")
