"""The action, the hooks and the job that users run in their own repositories, as they are written."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SLOCTL = Path(sys.executable).parent / "sloctl"
# GitHub's own way to run a `shell: bash` step.
BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A user's: a spec and what it compiles into."""
    repository = tmp_path / "repository"
    (repository / "slos").mkdir(parents=True)
    shutil.copy(ROOT / "slos" / "payments-api.yaml", repository / "slos")
    subprocess.run([SLOCTL, "compile", "slos", "-d", "."], cwd=repository, check=True)
    return repository


def action(
    repository: Path, *, specs: str = "slos", output_dir: str = "."
) -> subprocess.CompletedProcess[str]:
    """Its steps up to the first that fails, on a runner where sloctl's dependencies are there already."""
    runner = repository.parent / "runner"
    runner.mkdir()
    (runner / "sloctl").symlink_to(sys.prefix)
    environment = {
        "PATH": os.environ["PATH"],
        "GITHUB_ACTION_PATH": str(ROOT),
        "RUNNER_TEMP": str(runner),
        "SPECS": specs,
        "OUTPUT_DIR": output_dir,
        "STYLE": "slo",
    }
    done = subprocess.CompletedProcess[str]([], 0, "", "")
    for step in yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"][1:]:
        done = subprocess.run(
            [*BASH, step["run"]], cwd=repository, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            break
    return done


def test_a_sound_pull_request_passes(repository: Path) -> None:
    done = action(repository)

    assert (done.returncode, done.stdout) == (0, "")


def test_a_mistake_in_a_spec_is_annotated_at_its_line(repository: Path) -> None:
    spec = repository / "slos" / "payments-api.yaml"
    spec.write_text(spec.read_text().replace("99.95%", "100%"))

    done = action(repository)

    assert done.returncode == 1
    assert done.stdout.startswith("::error file=slos/payments-api.yaml,line=14,col=18,")


def test_a_changed_spec_without_its_rules_is_refused_with_the_difference(repository: Path) -> None:
    spec = repository / "slos" / "payments-api.yaml"
    spec.write_text(spec.read_text().replace("99.95%", "99.9%"))

    done = action(repository)

    assert done.returncode == 1
    assert "--- alerts/payments-api.yaml\n+++ alerts/payments-api.yaml (compiled)" in done.stdout
    assert ". is stale: run the same command without --check and commit" in done.stderr


def test_a_module_of_the_users_repository_is_not_run(repository: Path) -> None:
    (repository / "yaml.py").write_text("raise SystemExit('taken over')\n")

    assert action(repository).returncode == 0


def test_an_input_is_never_part_of_a_script(repository: Path) -> None:
    done = action(repository, specs='slos"; touch taken-over; "')

    assert done.returncode == 2
    assert not (repository / "taken-over").exists()
    assert "${{" not in "".join(
        step["run"] for step in yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    )


@pytest.mark.full
def test_the_action_installs_what_it_needs(tmp_path: Path) -> None:
    install = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"][0]["run"]
    environment = {**os.environ, "GITHUB_ACTION_PATH": str(ROOT), "RUNNER_TEMP": str(tmp_path)}

    subprocess.run([*BASH, install], env=environment, check=True)

    python = [
        str(tmp_path / "sloctl" / "bin" / "python"),
        "-P",
        "-m",
        "sloctl",
        "validate",
        str(ROOT / "slos"),
    ]
    assert subprocess.run(python, env={"PYTHONPATH": str(ROOT)}, check=False).returncode == 0


@pytest.mark.parametrize(
    "hook", yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text()), ids=lambda h: h["id"]
)
def test_a_hook_passes_on_what_is_committed(hook: dict[str, Any], repository: Path) -> None:
    program, *arguments = shlex.split(hook["entry"])
    files = [] if hook.get("pass_filenames") is False else ["slos/payments-api.yaml"]

    done = subprocess.run([SLOCTL.with_name(program), *arguments, *files], cwd=repository, check=False)

    assert done.returncode == 0


def test_the_job_of_gitlab_refuses_what_is_stale(repository: Path) -> None:
    job = yaml.safe_load((ROOT / "deploy" / "gitlab-ci.yml").read_text())["sloctl"]
    script = "\n".join(job["script"]).replace("/tmp/sloctl/bin", str(Path(sys.executable).parent))  # noqa: S108 - the job's own
    (repository / "alerts" / "payments-api.yaml").write_text("groups: []\n")

    done = subprocess.run(
        [*BASH, script],
        cwd=repository,
        env={**os.environ, **job["variables"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "alerts/payments-api.yaml (compiled)" in done.stdout
