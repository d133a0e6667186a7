"""The options of `sloctl validate`: what is shown, what fails, and in which colors."""

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from sloctl.cli.main import main

WARNED: Final = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  slos:
    - name: availability
      objective: 99.9%
      indicator: {ratio: {error: 'job:e_total:sum{job="a"}', total: 't_total{job="a"}'}}
"""


@pytest.fixture
def warned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "warned.yaml").write_text(WARNED)
    return "warned.yaml"


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 1), ("note", 1), ("never", 0)])
def test_what_fails_is_a_choice(warned: str, fail_on: str, code: int) -> None:
    assert main(["validate", warned, "--fail-on", fail_on]) == code


def test_what_is_left_out_is_neither_shown_nor_failing(
    warned: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["validate", warned, "--min-severity", "error", "--fail-on", "warning"])

    assert (code, *capsys.readouterr()) == (0, "", "1 file, 1 SLO, no problems\n")


def on_a_terminal(path: str, **environment: str) -> bytes:
    """What validate writes to a terminal."""
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "sloctl", "validate", path],
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm", **environment},
        check=True,
    )
    os.close(theirs)
    written = os.read(ours, 10_000)
    os.close(ours)
    return written


def test_a_terminal_gets_colors(warned: str) -> None:
    assert b"\x1b[33m^" in on_a_terminal(warned, NO_COLOR="")


def test_no_color_is_obeyed(warned: str) -> None:
    written = on_a_terminal(warned, NO_COLOR="1")

    assert b"\x1b" not in written
    assert b"^^^" in written


def test_a_pipe_gets_colors_only_when_told(warned: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["validate", warned])
    plain = capsys.readouterr().out
    main(["validate", warned, "--color", "always"])

    assert "\x1b" not in plain
    assert "\x1b[33m" in capsys.readouterr().out
