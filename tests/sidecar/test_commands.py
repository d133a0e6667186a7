"""`sloctl sidecar` as a process."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from itertools import takewhile
from pathlib import Path

import pytest

from sloctl.cli.main import main
from tests.real import free_port

ROOT = Path(__file__).parents[2]
SPEC = str(ROOT / "slos/payments-api.yaml")


def test_it_serves_until_sigterm_and_leaves_with_zero() -> None:
    port, target = free_port(), f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "sloctl", "sidecar", SPEC, "--target", target]
    with subprocess.Popen(
        [*command, "--listen", f"127.0.0.1:{port}", "--interval", "1s"], stderr=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stderr
        # The first tick may log before it listens, or after.
        watching = f": watching 3 SLOs: http://127.0.0.1:{port}\n"
        before = list(takewhile(lambda line: not line.endswith(watching), serving.stderr))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/slos") as answer:
            snapshot = json.load(answer)
        serving.send_signal(signal.SIGTERM)

        assert serving.wait(30) == 0
        (down,) = [*before, *serving.stderr]
    assert f": target {target}/metrics is down: cannot connect" in down
    assert "cannot connect" in snapshot["issues"]["source"]
    assert {shown["state"] for shown in snapshot["slos"]} == {"unknown"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "shop:8080"], "a target is a URL like http://127.0.0.1:8080/metrics, got 'shop:8080'"),
        (["--target", "http://shop", "--interval", "5"], "a duration is a number with a unit"),
        (["--target", "http://shop", "--interval", "2m"], "between 1s and 1m, got 2m"),
        (["--target", "http://shop", "--target-label", "job"], "a label is NAME=VALUE, got 'job'"),
        (["--target", "http://shop", "--listen", "9464"], "an address is HOST:PORT"),
    ],
)
def test_wrong_usage_could_not_run_and_says_what_to_write(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as left:
        sys.exit(main(["sidecar", SPEC, *arguments]))

    assert left.value.code == 2
    assert message in capsys.readouterr().err


def test_a_port_that_is_taken_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code = main(["sidecar", SPEC, "--target", "http://127.0.0.1:1", "--listen", f"127.0.0.1:{port}"])

    assert code == 2
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["sidecar", "demo"])
def test_without_the_extra_it_says_how_to_install_it(command: str) -> None:
    without = (
        "import sys; sys.modules['aiohttp'] = None; "
        f"from sloctl.cli.main import main; sys.exit(main(['{command}']))"
    )

    ran = subprocess.run(
        [sys.executable, "-c", without], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert ran.returncode == 2
    assert ran.stderr == f"sloctl {command}: aiohttp is not installed: pip install 'sloctl[sidecar]'\n"


def test_a_silent_name_server_does_not_hold_up_leaving() -> None:
    silent = (
        "import socket, sys, time; socket.getaddrinfo = lambda *_, **__: time.sleep(60); "
        "from sloctl.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", silent, "sidecar", SPEC, "--target", "http://shop.example"]
    with subprocess.Popen(
        [*command, "--listen", f"127.0.0.1:{free_port()}", "--interval", "1s"],
        stderr=subprocess.PIPE,
        text=True,
    ) as serving:
        assert serving.stderr
        serving.stderr.readline()
        time.sleep(1)
        serving.send_signal(signal.SIGTERM)

        assert serving.wait(30) == 0
