"""Turn specs into Prometheus rules and Grafana dashboards.

Rules go to DIR/alerts, dashboards to DIR/dashboards, inhibition rules to DIR/alertmanager;
without -d the rules are printed. One bad spec and nothing is written. For the Prometheus operator
rules and dashboards become objects of Kubernetes in DIR/manifests, with a kustomization.
For Mimir they go to DIR/mimir in groups within its limits, for vmalert to DIR/victoriametrics in stages.

example:
  sloctl compile slos -d .            write ./alerts/*.yaml and ./dashboards/*.json
  sloctl compile slos -d . --check    in CI: exit 1 and show a diff when they are stale
  sloctl compile slos -d . --tests && promtool test rules rule_tests/*.yaml
  sloctl compile slos -d . --target operator --grafana-instances dashboards=grafana
  sloctl compile slos -d . --target thanos-ruler --place fast=edge,slow=central
  sloctl compile slos -d . --only rules   leave the dashboards alone
"""

import argparse
import gc
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from sloctl import outputs
from sloctl.cli.arguments import add_label_style, add_output_directory, add_specs, argument_type
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.spec_arguments import (
    parse_valid_slos,
    read_spec_texts,
    reading_options,
    tell_unheeded_exclusions,
    tell_unheeded_hours,
)
from sloctl.compiler import (
    Artefact,
    CompiledPart,
    Places,
    compile_artefacts,
    compile_for_mimir,
    compile_for_thanos,
    compile_for_vmalert,
    compile_manifests,
    compile_rule_tests,
    compile_rules,
    compile_vm_manifests,
    count_groups,
    find_oversized_dashboards,
    find_uncountable_by_vmalert,
)
from sloctl.model import Slo
from sloctl.naming import LABEL_STYLES
from sloctl.problems import Problem
from sloctl.rules.bridge import bridged_rule_groups
from sloctl.rules.groups import rule_groups
from sloctl.spec import values
from sloctl.spec.findings import Violation
from sloctl.targets.mimir import MAX_TENANT_GROUPS

# Both write DIR/manifests.
_OBJECT_TARGETS: Final = {"operator": compile_manifests, "victoriametrics-operator": compile_vm_manifests}
_TARGETS: Final = {
    "prometheus": compile_artefacts,
    "operator": compile_manifests,
    "mimir": compile_for_mimir,
    "thanos-ruler": compile_for_thanos,
    "victoriametrics": compile_for_vmalert,
    "victoriametrics-operator": compile_vm_manifests,
}


_KUBERNETES_LABEL: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_./]*)=([A-Za-z0-9][-A-Za-z0-9_.]*)")
# Of a place, below the output directory.
_FOLDER: Final = re.compile("[A-Za-z0-9_][A-Za-z0-9_.-]*")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_specs(parser)
    add_output_directory(parser, required=False, help_text="write below this directory")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when DIR is stale")
    parser.add_argument(
        "--target", choices=_TARGETS, default="prometheus", help="what reads them; default prometheus"
    )
    parser.add_argument(
        "--place",
        metavar="fast=DIR,slow=DIR",
        type=argument_type(_parse_places),
        help="thanos-ruler: short lookbacks and pages into one folder, long ones into another",
    )
    parser.add_argument(
        "--grafana-instances",
        metavar="LABEL=VALUE",
        action="append",
        type=argument_type(_parse_instance_label),
        help="operator targets: dashboards as GrafanaDashboard objects, for the Grafanas with this label, in "
        "place of ConfigMaps; repeat it for several",
    )
    parser.add_argument(
        "--only", choices=[part.value for part in CompiledPart], help="these alone; default both"
    )
    parser.add_argument(
        "--tests", action="store_true", help="also write DIR/rule_tests, for promtool test rules"
    )
    add_label_style(parser)
    parser.add_argument(
        "--external-label",
        metavar="LABEL",
        action="append",
        type=argument_type(_parse_external_label),
        help="a label that your Prometheus servers add and by which they differ, such as cluster: dashboards "
        "and inhibition rules tell its values apart; repeat it for several",
    )
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
        tell_unheeded_hours(slos, "Sloth's history is bridged as it is, outside service hours too")
    build_groups = bridged_rule_groups if arguments.bridge else rule_groups
    if directory is None:
        sys.stdout.write(compile_rules(slos, style, build_groups))
        return FINE
    compile_target = _TARGETS[arguments.target]
    if arguments.place:
        compile_target = partial(compile_for_thanos, places=arguments.place)
    if arguments.grafana_instances:
        compile_target = partial(
            _OBJECT_TARGETS[arguments.target], grafana_instances=dict(arguments.grafana_instances)
        )
    only = CompiledPart(part) if part else None
    compiled = compile_target(
        slos, style, only, build_groups=build_groups, external_labels=arguments.external_label or ()
    )
    return _write(arguments, slos, compiled)


