"""The Dockerfile: what it promises, and that its steps work where there is no container engine."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Figure
from tests.helm.chart import ROOT, only, values

TEXT = (ROOT / "Dockerfile").read_text()
# Instructions, one a line, without comments.
INSTRUCTIONS = [
    re.sub(r"\s+", " ", line)
    for line in re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    if line.strip()
]
LAST_STAGE = INSTRUCTIONS[max(i for i, line in enumerate(INSTRUCTIONS) if line.startswith("FROM")) :]

KEPT = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]


def test_every_base_can_be_pinned_by_an_argument() -> None:
    bases = [line.split()[1] for line in INSTRUCTIONS if line.startswith("FROM")]

    assert bases == ["${BUILD_IMAGE}", "${RUN_IMAGE}"]


def test_the_last_stage_runs_nothing_and_copies_one_directory() -> None:
    assert [line for line in LAST_STAGE if line.startswith("RUN")] == []
    assert [line for line in LAST_STAGE if line.startswith(("COPY", "ADD"))] == [
        "COPY --from=build /opt/sloctl /opt/sloctl"
    ]


def test_it_runs_as_the_user_that_the_chart_names() -> None:
    pod = only("Deployment", values("minimal"))["spec"]["template"]["spec"]

    assert f"USER {pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" in LAST_STAGE


def test_only_what_the_wheel_is_built_of_is_sent_to_the_builder() -> None:
    assert KEPT == ["sloctl", "requirements/sidecar.txt", "pyproject.toml", "README.md", "LICENSE"]


@pytest.mark.full
def test_the_steps_of_the_build_lead_to_a_sloctl_without_pip(tmp_path: Path, figure: Figure) -> None:
    for kept in KEPT:
        into = tmp_path / "src" / kept
        into.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / kept).is_dir():
            shutil.copytree(ROOT / kept, into, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / kept, into)
    steps = [
        line.removeprefix("RUN ") for line in INSTRUCTIONS if line.startswith("RUN") and "apt-get" not in line
    ]

    for step in steps:
        here = re.sub(r"(?<![\w.])/(build|wheels|src|opt/sloctl)\b", rf"{tmp_path}/\1", step)
        subprocess.run(["/bin/sh", "-euc", here.replace("python3.11", "python3")], check=True)

    installed = tmp_path / "opt" / "sloctl"
    assert sorted(file.name for file in installed.glob("lib/python3*/site-packages/[!_]*.dist-info"))
    assert list(installed.rglob("pip")) == []
    assert list(installed.rglob("hatchling")) == []
    size = sum(
        file.stat().st_size for file in installed.rglob("*") if file.is_file() and not file.is_symlink()
    )
    figure(f"/opt/sloctl of the image: {size / 1e6:.0f} MB")
