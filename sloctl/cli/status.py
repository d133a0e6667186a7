"""Show how SLOs stand now, the worst first; also as a gate in front of a deployment.

Asks a sidecar, or a Prometheus that runs the compiled rules. Exit codes: 0 nothing of what --fail-on names, 1
something of it, 2 could not ask, or nothing at all is known. What is unknown is never shown as fine. With
--gate a service below a step of its error budget policy (kind: BudgetPolicy) is 1 too.

example:
  sloctl status                                                 the sidecar at 127.0.0.1:9464
  sloctl status --prometheus http://prometheus:9090 --watch
  sloctl status --prometheus http://eu:9090 --prometheus http://us:9090     both, apart
  sloctl status --fail-on ticket payments-api                   one service, or payments-api/latency
  sloctl status --gate policies payments-api                    may it be deployed, by its budget policy?
"""

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from sloctl.cli.arguments import add_color, add_label_style, add_output_format, wants_color
from sloctl.cli.exit_codes import COULD_NOT_RUN, FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.server_arguments import (
    PROMETHEUS_URL,
    SIDECAR_URL,
    add_server_options,
    read_client_options,
)
from sloctl.cli.spec_arguments import read_spec_texts
from sloctl.naming import LABEL_STYLES
from sloctl.problems import ProblemLevel, escape_unprintable
from sloctl.prometheus.credentials import ClientOptions
from sloctl.prometheus.errors import PrometheusError, redact_url
from sloctl.prometheus.plain_client import PlainHttpClient, PrometheusClient
from sloctl.slo.budget_policy import BudgetPolicy
from sloctl.slo.health import Health
from sloctl.spec import read_specs
from sloctl.status import from_prometheus, from_sidecar
from sloctl.status.budget_gate import (
    evaluate_policies,
    judge_services,
    render_standings,
    standing_document,
)
from sloctl.status.json_report import status_document
from sloctl.status.slo_status import FailOn, GateResult, StatusReport, evaluate_gate, merge_reports
from sloctl.status.text_report import (
    render_exclusions,
    render_service_hours,
    render_summary,
    render_table,
    render_table_in_color,
)

_SIDECAR: Final = "http://127.0.0.1:9464"
_WATCH_INTERVAL_SECONDS: Final = 5
_EXIT_CODES: Final = {
    GateResult.FINE: FINE,
    GateResult.FAILING: PROBLEMS_FOUND,
    GateResult.UNKNOWN: COULD_NOT_RUN,
}
_FAIL_ON: Final = {level.name.lower(): level for level in FailOn}
# To whatever is no terminal, all columns go.
_UNLIMITED_WIDTH: Final = 1000
# Home, and clear to the end.
_CLEAR_SCREEN: Final = "\x1b[H\x1b[J"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slos", nargs="*", metavar="SLO", help="SERVICE/NAME, or all of a SERVICE")
    sources = parser.add_mutually_exclusive_group()
    sources.add_argument(
        "--sidecar", metavar="URL", help=f"by default ${SIDECAR_URL}, else ${PROMETHEUS_URL}, else {_SIDECAR}"
    )
    sources.add_argument(
        "--prometheus",
        metavar="URL",
        action="append",
        help="that runs the compiled rules; repeat it for several, which are shown beside each other",
    )
    add_label_style(parser)
    parser.add_argument(
        "--fail-on",
        choices=_FAIL_ON,
        default="page",
        help="each includes those before it; unknown is whatever is not fine. Default page",
    )
    parser.add_argument(
        "--gate",
        metavar="POLICY",
        action="append",
        help="also fail below a step of the error budget policies in this file or directory",
    )
    parser.add_argument(
        "--watch", action="store_true", help=f"again every {_WATCH_INTERVAL_SECONDS} s, until Ctrl-C"
    )
    add_output_format(parser)
    add_color(parser)
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    if not (arguments.sidecar or arguments.prometheus):
        arguments.sidecar = os.environ.get(SIDECAR_URL)
        url = None if arguments.sidecar else os.environ.get(PROMETHEUS_URL)
        arguments.prometheus = [url] if url else None
    arguments.sidecar = arguments.sidecar or _SIDECAR
    urls = arguments.prometheus or [arguments.sidecar]
    options = {url: read_client_options(arguments, url) for url in urls}
    policies = read_policies(arguments.gate) if arguments.gate else ()
    if policies is None:
        return PROBLEMS_FOUND
    if arguments.watch:
        return _watch_status(arguments, options, policies)
    status = _read_status(arguments, options)
    print(_render_status(status, arguments, policies))
    result = evaluate_gate(status, _FAIL_ON[arguments.fail_on])
    if policies and result is GateResult.FINE:
        result = evaluate_policies(judge_services(status, policies, arguments.slos))
    unknown = sum(slo.health is Health.UNKNOWN for slo in status.slos)
    if result is GateResult.UNKNOWN:
        print("sloctl status: nothing is known of any of them", file=sys.stderr)
    elif result is GateResult.FINE and unknown:
        # A gate that opens says what it did not see.
        print(f"{unknown} of {len(status.slos)} unknown; --fail-on unknown would fail", file=sys.stderr)
    return _EXIT_CODES[result]


