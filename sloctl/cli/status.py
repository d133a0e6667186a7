"""Show how SLOs stand now, the worst first; also as a gate in front of a deployment.

Asks a sidecar, or a Prometheus that runs the compiled rules. Exit codes: 0 nothing of what --fail-on names, 1
something of it, 2 could not ask, or nothing at all is known. What is unknown is never shown as fine.

example:
  sloctl status                                                 the sidecar at 127.0.0.1:9464
  sloctl status --prometheus http://prometheus:9090 --watch
  sloctl status --fail-on ticket payments-api                   one service, or payments-api/latency
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TextIO

import msgspec

from sloctl.cli.arguments import add_label_style, add_output_format
from sloctl.cli.exit_codes import COULD_NOT_RUN, FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.naming import LABEL_STYLES
from sloctl.problems import escape_unprintable
from sloctl.prometheus.credentials import ClientOptions, TlsFiles
from sloctl.prometheus.errors import PrometheusError
from sloctl.prometheus.plain_client import PlainHttpClient, PrometheusClient
from sloctl.slo.health import Health
from sloctl.status import from_prometheus, from_sidecar
from sloctl.status.json_report import status_document
from sloctl.status.slo_status import FailOn, GateResult, StatusReport, evaluate_gate
from sloctl.status.text_report import render_summary, render_table

_SIDECAR: Final = "http://127.0.0.1:9464"
_WATCH_INTERVAL_SECONDS: Final = 5
_EXIT_CODES: Final = {
    GateResult.FINE: FINE,
    GateResult.FAILING: PROBLEMS_FOUND,
    GateResult.UNKNOWN: COULD_NOT_RUN,
}
_MAX_BYTES: Final = 256 * 1024 * 1024
_FAIL_ON: Final = {level.name.lower(): level for level in FailOn}
# To whatever is no terminal, all columns go.
_UNLIMITED_WIDTH: Final = 1000
# Home, and clear to the end.
_CLEAR_SCREEN: Final = "\x1b[H\x1b[J"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slos", nargs="*", metavar="SLO", help="SERVICE/NAME, or all of a SERVICE")
    sources = parser.add_mutually_exclusive_group()
    sources.add_argument("--sidecar", metavar="URL", default=_SIDECAR, help=f"default {_SIDECAR}")
    sources.add_argument("--prometheus", metavar="URL", help="that runs the compiled rules")
    add_label_style(parser)
    parser.add_argument("--token-file", metavar="FILE", type=Path, help="holds a bearer token")
    parser.add_argument("--ca-file", metavar="FILE", type=Path, help="authorities to believe, PEM")
    parser.add_argument(
        "--fail-on",
        choices=_FAIL_ON,
        default="page",
        help="each includes those before it; unknown is whatever is not fine. Default page",
    )
    parser.add_argument(
        "--watch", action="store_true", help=f"again every {_WATCH_INTERVAL_SECONDS} s, until Ctrl-C"
    )
    add_output_format(parser)


def run(arguments: argparse.Namespace) -> int:
    look = _status_reader(arguments)
    fail_on = _FAIL_ON[arguments.fail_on]
    if arguments.watch:
        return _watch_status(look, fail_on, arguments.output)
    status = look()
    print(_render_status(status, fail_on, arguments.output))
    decided = evaluate_gate(status, fail_on)
    _tell_unknown(status, decided)
    return _EXIT_CODES[decided]


def _status_reader(arguments: argparse.Namespace) -> Callable[[], StatusReport]:
    """What asks once, and raises CouldNotRun."""
    url = arguments.prometheus or arguments.sidecar
    options = ClientOptions(
        max_bytes=_MAX_BYTES,
        bearer_token_file=arguments.token_file,
        tls=TlsFiles(ca_file=arguments.ca_file),
    )

    def read_status() -> StatusReport:
        try:
            if arguments.prometheus:
                ask = PrometheusClient(url, options).query
                whole = from_prometheus.read_prometheus_status(ask, LABEL_STYLES[arguments.label_style])
            else:
                whole = from_sidecar.read_sidecar_status(PlainHttpClient(url, options).get_body)
            return whole.select_slos(arguments.slos)
        except PrometheusError as unanswered:
            raise CouldNotRun(str(unanswered)) from unanswered
        except msgspec.DecodeError as wrong:
            raise CouldNotRun(escape_unprintable(f"{url}: cannot be understood: {wrong}")) from wrong
        except KeyError as unknown:
            raise CouldNotRun(
                escape_unprintable(f"{url}: has no SLO and no service {unknown.args[0]}")
            ) from unknown

    return read_status


def _watch_status(look: Callable[[], StatusReport], fail_on: FailOn, output: str) -> int:
    """Until Ctrl-C, through outages of the source: what it said last is gone then, and why stands there."""
    try:
        while True:
            try:
                shown = _render_status(look(), fail_on, output)
            except CouldNotRun as broken:
                _redraw_screen(f"sloctl status: {broken}", sys.stderr)
            else:
                _redraw_screen(shown, sys.stdout)
            time.sleep(_WATCH_INTERVAL_SECONDS)
    except KeyboardInterrupt:
        return FINE


def _redraw_screen(text: str, where: TextIO) -> None:
    """In place on a terminal, else one after the other."""
    print(f"{_CLEAR_SCREEN if where.isatty() else ''}{text}", file=where, flush=True)


def _render_status(status: StatusReport, fail_on: FailOn, output: str) -> str:
    if output == "json":
        return json.dumps(
            status_document(status, fail_on, evaluate_gate(status, fail_on)), ensure_ascii=False
        )
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNLIMITED_WIDTH
    return f"{render_summary(status)}\n\n{render_table(status, width)}"


def _tell_unknown(status: StatusReport, decided: GateResult) -> None:
    """A gate that passes says what it did not see."""
    unknown = sum(line.health is Health.UNKNOWN for line in status.slos)
    if decided is GateResult.UNKNOWN:
        print("sloctl status: nothing is known of any of them", file=sys.stderr)
    elif decided is GateResult.FINE and unknown:
        print(f"{unknown} of {len(status.slos)} unknown; --fail-on unknown would fail", file=sys.stderr)
