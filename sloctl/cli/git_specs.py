"""Spec files as they were at a revision of the git repository that holds them."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from sloctl.cli.exit_codes import CouldNotRun
from sloctl.files import SpecText
from sloctl.problems import escape_unprintable

_SUFFIXES = (".yaml", ".yml", ".json")


def read_specs_at(revision: str, paths: Sequence[str]) -> list[SpecText]:
    """Read the files and directories of *paths* at *revision*; raises CouldNotRun where git cannot."""
    texts: dict[str, SpecText] = {}
    for path in map(Path, paths):
        directory = path if path.is_dir() else path.parent
        listed = run_git(
            directory,
            "ls-tree",
            "-r",
            "-z",
            "--name-only",
            "--end-of-options",
            revision,
            "--",
            "." if path.is_dir() else path.name,
        )
        for name in filter(None, listed.decode().split("\0")):
            if name.endswith(_SUFFIXES):
                content = run_git(directory, "show", "--end-of-options", f"{revision}:./{name}")
                texts[str(directory / name)] = (f"{revision}:{directory / name}", content)
    if not texts:
        raise CouldNotRun(escape_unprintable(f"{revision} has none of {', '.join(paths)}"))
    return sorted(texts.values())


def run_git(directory: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and git is told where its options end
            ["git", "-C", str(directory), *arguments],  # noqa: S607 - whichever git the user has
            capture_output=True,
            check=False,
        )
    except OSError as missing:
        raise CouldNotRun(f"git: {missing.strerror}") from missing
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise CouldNotRun(escape_unprintable(f"git: {reason.removeprefix('fatal: ')}"))
    return done.stdout
