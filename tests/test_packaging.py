"""The wheel, installed beside the locked base dependencies and nothing else."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
SPEC: Final = """
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  slos:
    - name: availability
      objective: 99.9%
      indicator:
        ratio: {error: 'http_requests_total{code=~"5.."}', total: http_requests_total}
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """sloctl's wheel, built from this checkout."""
    directory = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(directory), str(ROOT))
    [built] = directory.glob("sloctl-*.whl")
    return built


@pytest.fixture(scope="module")
def sloctl(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """The command, in a virtual environment with only what the compiler needs."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = ["--python", str(environment / "bin" / "python"), "install"]
    pip(*python, "--require-hashes", "-r", str(ROOT / "requirements" / "base.txt"))
    pip(*python, "--no-deps", str(wheel))
    return environment / "bin" / "sloctl"


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("sloctl/")}

    assert packed == {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "sloctl").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_an_installed_sloctl_shows_its_help_and_version(sloctl: Path) -> None:
    overview = run(sloctl, "--help")
    version = run(sloctl, "--version")

    assert overview.returncode == 0
    assert "sloctl compile slos -d ." in overview.stdout
    assert version.stdout == "sloctl 0.1.0\n"


def test_an_installed_sloctl_compiles_without_the_sidecar_s_libraries(sloctl: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(SPEC)

    compiled = run(sloctl, "compile", "shop.yaml", "-d", ".", directory=tmp_path)

    assert compiled.returncode == 0, compiled.stderr
    assert (tmp_path / "alerts" / "shop.yaml").exists()
    assert (tmp_path / "dashboards" / "shop.json").exists()


def test_an_installed_sloctl_without_the_extra_says_what_the_sidecar_needs(
    sloctl: Path, tmp_path: Path
) -> None:
    (tmp_path / "shop.yaml").write_text(SPEC)

    refused = run(
        sloctl, "sidecar", "shop.yaml", "--target", "http://127.0.0.1:1/metrics", directory=tmp_path
    )

    assert refused.returncode == 2
    assert "pip install 'sloctl[sidecar]'" in refused.stderr


def test_an_installed_sloctl_without_the_extra_says_what_agents_need(sloctl: Path, tmp_path: Path) -> None:
    refused = run(sloctl, "mcp", "--sidecar", "http://127.0.0.1:9464", directory=tmp_path)

    assert refused.returncode == 2
    assert refused.stderr == "sloctl mcp: pydantic is not installed: pip install 'sloctl[mcp]'\n"


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def run(program: Path, *arguments: str, directory: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [str(program), *arguments]
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
