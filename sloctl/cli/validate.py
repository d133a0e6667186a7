"""Check specs and say, at the right line, what is wrong.

Findings go to standard output, errors and warnings alike; only errors make the exit code 1. Needs no
Prometheus.

example:
  sloctl validate slos                        a directory
  sloctl validate 'teams/*/slo.yaml' -        a glob, and standard input
  sloctl validate slos --output github        annotations in a pull request
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND
from sloctl.cli.spec_arguments import read_spec_texts
from sloctl.problems import Problem, ProblemLevel, escape_unprintable
from sloctl.spec import read_specs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "specs", nargs="+", metavar="SPEC", help="a file, a directory, a glob, or - for standard input"
    )
    parser.add_argument("--output", choices=FORMATS, default="text", help="how findings are written")


def run(arguments: argparse.Namespace) -> int:
    named = read_spec_texts(arguments.specs)
    specs = read_specs(named)
    sys.stdout.write(FORMATS[arguments.output](specs.problems))
    errors = sum(problem.level is ProblemLevel.ERROR for problem in specs.problems)
    warnings = len(specs.problems) - errors
    counts = (_count_noun(len(named), "file"), _count_noun(len(specs.slos), "SLO"), _found(errors, warnings))
    print(", ".join(counts), file=sys.stderr)
    return PROBLEMS_FOUND if errors else FINE


def render_text(problems: Sequence[Problem]) -> str:
    return "".join(f"{problem}\n" for problem in problems)


def render_json(problems: Sequence[Problem]) -> str:
    found = [
        {
            "path": problem.place.path,
            "line": problem.place.line,
            "column": problem.place.column,
            "level": problem.level.value,
            "code": problem.code,
            "message": problem.message,
        }
        for problem in problems
    ]
    return json.dumps(found, indent=2) + "\n"


def render_github(problems: Sequence[Problem]) -> str:
    """Workflow commands: GitHub shows them at the line, in the pull request."""
    return "".join(
        f"::{problem.level.value} file={_property(problem.place.path)},line={problem.place.line},"
        f"col={problem.place.column},title={problem.code}::{_escape_message(problem.message)}\n"
        for problem in problems
    )


def _escape_message(text: str) -> str:
    return escape_unprintable(text).replace("%", "%25")


def _property(text: str) -> str:
    return _escape_message(text).replace(":", "%3A").replace(",", "%2C")


FORMATS: Final[Mapping[str, Callable[[Sequence[Problem]], str]]] = {
    "text": render_text,
    "json": render_json,
    "github": render_github,
}


def _count_noun(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _found(errors: int, warnings: int) -> str:
    found = {"error": errors, "warning": warnings}
    return ", ".join(_count_noun(number, level) for level, number in found.items() if number) or "no problems"
