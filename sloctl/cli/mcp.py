"""Serve read-only tools to an agent, over the Model Context Protocol on standard input and output.

The tools are list_slos, get_slo, what_burns, explain_slo, validate_spec, simulate and backtest. They ask the
sidecar or the Prometheus that is named here, and know the specs that are named here; no tool writes, and none
takes a path, a URL or a query.

example:
  sloctl mcp slos --sidecar http://127.0.0.1:9464 --prometheus http://prometheus:9090
"""

import argparse
import os
import time
from typing import Final

import msgspec

from sloctl.cli.arguments import add_label_style
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun, require_extra
from sloctl.cli.server_arguments import (
    PROMETHEUS_URL,
    SIDECAR_URL,
    add_prometheus_url,
    add_server_options,
    read_client_options,
)
from sloctl.cli.spec_arguments import current_day, parse_valid_slos, read_spec_texts, reading_options
from sloctl.naming import LABEL_STYLES
from sloctl.prometheus.errors import redact_url
from sloctl.prometheus.plain_client import PlainHttpClient, PrometheusClient
from sloctl.status import from_prometheus, from_sidecar
from sloctl.status.slo_status import StatusReport

with require_extra("mcp"):
    from sloctl.mcp_server.answers import ToolRefused
    from sloctl.mcp_server.live_tools import LiveTools, ReadStatus
    from sloctl.mcp_server.past_tools import PastTools
    from sloctl.mcp_server.server import build_server
    from sloctl.mcp_server.spec_tools import SpecTools

# A day of raw series of many pods takes its time.
_PAST_TIMEOUT: Final = 60.0
# Of two servers these go to the Prometheus alone; a sidecar's token then comes by the environment.
_SECRETS: Final = ("token_file", "username", "password_file", "header_file", "cert_file", "key_file")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("specs", nargs="*", metavar="SPEC", help="whose SLOs may be named in a question")
    parser.add_argument(
        "--sidecar",
        metavar="URL",
        default=os.environ.get(SIDECAR_URL) or None,
        help=f"which says how SLOs stand; by default ${SIDECAR_URL}",
    )
    add_prometheus_url(
        parser,
        help_text="that holds the past, and without a sidecar says how SLOs stand",
        required=False,
    )
    add_label_style(parser)
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    if not (arguments.sidecar or arguments.prometheus or arguments.specs):
        raise CouldNotRun(f"name specs, --sidecar URL or --prometheus URL, or set ${PROMETHEUS_URL}")
    slos = parse_valid_slos(read_spec_texts(arguments.specs), reading_options(arguments))
    if slos is None:
        return PROBLEMS_FOUND
    ask = None
    if arguments.prometheus:
        options = read_client_options(arguments, arguments.prometheus, timeout_seconds=_PAST_TIMEOUT)
        ask = PrometheusClient(arguments.prometheus, options).query_range
    past = PastTools(SpecTools(slos, current_day()), ask, time.time)
    build_server(LiveTools(_status_reader(arguments)), past).run("stdio")
    return FINE


def _status_reader(arguments: argparse.Namespace) -> ReadStatus:
    """Give what asks the sidecar, or without one the Prometheus."""
    url = arguments.sidecar or arguments.prometheus
    if url is None:
        return _refuse_status
    options = read_client_options(_access_to_sidecar(arguments), url)

    def read_status() -> StatusReport:
        try:
            if arguments.sidecar:
                return from_sidecar.read_sidecar_status(PlainHttpClient(url, options).get_body)
            query, style = PrometheusClient(url, options).query, LABEL_STYLES[arguments.label_style]
            return from_prometheus.read_prometheus_status(query, style)
        except msgspec.DecodeError:
            raise ToolRefused(f"{redact_url(url)} gives an answer that cannot be understood") from None

    return read_status


def _access_to_sidecar(arguments: argparse.Namespace) -> argparse.Namespace:
    """Leave out what is secret where both servers are named: it is the Prometheus's then."""
    if not (arguments.sidecar and arguments.prometheus):
        return arguments
    return argparse.Namespace(**(vars(arguments) | dict.fromkeys(_SECRETS)))


def _refuse_status() -> StatusReport:
    raise ToolRefused("start sloctl mcp with --sidecar URL or --prometheus URL to know how SLOs stand")
