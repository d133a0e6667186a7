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

from sloctl.cli.exit import COULD_NOT_RUN, FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.fetch import HttpEndpoint, RequestError
from sloctl.naming import LABEL_STYLES
from sloctl.problems import escape_unprintable
from sloctl.status import from_prometheus, from_sidecar
from sloctl.status.document import document
from sloctl.status.line import FailOn, Standing, Status, Verdict, verdict
from sloctl.status.text import summary, table

_SIDECAR: Final = "http://127.0.0.1:9464"
_EVERY_SECONDS: Final = 5
_CODES: Final = {Verdict.FINE: FINE, Verdict.FAILING: PROBLEMS_FOUND, Verdict.UNKNOWN: COULD_NOT_RUN}
_FAIL_ON: Final = {level.name.lower(): level for level in FailOn}
# To whatever is no terminal, all columns go.
_WIDE: Final = 1000
# Home, and clear to the end.
_CLEAR: Final = "\x1b[H\x1b[J"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slos", nargs="*", metavar="SLO", help="SERVICE/NAME, or all of a SERVICE")
    sources = parser.add_mutually_exclusive_group()
    sources.add_argument("--sidecar", metavar="URL", default=_SIDECAR, help=f"default {_SIDECAR}")
    sources.add_argument("--prometheus", metavar="URL", help="that runs the compiled rules")
    parser.add_argument(
        "--label-style", choices=LABEL_STYLES, default="slo", help="as given to compile; default slo"
    )
    parser.add_argument("--token-file", metavar="FILE", type=Path, help="holds a bearer token")
    parser.add_argument("--ca-file", metavar="FILE", type=Path, help="authorities to believe, PEM")
    parser.add_argument(
        "--fail-on",
        choices=_FAIL_ON,
        default="page",
        help="each includes those before it; unknown is whatever is not fine. Default page",
    )
    parser.add_argument("--watch", action="store_true", help=f"again every {_EVERY_SECONDS} s, until Ctrl-C")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default text")


def run(arguments: argparse.Namespace) -> int:
    look = _looking(arguments)
    fail_on = _FAIL_ON[arguments.fail_on]
    if arguments.watch:
        return _watch(look, fail_on, arguments.output)
    status = look()
    print(_shown(status, fail_on, arguments.output))
    decided = verdict(status, fail_on)
    _tell_unknown(status, decided)
    return _CODES[decided]


def _looking(arguments: argparse.Namespace) -> Callable[[], Status]:
    """What asks once, and raises CouldNotRun."""
    url = arguments.prometheus or arguments.sidecar
    server = HttpEndpoint(url, arguments.token_file, arguments.ca_file)

    def look() -> Status:
        try:
            if arguments.prometheus:
                ask = from_prometheus.asking(server.get_body)
                whole = from_prometheus.status(ask, LABEL_STYLES[arguments.label_style])
            else:
                whole = from_sidecar.status(server.get_body)
            return whole.of(arguments.slos)
        except RequestError as unanswered:
            raise CouldNotRun(escape_unprintable(str(unanswered))) from unanswered
        except msgspec.DecodeError as wrong:
            raise CouldNotRun(escape_unprintable(f"{url}: cannot be understood: {wrong}")) from wrong
        except KeyError as unknown:
            raise CouldNotRun(
                escape_unprintable(f"{url}: has no SLO and no service {unknown.args[0]}")
            ) from unknown

    return look


def _watch(look: Callable[[], Status], fail_on: FailOn, output: str) -> int:
    """Until Ctrl-C, through outages of the source: what it said last is gone then, and why stands there."""
    try:
        while True:
            try:
                shown = _shown(look(), fail_on, output)
            except CouldNotRun as broken:
                _redraw(f"sloctl status: {broken}", sys.stderr)
            else:
                _redraw(shown, sys.stdout)
            time.sleep(_EVERY_SECONDS)
    except KeyboardInterrupt:
        return FINE


def _redraw(text: str, where: TextIO) -> None:
    """In place on a terminal, else one after the other."""
    print(f"{_CLEAR if where.isatty() else ''}{text}", file=where, flush=True)


def _shown(status: Status, fail_on: FailOn, output: str) -> str:
    if output == "json":
        return json.dumps(document(status, fail_on, verdict(status, fail_on)), ensure_ascii=False)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDE
    return f"{summary(status)}\n\n{table(status, width)}"


def _tell_unknown(status: Status, decided: Verdict) -> None:
    """A gate that passes says what it did not see."""
    unknown = sum(line.standing is Standing.UNKNOWN for line in status.lines)
    if decided is Verdict.UNKNOWN:
        print("sloctl status: nothing is known of any of them", file=sys.stderr)
    elif decided is Verdict.FINE and unknown:
        print(f"{unknown} of {len(status.lines)} unknown; --fail-on unknown would fail", file=sys.stderr)
