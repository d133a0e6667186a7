"""The standard streams of every command as a process: any encoding, full, closed, or a reader that left."""

import subprocess
import sys
from pathlib import Path

import pytest

SPEC = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  description: Größe ≤ 1 ✓
  slos:
    - name: availability
      description: Größe ≤ 1 ✓
      objective: 99%
      indicator:
        ratio: {error: 'requests_total{code="500"}', total: requests_total}
      groupBy: [route]
"""
SLOCTL = f"{sys.executable} -m sloctl"
WRITING = (
    "compile good.yaml",
    "compile good.yaml -d out --check",
    "explain good.yaml",
    "explain good.yaml -o json",
    "validate bad.yaml",
    "validate bad.yaml -o json",
    "schema",
    "demo --duration 1s",
    "--help",
    "--version",
    "compile --help",
)
COMMANDS = pytest.mark.parametrize("command", WRITING)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "bad.yaml").write_text(SPEC.replace("99%", '"99 ≤ %"'), encoding="utf-8")
    return tmp_path


def shell(folder: Path, line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


@COMMANDS
@pytest.mark.parametrize("encoding", ["cp1252", "ascii:strict"])
def test_programs_read_utf_8_whatever_the_locale(folder: Path, command: str, encoding: str) -> None:
    usual = shell(folder, f"{SLOCTL} {command}", PYTHONIOENCODING="utf-8")

    ran = shell(folder, f"{SLOCTL} {command}", PYTHONIOENCODING=encoding)

    assert ran.returncode == usual.returncode
    assert b"Traceback" not in ran.stderr
    if not command.startswith("demo"):
        assert ran.stdout.decode("utf-8") == usual.stdout.decode("utf-8") != ""


def test_a_terminal_sees_escapes_for_what_it_lacks(folder: Path) -> None:
    ran = shell(folder, f"script -qec '{SLOCTL} explain good.yaml' /dev/null", PYTHONIOENCODING="ascii")

    assert ran.returncode == 0
    assert b"Gr\\xf6\\xdfe \\u2264 1 \\u2713" in ran.stdout


@COMMANDS
@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (">/dev/full", "No space left on device"),
        (">&-", "Bad file descriptor"),
        ("| true; exit ${PIPESTATUS[0]}", "Broken pipe"),
    ],
    ids=["full", "closed", "reader gone"],
)
def test_a_result_that_nobody_gets_could_not_run(
    folder: Path, command: str, output: str, reason: str
) -> None:
    ran = shell(folder, f"{SLOCTL} {command} {output}")

    *_, last = ran.stderr.decode().splitlines()
    assert ran.returncode == 2
    assert last.startswith("sloctl")
    assert last.endswith(f": cannot write to standard output: {reason}")
    assert ran.stderr.count(b"cannot write") == 1
    assert b"Traceback" not in ran.stderr


@pytest.mark.parametrize("errors", ["2>/dev/full", "2>&-"])
@pytest.mark.parametrize(("command", "code"), [("compile bad.yaml", 1), ("compile good.yaml", 0)])
def test_lost_talk_does_not_change_the_verdict(folder: Path, errors: str, command: str, code: int) -> None:
    ran = shell(folder, f"{SLOCTL} {command} >/dev/null {errors}")

    assert ran.returncode == code


@pytest.mark.parametrize(
    "command", ["compile", "validate", "explain", "backfill --prometheus http://x -d out"]
)
def test_a_closed_standard_input_is_no_empty_spec(folder: Path, command: str) -> None:
    ran = shell(folder, f"{SLOCTL} {command} - <&-")

    name = command.partition(" ")[0]
    assert ran.returncode == 2
    assert ran.stderr == f"sloctl {name}: standard input: Bad file descriptor\n".encode()


def test_a_full_disk_names_the_file_and_leaves_nothing(folder: Path) -> None:
    ran = shell(folder, f"ulimit -f 1; {SLOCTL} compile good.yaml -d out")

    assert ran.returncode == 2
    assert ran.stderr == b"sloctl compile: out/alerts/shop.yaml: File too large\n"
    assert [path for path in folder.glob("out/**/*") if path.is_file()] == []


def test_a_fifo_among_the_results_is_told(folder: Path) -> None:
    (folder / "out/alerts").mkdir(parents=True)

    ran = shell(folder, f"mkfifo out/alerts/shop.yaml out/alerts/old.yaml; {SLOCTL} compile good.yaml -d out")

    assert ran.returncode == 2
    assert ran.stderr == b"sloctl compile: out/alerts/shop.yaml: is no file that could be written\n"


def test_an_interrupted_command_could_not_run(folder: Path) -> None:
    ran = shell(folder, f"mkfifo f; exec 3<>f; timeout -s INT 2 {SLOCTL} validate f; exit $?")

    assert ran.stderr == b"sloctl validate: interrupted\n"


def test_a_defect_of_ours_is_no_verdict() -> None:
    broken = "import sys, sloctl.spec as spec; sys.argv = ['sloctl', 'schema']; spec.json_schema = None; "
    ran = subprocess.run(
        [sys.executable, "-c", f"{broken}from sloctl.cli.main import entry_point; entry_point()"],
        capture_output=True,
        check=False,
    )

    assert ran.returncode == 2
    assert b"Traceback" in ran.stderr
