"""List presets, show one, or hold presets against the metrics that they carry as an example.

A preset is an indicator with holes for software that many run. Beside the shipped ones an organisation keeps
its own, as documents of kind Preset among its specs.

example:
  sloctl preset list
  sloctl preset show traefik-latency
  sloctl preset test slos                     our own, and with none named all that are shipped
"""

import argparse
import sys

from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun, require_extra
from sloctl.cli.spec_arguments import read_spec_texts
from sloctl.problems import ProblemLevel, escape_unprintable
from sloctl.spec.findings import Findings
from sloctl.spec.messages import did_you_mean
from sloctl.spec.presets import (
    PresetDefinition,
    is_preset,
    load_shipped_preset,
    read_own_presets,
    read_shipped_text,
    shipped_names,
)
from sloctl.spec.yaml_nodes import read_documents
from sloctl.table import format_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="all shipped presets with their parameters")
    showing = actions.add_parser("show", help="one shipped preset as it is written")
    showing.add_argument("name", metavar="NAME")
    testing = actions.add_parser("test", help="each selector matches some of the example's metrics")
    testing.add_argument(
        "specs", nargs="*", metavar="SPEC", help="files and directories with presets; else the shipped ones"
    )


def run(arguments: argparse.Namespace) -> int:
    match arguments.action:
        case "list":
            presets = [load_shipped_preset(name) for name in shipped_names()]
            rows = [(preset.name, ", ".join(preset.parameters), preset.description) for preset in presets]
            print(format_table([("preset", "parameters", "an event is good when"), *rows]))
            return FINE
        case "show":
            if arguments.name not in shipped_names():
                hint = did_you_mean(arguments.name, shipped_names())
                raise CouldNotRun(escape_unprintable(f"no preset {arguments.name} is shipped{hint}"))
            sys.stdout.write(read_shipped_text(arguments.name))
            return FINE
    with require_extra("sidecar"):
        from sloctl.preset_example import check_example  # noqa: PLC0415 - it parses and matches as a sidecar does

    if arguments.specs:
        tested = _read_own(arguments.specs)
        if tested is None:
            return PROBLEMS_FOUND
    else:
        tested = [load_shipped_preset(name) for name in shipped_names()]
    results = [check_example(preset) for preset in tested]
    for result in results:
        for failure in result.failures:
            print(f"{result.name}: {failure}")
    failed = sum(bool(result.failures) for result in results)
    print(f"{len(results)} presets, {failed} failed", file=sys.stderr)
    return PROBLEMS_FOUND if failed else FINE


def _read_own(paths: list[str]) -> list[PresetDefinition] | None:
    """Read the presets below *paths*; None after printing what is wrong with them."""
    findings = Findings()
    documents = []
    for path, content in read_spec_texts(paths):
        found, problems = read_documents(path, content or b"")
        documents += [document for document in found if is_preset(document)]
        findings.add_problems(*problems)
    catalog = read_own_presets(documents, findings)
    for problem in findings.problems:
        print(problem, file=sys.stderr)
    if any(problem.level is ProblemLevel.ERROR for problem in findings.problems):
        return None
    if not catalog.own:
        raise CouldNotRun("there is no document of kind Preset in what was named")
    return list(catalog.own.values())
