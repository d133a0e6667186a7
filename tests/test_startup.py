"""Start-up is a feature: what the quick commands must not import."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
SLOW: Final = {
    "aiohttp",
    "asyncio",
    "jinja2",
    "jsonschema",
    "numpy",
    "opentelemetry",
    "prometheus_client",
    "requests",
}
COMMANDS: Final = [
    ["--help"],
    ["compile", "--help"],
    ["compile", "slos", "-d", "OUT"],
    ["validate", "slos"],
    ["schema"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_quick_command_imports_nothing_slow(tmp_path: Path, command: list[str]) -> None:
    arguments = [str(tmp_path) if argument == "OUT" else argument for argument in command]

    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "sloctl", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert imported(done.stderr) & SLOW == set()


def imported(importtime: str) -> set[str]:
    """Top-level modules, from lines like `import time:   123 |   456 |   yaml.reader`."""
    lines = [line for line in importtime.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
