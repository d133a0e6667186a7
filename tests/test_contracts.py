"""The import contracts of pyproject.toml, each broken on purpose in a copy of the package."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]

# A contract, a file of ours, and an import that must not stand in it.
VIOLATIONS: Final = [
    ("floors", "model.py", "import sloctl.promql"),
    ("floors", "slo/resolutions.py", "import sloctl.spec"),
    ("floors", "compiler.py", "import sloctl.sidecar"),
    ("floors", "utils.py", "import sloctl.model"),
    ("sidecar-floors", "sidecar/notify/annotations.py", "import sloctl.sidecar.http.options"),
    ("sidecar-floors", "sidecar/engine/snapshot.py", "import sloctl.sidecar.store.store_rows"),
    ("sidecar-floors", "sidecar/sources/factories.py", "import sloctl.sidecar.config.options"),
    ("sidecar-floors", "sidecar/clock.py", "import sloctl.sidecar.component"),
    ("sidecar-floors", "sidecar/utils.py", "import sloctl.model"),
    ("rules-dashboards", "rules/__init__.py", "import sloctl.dashboards"),
    ("rules-dashboards", "dashboards/__init__.py", "import sloctl.rules"),
    ("values", "targets/__init__.py", "import sloctl.spec"),
    ("values", "slo/lowering.py", "import yaml"),
    ("pure", "slo/burn.py", "from time import monotonic"),
    ("pure", "rules/__init__.py", "import random"),
    ("pure", "compiler.py", "import sloctl.files"),
    ("pure", "spec/__init__.py", "from pathlib import Path"),
    ("library", "api.py", "import sloctl.cli.compile"),
    ("library", "outputs.py", "import argparse"),
    ("start-up", "naming.py", "import jinja2"),
    ("start-up", "cli/compile.py", "import sloctl.sidecar.http.application"),
]


@pytest.mark.parametrize(("contract", "file", "line"), VIOLATIONS)
def test_a_forbidden_import_breaks_the_contract_that_forbids_it(
    tmp_path: Path, contract: str, file: str, line: str
) -> None:
    copy_package(tmp_path)
    with (tmp_path / "sloctl" / file).open("a") as module:
        module.write(f"\n{line}\n")

    linted = lint(tmp_path, contract)

    assert linted.returncode == 1, linted.stdout
    assert f"{name(contract)} BROKEN" in linted.stdout


def test_every_contract_has_been_broken_once() -> None:
    assert {contract for contract, _, _ in VIOLATIONS} == {contract["id"] for contract in contracts()}


def test_the_package_as_it_is_keeps_every_contract(tmp_path: Path) -> None:
    copy_package(tmp_path)

    linted = lint(tmp_path)

    assert linted.returncode == 0, linted.stdout


def copy_package(directory: Path) -> None:
    shutil.copytree(ROOT / "sloctl", directory / "sloctl", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", directory)


def lint(directory: Path, *only: str) -> subprocess.CompletedProcess[str]:
    chosen = [f"--contract={contract}" for contract in only]
    program = Path(sys.executable).with_name("lint-imports")
    command = [str(program), "--no-cache", "--no-logo", *chosen]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


def contracts() -> list[dict[str, str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found: list[dict[str, str]] = settings["tool"]["importlinter"]["contracts"]
    return found


def name(contract: str) -> str:
    return next(each["name"] for each in contracts() if each["id"] == contract)
