"""Check specs and say, at the right line, what is wrong.

Findings go to standard output, errors and warnings alike; only errors make the exit code 1. Needs no
Prometheus.

example:
  sloctl validate slos                        a directory
  sloctl validate 'teams/*/slo.yaml' -        a glob, and standard input
  sloctl validate slos -o github              annotations in a pull request
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sloctl.cli.arguments import add_output_format, add_specs
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND
from sloctl.cli.spec_arguments import read_spec_texts
from sloctl.problems import Problem, ProblemLevel, escape_unprintable
from sloctl.spec import read_specs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_specs(parser)
    add_output_format(parser, FORMATS)


def run(arguments: argparse.Namespace) -> int:
    texts = read_spec_texts(arguments.specs)
    specs = read_specs(texts)
    sys.stdout.write(FORMATS[arguments.output](specs.problems))
    counts = Counter(problem.level for problem in specs.problems)
    errors = counts[ProblemLevel.ERROR]
    found = [_count_noun(counts[level], level.value) for level in ProblemLevel if counts[level]] or [
        "no problems"
    ]
    read = [_count_noun(len(texts), "file"), _count_noun(len(specs.slos), "SLO")]
    print(", ".join(read + found), file=sys.stderr)
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
    """Render workflow commands, which GitHub shows at the line in the pull request."""
    commands = []
    for problem in problems:
        place = problem.place
        path = _escape_message(place.path).replace(":", "%3A").replace(",", "%2C")
        where = f"file={path},line={place.line},col={place.column},title={problem.code}"
        level = "notice" if problem.level is ProblemLevel.NOTE else problem.level.value
        commands.append(f"::{level} {where}::{_escape_message(problem.message)}\n")
    return "".join(commands)


def _escape_message(text: str) -> str:
    return escape_unprintable(text).replace("%", "%25")


FORMATS: Final[Mapping[str, Callable[[Sequence[Problem]], str]]] = {
    "text": render_text,
    "json": render_json,
    "github": render_github,
}


def _count_noun(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
