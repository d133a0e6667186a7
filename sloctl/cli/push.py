"""Push compiled rules to the ruler of a Mimir or a Cortex, and nothing but what has changed.

Each service is a namespace, `sloctl.SERVICE`. Groups of the specs' services that are no longer compiled go;
with --prune those of other services too. Namespaces and groups that are not sloctl's are never touched.
Adding and changing come first. When a step fails, the rest is left, and what is where is read from the ruler.

example:
  sloctl push slos --mimir https://mimir.example.com --tenant shop --token-file token --dry-run
  sloctl push slos --mimir https://mimir.example.com --tenant shop --token-file token
  sloctl push slos --mimir http://cortex:8080 --rules-path /api/v1/rules --tenant shop --prune
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from sloctl.cli.arguments import add_label_style, add_specs
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.server_arguments import add_server_options, read_client_options
from sloctl.cli.spec_arguments import parse_valid_slos, read_spec_texts, reading_options
from sloctl.compiler import MIMIR_DIR, CompiledPart, compile_for_mimir
from sloctl.naming import LABEL_STYLES
from sloctl.prometheus.errors import PrometheusError
from sloctl.ruler.client import MIMIR_RULES_PATH, RulerClient
from sloctl.ruler.groups import read_groups
from sloctl.ruler.push_plan import PushScope, PushStep, plan_push

if TYPE_CHECKING:
    from sloctl.prometheus.credentials import ClientOptions

_TENANT_HEADER: Final = "X-Scope-OrgID"
# A ruler that writes to an object store takes its time.
_TIMEOUT_SECONDS: Final = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_specs(parser)
    parser.add_argument("--mimir", metavar="URL", required=True, help="of the ruler's API")
    parser.add_argument("--tenant", metavar="NAME", help=f"sent as {_TENANT_HEADER}")
    parser.add_argument(
        "--rules-path",
        metavar="PATH",
        default=MIMIR_RULES_PATH,
        help=f"of the rules below the URL; Cortex has /api/v1/rules; default {MIMIR_RULES_PATH}",
    )
    parser.add_argument("--dry-run", action="store_true", help="show the differences, push nothing")
    parser.add_argument(
        "--prune", action="store_true", help="delete sloctl's groups of services that are not in the specs"
    )
    add_label_style(parser)
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    slos = parse_valid_slos(read_spec_texts(arguments.specs), reading_options(arguments))
    if slos is None:
        return PROBLEMS_FOUND
    compiled = compile_for_mimir(slos, LABEL_STYLES[arguments.label_style], CompiledPart.RULES)
    wanted = {
        PurePosixPath(artefact.path).stem: read_groups(artefact.text)
        for artefact in compiled
        if artefact.path.startswith(f"{MIMIR_DIR}/")
    }
    options = read_client_options(arguments, arguments.mimir, timeout_seconds=_TIMEOUT_SECONDS)
    if arguments.tenant is not None:
        options = _with_tenant(options, arguments.tenant)
    scope = PushScope.OURS if arguments.prune else PushScope.SPECS
    try:
        client = RulerClient(arguments.mimir, options, arguments.rules_path)
        steps = plan_push(wanted, client.read_namespaces(), scope)
    except PrometheusError as failed:
        raise CouldNotRun(f"nothing was pushed: {failed}") from failed
    if arguments.dry_run:
        sys.stdout.writelines(step.diff() for step in steps)
        print(f"{_count(steps)} would be pushed", file=sys.stderr)
        return FINE
    return _push(client, steps)


def _with_tenant(options: "ClientOptions", tenant: str) -> "ClientOptions":
    try:
        return replace(options, headers={**options.headers, _TENANT_HEADER: tenant})
    except ValueError as wrong:
        raise CouldNotRun(str(wrong)) from wrong


def _push(client: RulerClient, steps: Sequence[PushStep]) -> int:
    """Take *steps* until one fails; returns the exit code, or says what is where and raises CouldNotRun."""
    for position, step in enumerate(steps):
        try:
            client.take_step(step)
        except PrometheusError as failed:
            _tell_what_is_where(client, steps, position)
            raise CouldNotRun(f"stopped at {step}: {failed}") from failed
        print(f"{step}: done")
    print(f"{_count(steps)} pushed", file=sys.stderr)
    return FINE


def _tell_what_is_where(client: RulerClient, steps: Sequence[PushStep], position: int) -> None:
    """Print of the step that failed and of those behind it what became of them, as the ruler itself says.

    A connection that was cut tells nothing: the ruler may have taken the step.
    """
    try:
        there = client.read_namespaces()
    except PrometheusError:
        print(f"{steps[position]}: unknown, the ruler does not answer; push again")
    else:
        outcome = "done, although the answer was lost" if steps[position].has_happened(there) else "not done"
        print(f"{steps[position]}: {outcome}")
    for step in steps[position + 1 :]:
        print(f"{step}: not tried")


def _count(steps: Sequence[PushStep]) -> str:
    kinds = [step.kind.value for step in steps]
    return ", ".join(f"{kinds.count(kind)} to {kind}" for kind in dict.fromkeys(kinds)) or "nothing"
