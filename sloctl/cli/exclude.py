"""Exclude a time from an SLO: an incident that was nobody's fault, a maintenance that is agreed.

It is written below the others of an exclusions file, whose comments stay; a file that is not there yet is
begun. Compile and commit afterwards. Without --from it is a budget reset: everything before --until.

example:
  sloctl exclude payments-api/availability --from 2026-11-21T10:00:00Z --until 2026-11-21T11:00:00Z \\
      --reason "Card network down, see the provider's report." --by anna --link https://status.example.com/42
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.spec_arguments import current_day, read_spec_texts, select_slos
from sloctl.problems import ProblemLevel
from sloctl.spec import ReadingOptions, count_exclusions, exclusions_indent, read_specs

_DEFAULT_FILE: Final = "slos/exclusions.yaml"
_NEW_FILE: Final = """\
apiVersion: sloctl.dev/v1
kind: Exclusions
metadata: {name: exclusions}
spec:
  exclusions:
"""
_NEW_INDENT: Final = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slo", metavar="SLO", help="service/name")
    parser.add_argument("--from", dest="begin", metavar="MOMENT", help="like 2026-11-21T10:00:00Z")
    parser.add_argument("--until", metavar="MOMENT", required=True, help="like 2026-11-21T11:00:00Z")
    parser.add_argument("--reason", metavar="TEXT", required=True, help="why, for all who see the numbers")
    parser.add_argument("--by", metavar="WHO", help="who decided it")
    parser.add_argument("--link", metavar="URL", help="where to read more")
    parser.add_argument("--count-good", action="store_true", help="all events count, none as bad")
    parser.add_argument(
        "--file",
        metavar="FILE",
        type=Path,
        default=Path(_DEFAULT_FILE),
        help=f"of kind Exclusions, beside the specs; default {_DEFAULT_FILE}",
    )


def run(arguments: argparse.Namespace) -> int:
    file: Path = arguments.file
    before = file.read_bytes() if file.exists() else _NEW_FILE.encode()
    beside = [
        (path, content)
        for path, content in read_spec_texts([str(file.parent)])
        if not file.exists() or not Path(path).samefile(file)
    ]
    options = ReadingOptions(today=current_day())
    slos = read_specs(beside, options).slos
    select_slos(slos, [arguments.slo])
    known = count_exclusions(str(file), before) if file.exists() else 0
    indent = exclusions_indent(str(file), before) if file.exists() else _NEW_INDENT
    text = _exclusion_text(arguments)
    after = b"" if indent is None else _append_lines(before, text, indent)
    if indent is None or known is None or count_exclusions(str(file), after) != known + 1:
        raise CouldNotRun(f"{file}: its list of exclusions is not at its end; add this to it:\n{text}")
    problems = [
        problem
        for problem in read_specs([*beside, (str(file), after)], options).problems
        if problem.place.path == str(file) and problem.place.line > before.count(b"\n")
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    if any(problem.level is ProblemLevel.ERROR for problem in problems):
        return PROBLEMS_FOUND
    file.write_bytes(after)
    print(f"{file}: {arguments.slo} has one exclusion more; compile and commit", file=sys.stderr)
    return FINE


def _exclusion_text(arguments: argparse.Namespace) -> str:
    """Write one item of the list; any text in quotes, which YAML reads as JSON does."""
    service, _, name = arguments.slo.partition("/")
    fields = {
        "reason": json.dumps(arguments.reason, ensure_ascii=False),
        "match": f"{{service: {service}, name: {name}}}",
        "from": arguments.begin and json.dumps(arguments.begin),
        "until": json.dumps(arguments.until),
        "count": arguments.count_good and "good",
        "by": arguments.by and json.dumps(arguments.by, ensure_ascii=False),
        "link": arguments.link and json.dumps(arguments.link, ensure_ascii=False),
    }
    lines = [f"{key}: {value}" for key, value in fields.items() if value]
    return "".join(f"{'  ' if number else '- '}{line}\n" for number, line in enumerate(lines))


def _append_lines(before: bytes, text: str, indent: int) -> bytes:
    ending = b"" if before.endswith(b"\n") else b"\n"
    return before + ending + "".join(f"{' ' * indent}{line}\n" for line in text.splitlines()).encode()
