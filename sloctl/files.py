"""Reading specs from wherever they are: files, directories, globs, standard input."""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from sloctl.spec.yaml_nodes import MAX_BYTES

STANDARD_INPUT: Final = "-"
_SUFFIXES: Final = (".yaml", ".yml")


class SpecFileError(OSError):
    """A spec that was named cannot be read; the message says which, and why."""


def read_spec_files(arguments: Sequence[str], stdin: BinaryIO) -> list[tuple[str, bytes]]:
    """The (path, content) of every file that *arguments* name, each once, in order of path.

    A directory stands for the *.yaml and *.yml files below it, hidden ones aside. A content may be one byte
    longer than a spec can be, never more. Raises Unreadable for what does not exist and what matches nothing.
    """
    texts: dict[str, bytes] = {}
    for argument in arguments:
        if argument == STANDARD_INPUT:
            texts.setdefault("<stdin>", stdin.read(MAX_BYTES + 1))
            continue
        for path in _find_paths(argument):
            texts.setdefault(os.path.normpath(path), _content(path))
    return sorted(texts.items())


def _find_paths(argument: str) -> list[Path]:
    named = Path(argument)
    if named.is_dir():
        return _some(sorted(_below(named)), argument, "no *.yaml or *.yml file in it")
    if glob.has_magic(argument) and not named.exists():
        matches = (Path(match) for match in sorted(glob.glob(argument, recursive=True)))
        return _some([path for path in matches if path.is_file()], argument, "no file matches")
    return [named]


def _some(paths: list[Path], argument: str, otherwise: str) -> list[Path]:
    if not paths:
        raise SpecFileError(f"{argument}: {otherwise}")
    return paths


def _below(directory: Path) -> Iterator[Path]:
    # Hidden directories hold what tools keep there; a mounted ConfigMap has its old versions in them.
    for root, directories, files in os.walk(directory):
        directories[:] = [name for name in directories if not name.startswith(".")]
        yield from (
            Path(root, name) for name in files if name.endswith(_SUFFIXES) and not name.startswith(".")
        )


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpecFileError(f"{path}: {error.strerror}") from error
