"""Turn specs into Prometheus rules and Grafana dashboards.

Rules go to DIR/alerts, dashboards to DIR/dashboards, inhibition rules to DIR/alertmanager;
without -d the rules are printed. One bad spec and nothing is written. For the Prometheus operator
rules and dashboards become objects of Kubernetes in DIR/manifests, with a kustomization.

example:
  sloctl compile slos -d .            write ./alerts/*.yaml and ./dashboards/*.json
  sloctl compile slos -d . --check    in CI: exit 1 and show a diff when they are stale
  sloctl compile slos -d . --tests && promtool test rules rule_tests/*.yaml
  sloctl compile slos -d . --target operator
  sloctl compile slos -d . --only rules   leave the dashboards alone
"""

import argparse
import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sloctl import outputs
from sloctl.cli.arguments import add_label_style, add_output_directory, add_specs
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.spec_arguments import (
    parse_valid_slos,
    read_spec_texts,
    reading_options,
    tell_unheeded_exclusions,
)
from sloctl.compiler import (
    Artefact,
    CompiledPart,
    compile_artefacts,
    compile_manifests,
    compile_rule_tests,
    compile_rules,
    find_oversized_dashboards,
)
from sloctl.naming import LABEL_STYLES
from sloctl.rules.bridge import bridged_rule_groups
from sloctl.rules.groups import rule_groups

_TARGETS: Final = {"prometheus": compile_artefacts, "operator": compile_manifests}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_specs(parser)
    add_output_directory(parser, required=False, help_text="write below this directory")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when DIR is stale")
    parser.add_argument(
        "--target", choices=_TARGETS, default="prometheus", help="what reads them; default prometheus"
    )
    parser.add_argument(
        "--only", choices=[part.value for part in CompiledPart], help="these alone; default both"
    )
    parser.add_argument(
        "--tests", action="store_true", help="also write DIR/rule_tests, for promtool test rules"
    )
    add_label_style(parser)
    parser.add_argument(
        "--bridge",
        choices=("sloth",),
        help="fill long windows with what Sloth has recorded, until they are full of our own",
    )


def run(arguments: argparse.Namespace) -> int:
    # It ends soon, and nothing that it makes holds itself: walking it all would cost a fifth of the time.
    gc.disable()
    try:
        return _compile(arguments)
    finally:
        gc.enable()


def _compile(arguments: argparse.Namespace) -> int:
    directory, part = arguments.output_dir, arguments.only
    _refuse_contradictions(arguments)
    slos = parse_valid_slos(read_spec_texts(arguments.specs), reading_options(arguments))
    if slos is None:
        return PROBLEMS_FOUND
    style = LABEL_STYLES[arguments.label_style]
    if arguments.bridge:
        tell_unheeded_exclusions(slos, "Sloth's history is bridged")
    build_groups = bridged_rule_groups if arguments.bridge else rule_groups
    if directory is None:
        sys.stdout.write(compile_rules(slos, style, build_groups))
        return FINE
    compiled = _TARGETS[arguments.target](
        slos, style, CompiledPart(part) if part else None, build_groups=build_groups
    )
    if arguments.tests:
        compiled += compile_rule_tests(slos, style)
    if oversized := find_oversized_dashboards(compiled):
        print(*oversized, sep="\n", file=sys.stderr)
        return PROBLEMS_FOUND
    # Manifests of both parts share a folder: what is not of the one is of the other.
    beside = [] if part and arguments.target == "operator" else compiled
    for path in outputs.find_orphaned_files(directory, beside):
        print(f"{path}: compiled from none of these specs; remove it if its own is gone", file=sys.stderr)
    if arguments.check:
        return _print_differences(directory, compiled)
    changed = outputs.write_artefacts(directory, compiled)
    print(f"{len(slos)} SLOs, {len(compiled)} files, {changed} changed", file=sys.stderr)
    return FINE


def _refuse_contradictions(arguments: argparse.Namespace) -> None:
    """Raise CouldNotRun for options that do not go together."""
    if arguments.output_dir is None and (missing := _needs_directory(arguments)):
        raise CouldNotRun(f"{missing}: name it with -d")
    if arguments.tests and (arguments.target != "prometheus" or arguments.only == "dashboards"):
        raise CouldNotRun("--tests are of Prometheus's own rule files: leave out --target and --only")
    if arguments.bridge and arguments.label_style != "slo":
        raise CouldNotRun("--bridge reads Sloth's series, which --label-style sloth would write over")


def _needs_directory(arguments: argparse.Namespace) -> str:
    """Say what needs a directory; nothing where the rules can be printed."""
    if arguments.check:
        return "--check compares with a directory"
    if arguments.tests:
        return "--tests writes a directory"
    if arguments.target == "operator":
        return "--target operator writes a directory"
    return "--only dashboards writes a directory" if arguments.only == "dashboards" else ""


def _print_differences(directory: Path, compiled: Sequence[Artefact]) -> int:
    """Print where the files of *directory* are not what was compiled; returns the exit code."""
    differences = list(outputs.diff_artefacts(directory, compiled))
    if not differences:
        return FINE
    sys.stdout.writelines(differences)
    print(f"{directory} is stale: run the same command without --check and commit", file=sys.stderr)
    return PROBLEMS_FOUND