def read_policies(paths: Sequence[str]) -> tuple[BudgetPolicy, ...] | None:
    """Read the budget policies of files and directories; None after printing what is wrong with one."""
    specs = read_specs(read_spec_texts(paths))
    for problem in specs.problems:
        print(problem, file=sys.stderr)
    if any(problem.level is ProblemLevel.ERROR for problem in specs.problems):
        return None
    if not specs.budget_policies:
        raise CouldNotRun(escape_unprintable(f"{', '.join(paths)}: no document of kind BudgetPolicy"))
    return specs.budget_policies


def _read_status(arguments: argparse.Namespace, options: Mapping[str, ClientOptions]) -> StatusReport:
    """Ask the sidecar or every Prometheus once, all or none; raises CouldNotRun."""
    try:
        reports = {redact_url(url): _read_source(arguments, url, options[url]) for url in options}
        return merge_reports(reports).select_slos(arguments.slos)
    except PrometheusError as failed:
        raise CouldNotRun(str(failed)) from failed
    except KeyError as unknown:
        why = f"has no SLO and no service {unknown.args[0]}"
    raise CouldNotRun(escape_unprintable(f"{', '.join(map(redact_url, options))}: {why}"))


def _read_source(arguments: argparse.Namespace, url: str, options: ClientOptions) -> StatusReport:
    try:
        if arguments.prometheus:
            query, style = PrometheusClient(url, options).query, LABEL_STYLES[arguments.label_style]
            return from_prometheus.read_prometheus_status(query, style)
        return from_sidecar.read_sidecar_status(PlainHttpClient(url, options).get_body)
    except msgspec.DecodeError as wrong:
        raise CouldNotRun(escape_unprintable(f"{redact_url(url)}: cannot be understood: {wrong}")) from wrong


def _watch_status(
    arguments: argparse.Namespace, options: Mapping[str, ClientOptions], policies: tuple[BudgetPolicy, ...]
) -> int:
    """Show the status until Ctrl-C; while nobody answers, the reason stands in place of the last answer."""
    try:
        while True:
            try:
                status = _read_status(arguments, options)
                text, stream = _render_status(status, arguments, policies), sys.stdout
            except CouldNotRun as failed:
                text, stream = f"sloctl status: {failed}", sys.stderr
            print(f"{_CLEAR_SCREEN if stream.isatty() else ''}{text}", file=stream, flush=True)
            time.sleep(_WATCH_INTERVAL_SECONDS)
    except KeyboardInterrupt:
        return FINE


def _render_status(
    status: StatusReport, arguments: argparse.Namespace, policies: tuple[BudgetPolicy, ...]
) -> str:
    standings = judge_services(status, policies, arguments.slos)
    if arguments.output == "json":
        document = status_document(status, _FAIL_ON[arguments.fail_on])
        if policies:
            document["budgetPolicies"] = [standing_document(standing) for standing in standings]
        return json.dumps(document, ensure_ascii=False)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNLIMITED_WIDTH
    render = render_table_in_color if wants_color(arguments.color) else render_table
    notes = render_exclusions(status) + render_service_hours(status)
    table = f"{render_summary(status)}\n\n{render(status, width)}{notes}"
    return f"{table}\n\n{render_standings(standings)}" if policies else table
