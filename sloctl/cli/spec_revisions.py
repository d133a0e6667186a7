"""The specs of a git revision, as files would have them."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from sloctl.cli.exit_codes import CouldNotRun
from sloctl.files import SPEC_SUFFIXES, SpecText
from sloctl.problems import escape_unprintable
from sloctl.spec.settings import is_settings_file
from sloctl.spec.yaml_nodes import MAX_BYTES


def read_revision(revision: str, paths: Sequence[str]) -> list[SpecText] | None:
    """Read the files and directories of *paths* as they were at *revision*, and the settings above them.

    None where git knows no such revision. Raises CouldNotRun where it has no spec there.
    """
    texts: dict[str, bytes] = {}
    settings: dict[str, bytes] = {}
    for path in paths:
        folder = _nearest_directory(path)
        commit = _run_git(
            folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        )
        if commit is None:
            return None
        name = commit.decode().strip()
        asked = os.path.relpath(path, folder)
        for listed in _list_files(folder, name, "--", asked):
            if listed == asked or _is_spec(listed):
                texts.update(_read_blob(folder, name, f"./{listed}", named=listed))
        root = (_run_git(folder, "rev-parse", "--show-cdup") or b"").decode().strip()
        for listed in _list_files(folder, name, "--full-tree"):
            if is_settings_file(listed):
                settings.update(_read_blob(folder, name, listed, named=os.path.join(root, listed)))
    if not texts:
        raise CouldNotRun(escape_unprintable(f"{revision} has no spec in {', '.join(paths)}"))
    above = {str(parent) for path in texts for parent in Path(path).parents}
    texts |= {path: content for path, content in settings.items() if str(Path(path).parent) in above}
    return sorted(texts.items())


def _nearest_directory(path: str) -> str:
    """Return a directory that is there now, at or above *path*: git is asked in it."""
    return next(str(folder) for folder in (Path(path), *Path(path).parents) if folder.is_dir())


def _list_files(folder: str, commit: str, *where: str) -> Iterator[str]:
    listed = _run_git(folder, "ls-tree", "-r", "-z", "--name-only", commit, *where) or b""
    yield from filter(None, listed.decode(errors="surrogateescape").split("\0"))


def _read_blob(folder: str, commit: str, path: str, *, named: str) -> Iterator[tuple[str, bytes]]:
    """Read one file by what it is called from *folder*; nothing of what is no file, as a submodule."""
    content = _run_git(folder, "cat-file", "blob", f"{commit}:{path}")
    if content is not None:
        yield os.path.normpath(os.path.join(folder, named)), content[: MAX_BYTES + 1]


def _is_spec(path: str) -> bool:
    hidden = any(part.startswith(".") for part in path.split("/"))
    return path.endswith(SPEC_SUFFIXES) and not hidden


def _run_git(folder: str, *arguments: str) -> bytes | None:
    """Return what git prints; None where it says no."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell; a revision cannot be an option
            ["git", "-C", folder, *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as missing:
        raise CouldNotRun("git is not installed, and a revision was named") from missing
    return done.stdout if done.returncode == 0 else None
