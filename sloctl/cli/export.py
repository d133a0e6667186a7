"""Write specs as OpenSLO (openslo/v1), for tools that read it.

Every indicator becomes a ratio of two queries in PromQL, every row of the alerting policy a policy of its
own; what OpenSLO has no field for stands in annotations sloctl.dev/…. `sloctl` reads the result back as the
SLOs they were.

example:
  sloctl export slos --to openslo                   on standard output
  sloctl export slos --to openslo -d openslo        one file a service
"""

import argparse
import sys

from sloctl import outputs
from sloctl.cli.arguments import add_output_directory, add_specs
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND
from sloctl.cli.spec_arguments import (
    read_spec_texts,
    reading_options,
    tell_unheeded_exclusions,
    tell_unheeded_hours,
)
from sloctl.compiler import Artefact
from sloctl.export.openslo import export_openslo, is_journey
from sloctl.problems import ProblemLevel
from sloctl.spec import read_specs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_specs(parser)
    parser.add_argument("--to", choices=["openslo"], required=True, help="the format")
    add_output_directory(parser, required=False, help_text="write below this directory")


def run(arguments: argparse.Namespace) -> int:
    specs = read_specs(read_spec_texts(arguments.specs), reading_options(arguments))
    print(*specs.problems, sep="\n", end="\n" if specs.problems else "", file=sys.stderr)
    if any(problem.level is ProblemLevel.ERROR for problem in specs.problems):
        return PROBLEMS_FOUND
    tell_unheeded_exclusions(specs.slos, "OpenSLO is written")
    tell_unheeded_hours(specs.slos, "OpenSLO has no service hours, and everything counts in it")
    for journey in (slo for slo in specs.slos if is_journey(slo)):
        print(f"{journey.id} is left out: OpenSLO has no formula for a journey", file=sys.stderr)
    files = export_openslo(specs.located)
    if arguments.output_dir is None:
        sys.stdout.write("---\n".join(file.text for file in files))
        return FINE
    artefacts = [Artefact(f"{file.service}.yaml", file.text) for file in files]
    changed = outputs.write_artefacts(arguments.output_dir, artefacts)
    written = sum(not is_journey(slo) for slo in specs.slos)
    print(f"{written} SLOs, {len(files)} files, {changed} changed", file=sys.stderr)
    return FINE
