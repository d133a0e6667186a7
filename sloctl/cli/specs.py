"""Specs as a command line names them: read, or told what is wrong with them."""

import sys
from collections.abc import Sequence

from sloctl.cli.exit import CouldNotRun
from sloctl.files import Unreadable, spec_texts
from sloctl.model import Slo
from sloctl.problems import Level, printable
from sloctl.spec import read


def texts(paths: Sequence[str]) -> list[tuple[str, bytes]]:
    """The (path, content) of every file; raises CouldNotRun for what cannot be read."""
    try:
        return spec_texts(paths, sys.stdin.buffer)
    except Unreadable as unreadable:
        raise CouldNotRun(printable(str(unreadable))) from unreadable


def sound_slos(spec_files: Sequence[tuple[str, bytes]]) -> tuple[Slo, ...] | None:
    """The SLOs, after telling every problem on standard error; None when one of them is an error."""
    specs = read(spec_files)
    for problem in specs.problems:
        print(problem, file=sys.stderr)
    if any(problem.level is Level.ERROR for problem in specs.problems):
        return None
    return specs.slos
