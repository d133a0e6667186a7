"""Say in plain words what an SLO means, with its own numbers.

What one event is, what the budget is, when each alert fires, and how long an outage of 100 %, 10 % and 1 %
takes to page, what it costs by then, and when it is quiet again.

example:
  sloctl explain slos/payments-api.yaml --slo payments-api/availability
  sloctl explain slos/payments-api.yaml --per-second 40      with counts of events too
  sloctl explain slos --effective                            each value, and the line it comes from
"""

import argparse
import sys

from sloctl.cli.arguments import add_output_format, add_per_second, add_slo_choice, add_specs
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND
from sloctl.cli.spec_arguments import parse_valid_specs, read_spec_texts, reading_options, select_slos
from sloctl.explain.effective import find_effective_values, render_effective_json, render_effective_text
from sloctl.explain.json_report import render_json
from sloctl.explain.text_report import render_text
from sloctl.explain.timeline import explain_slo


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_specs(parser)
    add_slo_choice(parser)
    add_per_second(parser)
    parser.add_argument(
        "--effective",
        action="store_true",
        help="list each value that holds for an SLO, and where it was written",
    )
    add_output_format(parser)


def run(arguments: argparse.Namespace) -> int:
    specs = parse_valid_specs(read_spec_texts(arguments.specs), reading_options(arguments))
    if specs is None:
        return PROBLEMS_FOUND
    chosen = select_slos(specs.slos, arguments.slo)
    if arguments.effective:
        wanted = {slo.id for slo in chosen}
        effective = [find_effective_values(each) for each in specs.located if each.slo.id in wanted]
        render = render_effective_json if arguments.output == "json" else render_effective_text
        sys.stdout.write(render(effective))
        return FINE
    explanations = [explain_slo(slo, arguments.per_second) for slo in chosen]
    if arguments.output == "json":
        sys.stdout.write(render_json(explanations))
    else:
        sys.stdout.write("\n\n".join(map(render_text, explanations)))
    return FINE
