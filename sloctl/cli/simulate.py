"""Simulate outages of an SLO: when each alert fires, what is spent by then, and when it is quiet again.

Outages are a share of bad events that stays (50%), a ramp to all bad (ramp:1h), or flapping (flap:2m/10m: all
bad for two of every ten minutes). No server is asked.

example:
  sloctl simulate slos/payments-api.yaml --slo payments-api/availability --per-second 40
  sloctl simulate slos/payments-api.yaml --outage 30% --outage ramp:2h -o html > outages.html
"""

import argparse
import sys
from typing import Final

from sloctl.cli.arguments import add_output_format, add_per_second, add_slo_choice, add_specs, argument_type
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND
from sloctl.cli.spec_arguments import (
    parse_valid_slos,
    read_spec_texts,
    reading_options,
    select_slos,
    tell_unheeded_exclusions,
    tell_unheeded_hours,
)
from sloctl.simulate import reports
from sloctl.simulate.outage import simulate_slo
from sloctl.simulate.shapes import DEFAULT_SHAPES, parse_shape

_RENDERERS: Final = {
    "text": reports.render_text,
    "json": reports.render_json,
    "markdown": reports.render_markdown,
    "html": reports.render_html,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_specs(parser)
    add_slo_choice(parser)
    add_per_second(parser)
    parser.add_argument(
        "--outage",
        metavar="SHAPE",
        action="append",
        type=argument_type(parse_shape),
        help="50%%, ramp:1h or flap:2m/10m; repeat it for several. Default: "
        "100%%, 50%%, 10%%, 1%%, ramp:1h, flap:2m/10m",
    )
    add_output_format(parser, _RENDERERS)


def run(arguments: argparse.Namespace) -> int:
    slos = parse_valid_slos(read_spec_texts(arguments.specs), reading_options(arguments))
    if slos is None:
        return PROBLEMS_FOUND
    shapes = tuple(arguments.outage or DEFAULT_SHAPES)
    chosen = select_slos(slos, arguments.slo)
    tell_unheeded_exclusions(chosen, "outages are played")
    tell_unheeded_hours(chosen, "outages are played within service hours that do not end")
    simulations = [simulate_slo(slo, shapes, arguments.per_second) for slo in chosen]
    sys.stdout.write(_RENDERERS[arguments.output](simulations))
    return FINE
