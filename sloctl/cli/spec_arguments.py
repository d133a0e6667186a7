"""The specs that a command line names, read and parsed."""

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Final

from sloctl.cli.exit_codes import CouldNotRun
from sloctl.files import SpecFileError, SpecText, read_spec_files
from sloctl.model import Slo
from sloctl.naming import LABEL_STYLES
from sloctl.problems import ProblemLevel, escape_unprintable
from sloctl.spec import ParsedSpecs, ReadingOptions, read_specs
from sloctl.spec.messages import did_you_mean
from sloctl.timestamps import format_day

_DEFAULT_OPTIONS: Final = ReadingOptions()


def read_spec_texts(paths: Sequence[str]) -> list[SpecText]:
    """Read the (path, content) of every file; raises CouldNotRun for one that cannot be read."""
    try:
        return read_spec_files(paths, sys.stdin.buffer)
    except SpecFileError as unreadable:
        raise CouldNotRun(escape_unprintable(str(unreadable))) from unreadable


def reading_options(arguments: argparse.Namespace) -> ReadingOptions:
    """Return what a command line says about how specs are read."""
    style = LABEL_STYLES[getattr(arguments, "label_style", "slo")]
    defaults = ReadingOptions(style)
    return ReadingOptions(
        style,
        getattr(arguments, "sloth_period", defaults.sloth_period),
        lenient=getattr(arguments, "lenient", False),
        today=current_day(),
    )


def parse_valid_slos(
    spec_files: Sequence[SpecText], options: ReadingOptions = _DEFAULT_OPTIONS
) -> tuple[Slo, ...] | None:
    """Parse the SLOs as `parse_valid_specs` does; None when there is an error."""
    specs = parse_valid_specs(spec_files, options)
    return None if specs is None else specs.slos


def parse_valid_specs(
    spec_files: Sequence[SpecText], options: ReadingOptions = _DEFAULT_OPTIONS
) -> ParsedSpecs | None:
    """Parse specs and print problems on standard error; None when one of them is an error.

    Notes on how other tools' specs were understood are counted: `sloctl validate` shows them.
    """
    specs = read_specs(spec_files, options)
    notes = sum(problem.level is ProblemLevel.NOTE for problem in specs.problems)
    for problem in specs.problems:
        if problem.level is not ProblemLevel.NOTE:
            print(problem, file=sys.stderr)
    if notes:
        print(f"{notes} notes on what was understood: sloctl validate shows them", file=sys.stderr)
    if any(problem.level is ProblemLevel.ERROR for problem in specs.problems):
        return None
    return specs


def tell_unheeded_exclusions(slos: Iterable[Slo], what: str) -> None:
    """Say in one line on standard error that *what* a command shows counts excluded times too."""
    _tell_of_some(f"{what} as if nothing were excluded, also of ", [slo for slo in slos if slo.exclusions])


def tell_unheeded_hours(slos: Iterable[Slo], what: str) -> None:
    """Say in one line on standard error what a command does with SLOs that have service hours."""
    _tell_of_some(f"{what}: ", [slo for slo in slos if slo.active_hours])


def _tell_of_some(what: str, slos: Sequence[Slo]) -> None:
    """Print *what* and the first few of *slos*, nothing where there are none."""
    if named := sorted(slo.id for slo in slos):
        more = ", ..." if named[3:] else ""
        print(f"{what}{escape_unprintable(', '.join(named[:3]))}{more}", file=sys.stderr)


def select_slos(slos: Sequence[Slo], wanted: Sequence[str] | None) -> list[Slo]:
    """Keep the SLOs of these ids, all where none is named; raises CouldNotRun for one that no spec has."""
    ids = wanted or [slo.id for slo in slos]
    if unknown := sorted(set(ids) - {slo.id for slo in slos}):
        known = [slo.id for slo in slos]
        hint = did_you_mean(unknown[0], known) or f"; there are {', '.join(known)}"
        raise CouldNotRun(f"no spec has {escape_unprintable(unknown[0])}{hint}")
    return [slo for slo in slos if slo.id in ids]


def current_day() -> str:
    """Return the day in UTC, so that a comment which holds until one ends everywhere at once."""
    return format_day(time.time())
