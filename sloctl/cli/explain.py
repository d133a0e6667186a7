"""Say in plain words what an SLO means, with its own numbers.

What one event is, what the budget is, when each alert fires, and how long an outage of 100 %, 10 % and 1 %
takes to page, what it costs by then, and when it is quiet again.

example:
  sloctl explain slos/payments-api.yaml --slo payments-api/availability
  sloctl explain slos/payments-api.yaml --per-second 40      with counts of events too
"""

import argparse
import sys

from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.spec_arguments import parse_valid_slos, read_spec_texts
from sloctl.explain.json_report import render_json
from sloctl.explain.text_report import render_text
from sloctl.explain.timeline import explain_slo
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
        type=_parse_event_rate,
        help="events of one budget a second, to tell budget and floors in events",
    )
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default text")


def run(arguments: argparse.Namespace) -> int:
    slos = parse_valid_slos(read_spec_texts(arguments.specs))
    if slos is None:
        return PROBLEMS_FOUND
    wanted = arguments.slo or [slo.id for slo in slos]
    if unknown := sorted(set(wanted) - {slo.id for slo in slos}):
        raise CouldNotRun(
            f"no spec has {escape_unprintable(unknown[0])}; there are {', '.join(slo.id for slo in slos)}"
        )
    told = [explain_slo(slo, arguments.per_second) for slo in slos if slo.id in wanted]
    sys.stdout.write(render_json(told) if arguments.output == "json" else "\n\n".join(map(render_text, told)))
    return FINE


def _parse_event_rate(number: str) -> float:
    try:
        events = float(number)
    except ValueError:
        events = 0.0
    if not 0 < events < float("inf"):
        raise argparse.ArgumentTypeError(f"a number of events above 0, got {number!r}")
    return events
