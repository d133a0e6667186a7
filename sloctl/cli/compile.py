"""Turn specs into Prometheus rules and Grafana dashboards.

Rules go to DIR/alerts, dashboards to DIR/dashboards, inhibition rules to DIR/alertmanager;
without -d the rules are printed. One bad spec and nothing is written. For the Prometheus operator
rules and dashboards become objects of Kubernetes in DIR/manifests, with a kustomization.

example:
  sloctl compile slos -d .            write ./alerts/*.yaml and ./dashboards/*.json
  sloctl compile slos -d . --check    in CI: exit 1 and show a diff when they are stale
  sloctl compile slos -d . --target operator
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sloctl import outputs
from sloctl.cli.arguments import add_label_style, add_output_directory, add_specs
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.spec_arguments import parse_valid_slos, read_spec_texts, reading_options
from sloctl.compiler import (
    Artefact,
    compile_artefacts,
    compile_manifests,
    compile_rules,
    find_oversized_dashboards,
)
from sloctl.naming import LABEL_STYLES

_TARGETS: Final = {"prometheus": compile_artefacts, "operator": compile_manifests}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_specs(parser)
    add_output_directory(parser, required=False, help_text="write below this directory")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when DIR is stale")
    parser.add_argument(
        "--target", choices=_TARGETS, default="prometheus", help="what reads them; default prometheus"
    )
    add_label_style(parser)


def run(arguments: argparse.Namespace) -> int:
    directory = arguments.output_dir
    if directory is None and arguments.check:
        raise CouldNotRun("--check compares with a directory: name it with -d")
    if directory is None and arguments.target == "operator":
        raise CouldNotRun("--target operator writes a directory: name it with -d")
    slos = parse_valid_slos(read_spec_texts(arguments.specs), reading_options(arguments))
    if slos is None:
        return PROBLEMS_FOUND
    style = LABEL_STYLES[arguments.label_style]
    if directory is None:
        sys.stdout.write(compile_rules(slos, style))
        return FINE
    compiled = _TARGETS[arguments.target](slos, style)
    if oversized := find_oversized_dashboards(compiled):
        print(*oversized, sep="\n", file=sys.stderr)
        return PROBLEMS_FOUND
    for path in outputs.find_orphaned_files(directory, compiled):
        print(f"{path}: compiled from none of these specs; remove it if its own is gone", file=sys.stderr)
    if arguments.check:
        return _print_differences(directory, compiled)
    changed = outputs.write_artefacts(directory, compiled)
    print(f"{len(slos)} SLOs, {len(compiled)} files, {changed} changed", file=sys.stderr)
    return FINE


def _print_differences(directory: Path, compiled: Sequence[Artefact]) -> int:
    """Print where the files of *directory* are not what was compiled; returns the exit code."""
    differences = list(outputs.diff_artefacts(directory, compiled))
    if not differences:
        return FINE
    sys.stdout.writelines(differences)
    print(f"{directory} is stale: run the same command without --check and commit", file=sys.stderr)
    return PROBLEMS_FOUND
