"""Say in plain words what an SLO means, with its own numbers.

What one event is, what the budget is, when each alert fires, and how long an outage of 100 %, 10 % and 1 %
takes to page, what it costs by then, and when it is quiet again.

example:
  sloctl explain slos/payments-api.yaml --slo payments-api/availability
  sloctl explain slos/payments-api.yaml --per-second 40      with counts of events too
"""

import argparse
import sys

from sloctl.cli.arguments import add_output_format, add_specs, argument_type
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.spec_arguments import parse_valid_slos, read_spec_texts
from sloctl.explain.json_report import render_json
from sloctl.explain.text_report import render_text
from sloctl.explain.timeline import explain_slo
from sloctl.problems import escape_unprintable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_specs(parser)
    parser.add_argument(
        "--slo", metavar="SERVICE/NAME", action="append", help="this one only; repeat it for several"
    )
    parser.add_argument(
        "--per-second",
        metavar="EVENTS",
        type=argument_type(_parse_event_rate),
        help="events of one budget a second, to tell budget and floors in events",
    )
    add_output_format(parser)


def run(arguments: argparse.Namespace) -> int:
    slos = parse_valid_slos(read_spec_texts(arguments.specs))
    if slos is None:
        return PROBLEMS_FOUND
    wanted = arguments.slo or [slo.id for slo in slos]
    if unknown := sorted(set(wanted) - {slo.id for slo in slos}):
        raise CouldNotRun(
            f"no spec has {escape_unprintable(unknown[0])}; there are {', '.join(slo.id for slo in slos)}"
        )
    explanations = [explain_slo(slo, arguments.per_second) for slo in slos if slo.id in wanted]
    if arguments.output == "json":
        sys.stdout.write(render_json(explanations))
    else:
        sys.stdout.write("\n\n".join(map(render_text, explanations)))
    return FINE


def _parse_event_rate(text: str) -> float:
    try:
        events = float(text)
    except ValueError:
        events = 0.0
    if not 0 < events < float("inf"):
        raise ValueError(f"a number of events above 0, got {text!r}")
    return events
