"""Completion, asked of the shells themselves."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sloctl.cli.main import COMMANDS, main
from tests.real import MISSING

# Prints what bash offers for the last of its arguments.
ASK_BASH = """
source "$0"
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
_sloctl
printf '%s\\n' "${COMPREPLY[@]}"
"""
ASK_FISH = "source $argv[1]; complete -C $argv[2]"
CASES = pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["val"], {"validate"}),
        (["compile", "--tar"], {"--target"}),
        (["status", "--fail-on", "pa"], {"page"}),
        (["completion", "f"], {"fish"}),
    ],
)


def locate_shell(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{MISSING}{name} (put it on PATH)")
    return path


def write_completion(shell: str, directory: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["completion", shell]) == 0
    file = directory / f"sloctl.{shell}"
    file.write_text(capsys.readouterr().out)
    return file


def run_shell(*command: str) -> set[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return {line.split("\t")[0] for line in done.stdout.splitlines()}


@CASES
def test_bash_completes_commands_options_and_values(
    words: list[str], offered: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bash = locate_shell("bash")
    script = write_completion("bash", tmp_path, capsys)

    assert run_shell(bash, "-c", ASK_BASH, str(script), "sloctl", *words) == offered


@CASES
def test_fish_completes_commands_options_and_values(
    words: list[str], offered: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fish = locate_shell("fish")
    script = write_completion("fish", tmp_path, capsys)

    assert run_shell(fish, "-c", ASK_FISH, str(script), " ".join(["sloctl", *words])) == offered


def test_zsh_takes_the_script_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zsh = locate_shell("zsh")
    script = write_completion("zsh", tmp_path, capsys)

    assert run_shell(zsh, "-n", str(script)) == set()
    assert all(f"{name}:" in script.read_text() for name in COMMANDS)


def test_the_manual_page_is_read_by_groff_without_a_complaint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    groff = locate_shell("groff")
    page = write_completion("man", tmp_path, capsys)

    done = subprocess.run(
        [groff, "-man", "-Tutf8", "-ww", "-k", str(page)], capture_output=True, text=True, check=True
    )

    printed = re.sub(".\b|\x1b\\[[0-9;]*m", "", done.stdout)
    assert done.stderr == ""
    assert "--fail-on page|ticket|exhausted|unknown" in printed
    assert "sloctl validate" in printed
