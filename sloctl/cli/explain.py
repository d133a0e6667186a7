"""Say in plain words what an SLO means, with its own numbers.

What one event is, what the budget is, when each alert fires, and how long an outage of 100 %, 10 % and 1 %
takes to page, what it costs by then, and when it is quiet again.

example:
  sloctl explain slos/payments-api.yaml --slo payments-api/availability
  sloctl explain slos/payments-api.yaml --per-second 40      with counts of events too
"""

import argparse
import sys

from sloctl.cli.exit import FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.specs import sound_slos, texts
from sloctl.explain.course import explain
from sloctl.explain.document import document
from sloctl.explain.text import text
from sloctl.problems import escape_unprintable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "specs", nargs="+", metavar="SPEC", help="a file, a directory, a glob, or - for standard input"
    )
    parser.add_argument(
        "--slo", metavar="SERVICE/NAME", action="append", help="this one only; repeat it for several"
    )
    parser.add_argument(
        "--per-second",
        metavar="EVENTS",
        type=_positive,
        help="events of one budget a second, to tell budget and floors in events",
    )
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default text")


def run(arguments: argparse.Namespace) -> int:
    slos = sound_slos(texts(arguments.specs))
    if slos is None:
        return PROBLEMS_FOUND
    wanted = arguments.slo or [slo.id for slo in slos]
    if unknown := sorted(set(wanted) - {slo.id for slo in slos}):
        raise CouldNotRun(
            f"no spec has {escape_unprintable(unknown[0])}; there are {', '.join(slo.id for slo in slos)}"
        )
    told = [explain(slo, arguments.per_second) for slo in slos if slo.id in wanted]
    sys.stdout.write(document(told) if arguments.output == "json" else "\n\n".join(map(text, told)))
    return FINE


def _positive(number: str) -> float:
    try:
        events = float(number)
    except ValueError:
        events = 0.0
    if not 0 < events < float("inf"):
        raise argparse.ArgumentTypeError(f"a number of events above 0, got {number!r}")
    return events
