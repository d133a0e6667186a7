"""The reading of specs from wherever they are: files, directories, globs, standard input."""

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from sloctl.spec.settings import SETTINGS_FILE
from sloctl.spec.yaml_nodes import MAX_BYTES

STANDARD_INPUT: Final = "-"
SPEC_SUFFIXES: Final = (".yaml", ".yml", ".json")
# What a folder has beside specs is often JSON too: dashboards, the schema itself.
_JSON_SPEC: Final = re.compile(rb'"apiVersion"\s*:\s*"')

# The (path, content) of a file; no content where it is a FIFO, a socket or a device, which nobody named.
SpecText: TypeAlias = tuple[str, bytes | None]


class SpecFileError(OSError):
    """A spec file that was named and cannot be read; the message says which, and why."""


def read_spec_files(arguments: Sequence[str], stdin: BinaryIO | None = None) -> list[SpecText]:
    """Read the (path, content) of every file that *arguments* name, each once, in order of path.

    A directory stands for the *.yaml and *.yml files below it and the *.json files that are specs, hidden
    ones aside, links followed. The `.sloctl.yaml` that holds for a file is read with it. A content may be
    one byte longer than a spec can be, never more. `-` stands for *stdin*. Raises SpecFileError for what does
    not exist or matches nothing.
    """
    texts: dict[str, SpecText] = {}
    for argument in arguments:
        if argument == STANDARD_INPUT and stdin is not None:
            try:
                texts.setdefault(STANDARD_INPUT, ("<stdin>", stdin.read(MAX_BYTES + 1)))
            except OSError as error:
                raise SpecFileError(f"standard input: {error.strerror}") from error
            continue
        for path, content in _read_named(argument):
            # A file has as many names as links lead to it.
            texts.setdefault(os.path.realpath(path), (os.path.normpath(path), content))
    for settings in list(_find_settings(path for path, _ in texts.values())):
        texts.setdefault(os.path.realpath(settings), (settings, _read_content(Path(settings))))
    return sorted(texts.values())


def _find_settings(paths: Iterable[str]) -> Iterator[str]:
    """Find the settings above each file: the nearest up to the root of its repository, or of the disk."""
    seen: set[str] = set()
    for path in paths:
        folder = os.path.dirname(path)
        while folder not in seen:
            seen.add(folder)
            settings = os.path.join(folder, SETTINGS_FILE)
            if os.path.isfile(settings):
                yield settings
                break
            if os.path.exists(os.path.join(folder, ".git")) or os.path.realpath(folder or ".") == "/":
                break
            above = folder.split("/")[-1] in {"", ".."}
            folder = os.path.join(folder, "..") if above else os.path.dirname(folder)


def is_read_once(path: str) -> bool:
    """Return whether what was read at *path* cannot be read again: it came through a pipe."""
    is_ordinary = os.path.isfile(path) or os.path.isdir(path)
    return path == "<stdin>" or (os.path.exists(path) and not is_ordinary)


def _read_named(argument: str) -> list[tuple[Path, bytes | None]]:
    """Read the files that *argument* names; raises SpecFileError where a directory or glob has none."""
    named = Path(argument)
    if named.is_dir():
        otherwise = "no *.yaml, *.yml or *.json spec in it"
        texts = [(path, _read_found(path)) for path in _find_below(named)]
        texts = [
            (path, content)
            for path, content in texts
            if content is None or path.suffix != ".json" or _JSON_SPEC.search(content)
        ]
    elif glob.has_magic(argument) and not named.exists():
        otherwise = "no file matches"
        matches = map(Path, glob.glob(argument, recursive=True))
        texts = [(path, _read_found(path)) for path in sorted(matches) if not path.is_dir()]
    else:
        return [(named, _read_content(named))]
    if not texts:
        raise SpecFileError(f"{argument}: {otherwise}")
    return texts


def _find_below(directory: Path) -> Iterator[Path]:
    """Find the files below *directory* that may be specs; each directory once, however links lead to it."""
    visited: set[str] = set()
    # A directory's own name comes before those of links to it.
    pending = [(False, directory)]
    while pending:
        _, folder = heappop(pending)
        if (real := os.path.realpath(folder)) in visited:
            continue
        visited.add(real)
        try:
            names = sorted(os.listdir(folder))
        except OSError as error:
            raise SpecFileError(f"{folder}: {error.strerror}") from error
        # Hidden directories hold what tools keep there; a mounted ConfigMap has its old versions in them.
        for path in (folder / name for name in names if not name.startswith(".")):
            if path.is_dir():
                heappush(pending, (path.is_symlink(), path))
            elif path.name.endswith(SPEC_SUFFIXES):
                yield path


def _read_found(path: Path) -> bytes | None:
    """Read a file that was found and not named; None where reading it might never end."""
    return _read_content(path) if path.is_file() or not path.exists() else None


def _read_content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        near = _name_near_file(path) if isinstance(error, FileNotFoundError) else ""
        raise SpecFileError(f"{path}: {error.strerror}{near}") from error


def _name_near_file(path: Path) -> str:
    """Return `: did you mean x.yaml?` where the same directory has such a file, else an empty text."""
    from sloctl.spec.messages import did_you_mean  # noqa: PLC0415 - only a misspelling pays for it

    try:
        names = sorted(os.listdir(path.parent))
    except OSError:
        return ""
    # Not by their endings, which are alike.
    near = [name for name in names if did_you_mean(path.stem, [Path(name).stem])]
    return did_you_mean(path.name, near)
