"""Real parts that cannot be fetched: CI fails, and a laptop says which tests it will skip."""

import shutil
import subprocess
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[1] / "tools" / "real-parts"
NEEDED = ("cat", "env", "grep", "id", "mktemp", "rm", "sh", "sort", "tee", "tr", "chmod")


def fetch_parts(directory: Path, *, package_manager: str, **environment: str) -> tuple[int, str]:
    """Run the tool where no part is there, and this is apt-get; give its exit code and its last line."""
    for name in NEEDED:
        found = shutil.which(name)
        assert found is not None
        (directory / name).symlink_to(found)
    if package_manager:
        manager = directory / "apt-get"
        manager.write_text(f"#!/bin/sh\n{package_manager}\n")
        manager.chmod(0o755)
        sudo = directory / "sudo"
        sudo.write_text("#!/bin/sh\nexit 1\n")
        sudo.chmod(0o755)
    done = subprocess.run(
        [TOOL],
        env={"PATH": str(directory), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr.splitlines()[-1]


MISSING = "missing real parts, whose tests will be skipped: prometheus promtool alertmanager amtool chromium"


@pytest.mark.parametrize(
    ("environment", "code"), [({"CI": "true"}, 1), ({"CI": ""}, 0), ({}, 0)], ids=["ci", "empty", "laptop"]
)
@pytest.mark.skipif(not Path("/usr/sbin/policy-rc.d").exists(), reason="root would have it written")
def test_a_part_that_could_not_be_fetched_fails_ci(
    environment: dict[str, str], code: int, tmp_path: Path
) -> None:
    broken = "echo E: Unable to fetch >&2; exit 100"

    assert fetch_parts(tmp_path, package_manager=broken, **environment) == (code, MISSING)


def test_where_no_distribution_gives_a_part_it_is_named_alone(tmp_path: Path) -> None:
    assert fetch_parts(tmp_path, package_manager="", CI="true") == (0, MISSING)
