"""The reading of specs from wherever they are: files, directories, globs, standard input."""

import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from sloctl.spec.yaml_nodes import MAX_BYTES

STANDARD_INPUT: Final = "-"
_SUFFIXES: Final = (".yaml", ".yml")


class SpecFileError(OSError):
    """A spec file that was named and cannot be read; the message says which, and why."""


def read_spec_files(arguments: Sequence[str], stdin: BinaryIO) -> list[tuple[str, bytes]]:
    """Read the (path, content) of every file that *arguments* name, each once, in order of path.

    A directory stands for the *.yaml and *.yml files below it, hidden ones aside. A content may be one byte
    longer than a spec can be, never more. Raises SpecFileError for what does not exist or matches nothing.
    """
    texts: dict[str, bytes] = {}
    for argument in arguments:
        if argument == STANDARD_INPUT:
            try:
                texts.setdefault("<stdin>", stdin.read(MAX_BYTES + 1))
            except OSError as error:
                raise SpecFileError(f"standard input: {error.strerror}") from error
            continue
        for path in _find_paths(argument):
            try:
                with path.open("rb") as file:
                    texts.setdefault(os.path.normpath(path), file.read(MAX_BYTES + 1))
            except OSError as error:
                raise SpecFileError(f"{path}: {error.strerror}") from error
    return sorted(texts.items())


def _find_paths(argument: str) -> list[Path]:
    """List the files that *argument* names; raises SpecFileError where a directory or glob has none."""
    named = Path(argument)
    if named.is_dir():
        paths, otherwise = [], "no *.yaml or *.yml file in it"
        for root, directories, files in os.walk(named):
            # Hidden directories hold what tools keep there; a mounted ConfigMap has its old versions in them.
            directories[:] = [name for name in directories if not name.startswith(".")]
            visible = [name for name in files if not name.startswith(".")]
            paths += [Path(root, name) for name in visible if name.endswith(_SUFFIXES)]
    elif glob.has_magic(argument) and not named.exists():
        otherwise = "no file matches"
        matches = map(Path, glob.glob(argument, recursive=True))
        paths = [path for path in matches if path.is_file()]
    else:
        return [named]
    if not paths:
        raise SpecFileError(f"{argument}: {otherwise}")
    return sorted(paths)