def _write(arguments: argparse.Namespace, slos: Sequence[Slo], compiled: tuple[Artefact, ...]) -> int:
    """Write what was compiled, or with --check compare it; returns the exit code."""
    directory, part, style = arguments.output_dir, arguments.only, LABEL_STYLES[arguments.label_style]
    if arguments.tests:
        tell_unheeded_exclusions(slos, "the tests are written")
        tell_unheeded_hours(
            slos, "no tests are written of SLOs with service hours, as promtool begins in 1970"
        )
        compiled += compile_rule_tests([slo for slo in slos if not slo.active_hours], style)
    if problems := _find_target_problems(arguments.target, slos, compiled):
        print(*problems, sep="\n", file=sys.stderr)
        return PROBLEMS_FOUND
    # Manifests of both parts share a folder: what is not of the one is of the other.
    beside = [] if part and arguments.target in _OBJECT_TARGETS else compiled
    for path in outputs.find_orphaned_files(directory, beside):
        print(f"{path}: compiled from none of these specs; remove it if its own is gone", file=sys.stderr)
    if arguments.check:
        return _print_differences(directory, compiled)
    changed = outputs.write_artefacts(directory, compiled)
    print(f"{len(slos)} SLOs, {len(compiled)} files, {changed} changed", file=sys.stderr)
    return FINE


def _find_target_problems(target: str, slos: Sequence[Slo], compiled: Sequence[Artefact]) -> list[Problem]:
    """Find what the target takes in no case; say which limit must be raised for a tenant of Mimir."""
    problems = find_oversized_dashboards(compiled)
    if target.startswith("victoriametrics"):
        problems += find_uncountable_by_vmalert(slos)
    groups, limit = count_groups(compiled), MAX_TENANT_GROUPS
    if target == "mimir" and groups > limit:
        print(
            f"{groups} groups in one tenant, and Mimir takes {limit}: raise ruler_max_rule_groups_per_tenant",
            file=sys.stderr,
        )
    return problems


def _refuse_contradictions(arguments: argparse.Namespace) -> None:
    """Raise CouldNotRun for options that do not go together."""
    if arguments.output_dir is None and (missing := _needs_directory(arguments)):
        raise CouldNotRun(f"{missing}: name it with -d")
    if arguments.tests and (arguments.target != "prometheus" or arguments.only == "dashboards"):
        raise CouldNotRun("--tests are of Prometheus's own rule files: leave out --target and --only")
    if arguments.place and arguments.target != "thanos-ruler":
        raise CouldNotRun("--place is of --target thanos-ruler: other rulers run all rules of a service")
    if arguments.grafana_instances and arguments.target not in _OBJECT_TARGETS:
        raise CouldNotRun(
            f"--grafana-instances is of --target {' and '.join(_OBJECT_TARGETS)}: others write no objects"
        )
    if arguments.bridge and arguments.label_style != "slo":
        raise CouldNotRun("--bridge reads Sloth's series, which --label-style sloth would write over")


def _parse_instance_label(text: str) -> tuple[str, str]:
    """Read `dashboards=grafana`, a label of Kubernetes; raises ValueError for anything else."""
    found = _KUBERNETES_LABEL.fullmatch(text)
    if found is None:
        raise ValueError(f"a label and its value, as in dashboards=grafana, got {text!r}")
    return found[1], found[2]


def _parse_external_label(text: str) -> str:
    """Read the name of a label that servers add; raises ValueError for one that cannot be that."""
    match values.parse_free_label_name(text):
        case Violation(message=why):
            raise ValueError(why)
        case name:
            return name


def _parse_places(text: str) -> Places:
    """Read `fast=edge,slow=central`, two folders below the output directory."""
    given = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
    folders = [given.get(kind, "") for kind in ("fast", "slow")]
    if len(given) != 2 or not all(_FOLDER.fullmatch(folder) for folder in folders) or len({*folders}) < 2:
        raise ValueError(f"two different folders, as in fast=edge,slow=central, got {text!r}")
    return Places(*folders)


def _needs_directory(arguments: argparse.Namespace) -> str:
    """Say what needs a directory; nothing where the rules can be printed."""
    if arguments.check:
        return "--check compares with a directory"
    if arguments.tests:
        return "--tests writes a directory"
    if arguments.target != "prometheus":
        return f"--target {arguments.target} writes a directory"
    return "--only dashboards writes a directory" if arguments.only == "dashboards" else ""


def _print_differences(directory: Path, compiled: Sequence[Artefact]) -> int:
    """Print where the files of *directory* are not what was compiled; returns the exit code."""
    differences = list(outputs.diff_artefacts(directory, compiled))
    if not differences:
        return FINE
    sys.stdout.writelines(differences)
    print(f"{directory} is stale: run the same command without --check and commit", file=sys.stderr)
    return PROBLEMS_FOUND
