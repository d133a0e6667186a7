"""Say in plain words what an SLO means, with its own numbers.

What one event is, what the budget is, when each alert fires, and how long an outage of 100 %, 10 % and 1 %
takes to page, what it costs by then, and when it is quiet again.

example:
  sloctl explain slos/payments-api.yaml --slo payments-api/availability
  sloctl explain slos/payments-api.yaml --per-second 40      with counts of events too
"""

import argparse
import sys

from sloctl.cli.arguments import add_output_format, add_per_second, add_slo_choice, add_specs
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND
from sloctl.cli.spec_arguments import parse_valid_slos, read_spec_texts, reading_options, select_slos
from sloctl.explain.json_report import render_json
from sloctl.explain.text_report import render_text
from sloctl.explain.timeline import explain_slo


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_specs(parser)
    add_slo_choice(parser)
    add_per_second(parser)
    add_output_format(parser)


def run(arguments: argparse.Namespace) -> int:
    slos = parse_valid_slos(read_spec_texts(arguments.specs), reading_options(arguments))
    if slos is None:
        return PROBLEMS_FOUND
    explanations = [explain_slo(slo, arguments.per_second) for slo in select_slos(slos, arguments.slo)]
    if arguments.output == "json":
        sys.stdout.write(render_json(explanations))
    else:
        sys.stdout.write("\n\n".join(map(render_text, explanations)))
    return FINE
