"""Check specs and say, at the right line, what is wrong.

Findings go to standard output, each with its line and what it is about underlined; only errors make the exit
code 1, unless --fail-on says otherwise. Needs no Prometheus; with one, specs are held against its data too.

example:
  sloctl validate slos                        a directory
  sloctl validate 'teams/*/slo.yaml' -        a glob, and standard input
  sloctl validate slos -o github              annotations in a pull request
  sloctl validate slos --fail-on warning      stricter
  sloctl validate slos --prometheus http://127.0.0.1:9090
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Final

from sloctl.checks.findings import CheckFinding
from sloctl.checks.review import review_specs
from sloctl.cli.arguments import (
    add_color,
    add_label_style,
    add_output_format,
    add_per_second,
    add_specs,
    argument_type,
    wants_color,
)
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND
from sloctl.cli.server_arguments import add_server_options
from sloctl.cli.spec_arguments import read_spec_texts, reading_options
from sloctl.problem_formats import FORMATS, Sources, load_format
from sloctl.problems import Problem, ProblemLevel, is_at_least
from sloctl.spec import read_specs
from sloctl.spec.settings import is_settings_file

_LEVELS: Final = {level.value: level for level in ProblemLevel}
_NEVER: Final = "never"
# Some twenty-five for an SLO.
_MAX_QUERIES: Final = 5000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_specs(parser)
    add_label_style(parser)
    add_output_format(parser, FORMATS)
    parser.add_argument(
        "--min-severity", choices=_LEVELS, default="note", help="leave out what is less; default note"
    )
    parser.add_argument(
        "--fail-on",
        choices=(*_LEVELS, _NEVER),
        default="error",
        help="exit 1 for this and what is worse, of what is not left out; default error",
    )
    add_per_second(parser)
    parser.add_argument(
        "--prometheus", metavar="URL", help="also hold them against the data of this Prometheus"
    )
    parser.add_argument(
        "--max-queries",
        metavar="N",
        type=argument_type(_parse_limit),
        default=_MAX_QUERIES,
        help=f"ask it no more than this; default {_MAX_QUERIES}",
    )
    add_color(parser)
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    texts = read_spec_texts(arguments.specs)
    options = reading_options(arguments)
    specs = read_specs(texts, options)
    sources = {path: content for path, content in texts if content is not None}
    findings: Sequence[CheckFinding] = ()
    table = ""
    if arguments.prometheus is not None:
        from sloctl.cli.live_review import ask_prometheus, render_results  # noqa: PLC0415 - brings HTTP along

        results = ask_prometheus(specs, arguments)
        findings = [each.finding for each in results if each.finding is not None]
        table = render_results(results)
    found = review_specs(specs, sources, today=options.today, per_second=arguments.per_second, more=findings)
    least = _LEVELS[arguments.min_severity]
    problems = [problem for problem in found if is_at_least(problem.level, least)]
    sys.stdout.write(_render(problems, sources, arguments))
    if table and arguments.output == "text":
        sys.stdout.write(f"\n{table}" if problems else table)
    print(
        _summarize(
            problems,
            file_count=sum(not is_settings_file(path) for path, _ in texts),
            slo_count=len(specs.slos),
        ),
        file=sys.stderr,
    )
    if arguments.fail_on == _NEVER:
        return FINE
    worst = _LEVELS[arguments.fail_on]
    return PROBLEMS_FOUND if any(is_at_least(problem.level, worst) for problem in problems) else FINE


def _render(problems: Sequence[Problem], sources: Sources, arguments: argparse.Namespace) -> str:
    if arguments.output == "text" and wants_color(arguments.color):
        from sloctl.problem_formats.text import render_in_color  # noqa: PLC0415 - most formats need no table of widths

        return render_in_color(problems, sources)
    return load_format(arguments.output).render_problems(problems, sources)


def _summarize(problems: Sequence[Problem], *, file_count: int, slo_count: int) -> str:
    counts = Counter(problem.level for problem in problems)
    found = [_count_noun(counts[level], level.value) for level in ProblemLevel if counts[level]]
    read = [_count_noun(file_count, "file"), _count_noun(slo_count, "SLO")]
    return ", ".join(read + (found or ["no problems"]))


def _parse_limit(text: str) -> int:
    """Parse a number of questions, at least one; raises ValueError."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ValueError(f"a whole number above 0, got {text!r}")
    return int(text)


def _count_noun(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
