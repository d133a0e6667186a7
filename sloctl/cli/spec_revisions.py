"""The specs of a git revision, as files would have them."""

import subprocess
from collections.abc import Sequence

from sloctl.cli.exit_codes import CouldNotRun
from sloctl.files import SpecText
from sloctl.problems import escape_unprintable
from sloctl.spec.settings import is_settings_file
from sloctl.spec.yaml_nodes import MAX_BYTES


def read_revision(revision: str, folders: Sequence[str]) -> list[SpecText]:
    """Read the *.yaml and *.yml files below *folders* at *revision*, and every `.sloctl.yaml`."""
    commit = _run_git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        raise CouldNotRun(f"{escape_unprintable(revision)} is no directory and no git revision")
    name = commit.decode().strip()
    listed = _run_git("ls-tree", "-r", "-z", "--name-only", name, "--", *folders) or b""
    above = _run_git("ls-tree", "-r", "-z", "--name-only", name) or b""
    paths = [path for path in listed.decode(errors="surrogateescape").split("\0") if _is_spec(path)]
    paths += [path for path in above.decode(errors="surrogateescape").split("\0") if is_settings_file(path)]
    texts: list[SpecText] = []
    for path in sorted(set(paths)):
        content = _run_git("cat-file", "blob", f"{name}:./{path}")
        if content is not None:
            texts.append((path, content[: MAX_BYTES + 1]))
    if all(is_settings_file(path) for path, _ in texts):
        where = ", ".join(folders)
        raise CouldNotRun(f"{escape_unprintable(revision)} has no spec below {where}: see --path")
    return texts


def _is_spec(path: str) -> bool:
    hidden = any(part.startswith(".") for part in path.split("/"))
    return path.endswith((".yaml", ".yml")) and not hidden


def _run_git(*arguments: str) -> bytes | None:
    """Return what git prints; None where it says no."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell; a revision cannot be an option
            ["git", *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as missing:
        raise CouldNotRun("git is not installed, and a revision was named") from missing
    return done.stdout if done.returncode == 0 else None
