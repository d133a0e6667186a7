"""Turn specs into Prometheus rules and Grafana dashboards.

Rules go to DIR/alerts, dashboards to DIR/dashboards, inhibition rules to DIR/alertmanager;
without -o the rules are printed. One bad spec and nothing is written. For the Prometheus operator
rules and dashboards become objects of Kubernetes in DIR/manifests, with a kustomization.

example:
  sloctl compile slos -o .            write ./alerts/*.yaml and ./dashboards/*.json
  sloctl compile slos -o . --check    in CI: exit 1 and show a diff when they are stale
  sloctl compile slos -o . --target operator
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sloctl import outputs
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.spec_arguments import parse_valid_slos, read_spec_texts
from sloctl.compiler import compile_artefacts, compile_manifests, compile_rules
from sloctl.naming import LABEL_STYLES

_TARGETS: Final = {"prometheus": compile_artefacts, "operator": compile_manifests}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "specs", nargs="+", metavar="SPEC", help="a file, a directory, a glob, or - for standard input"
    )
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, help="write below this directory")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when DIR is stale")
    parser.add_argument(
        "--target", choices=_TARGETS, default="prometheus", help="what reads them; default prometheus"
    )
    parser.add_argument(
        "--label-style",
        choices=LABEL_STYLES,
        default="slo",
        help="label names of the series: slo_id … (default), or Sloth's own",
    )


def run(arguments: argparse.Namespace) -> int:
    if arguments.check and arguments.output is None:
        raise CouldNotRun("--check compares with a directory: name it with -o")
    slos = parse_valid_slos(read_spec_texts(arguments.specs))
    if slos is None:
        return PROBLEMS_FOUND
    style = LABEL_STYLES[arguments.label_style]
    if arguments.output is None and arguments.target == "operator":
        raise CouldNotRun("--target operator writes a directory: name it with -o")
    if arguments.output is None:
        sys.stdout.write(compile_rules(slos, style))
        return FINE
    compiled = _TARGETS[arguments.target](slos, style)
    try:
        for place in outputs.find_orphaned_files(arguments.output, compiled):
            print(
                f"{place}: compiled from none of these specs; remove it if its own is gone", file=sys.stderr
            )
        if arguments.check:
            return _check(outputs.diff_artefacts(arguments.output, compiled), arguments.output)
        changed = outputs.write_artefacts(arguments.output, compiled)
    except OSError as error:
        raise CouldNotRun(f"{error.filename}: {error.strerror}") from error
    print(f"{len(slos)} SLOs, {len(compiled)} files, {changed} changed", file=sys.stderr)
    return FINE


def _check(differences: Iterable[str], directory: Path) -> int:
    stale = False
    for difference in differences:
        stale = True
        sys.stdout.write(difference)
    if not stale:
        return FINE
    print(f"{directory} is stale: run the same command without --check and commit", file=sys.stderr)
    return PROBLEMS_FOUND
