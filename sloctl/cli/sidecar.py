"""Compute live error-budget burn from a service's own metrics; no Prometheus needed.

Serves a page at /, JSON at /api/v1/slos, metrics of its own at /metrics, and the probes /healthz and /readyz.
SIGTERM or Ctrl-C ends it.

example:
  sloctl sidecar slos/payments-api.yaml --target http://127.0.0.1:8080/actuator/prometheus \\
      --target-label job=payments-api --interval 5s
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterable
from typing import Final

from sloctl.cli.exit import FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.extra import sidecar_extra
from sloctl.cli.specs import sound_slos, texts
from sloctl.duration import parse_duration
from sloctl.model import Slo
from sloctl.promql import LABEL_NAME

with sidecar_extra():
    from sloctl.sidecar.app import Sidecar, application
    from sloctl.sidecar.clock import running
    from sloctl.sidecar.scraping import scraping
    from sloctl.sidecar.serve import asked_to_stop, serving
    from sloctl.sidecar.sources.scrape import Target

# Prometheus's own default.
_TIMEOUT_SECONDS: Final = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "specs", nargs="+", metavar="SPEC", help="a file, a directory, a glob, or - for standard input"
    )
    parser.add_argument(
        "--target", metavar="URL", required=True, help="the service's metrics; /metrics without a path"
    )
    parser.add_argument(
        "--target-label",
        metavar="NAME=VALUE",
        type=_label,
        action="append",
        default=[],
        help="attached to every series, as by a Prometheus job, such as job=payments-api; instance always is",
    )
    parser.add_argument(
        "--interval",
        metavar="DURATION",
        type=_interval,
        default=5.0,
        help="between scrapes, 1s to 1m; default 5s",
    )
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        type=_address,
        default="127.0.0.1:9464",
        help="default 127.0.0.1:9464",
    )


def run(arguments: argparse.Namespace) -> int:
    slos = sound_slos(texts(arguments.specs))
    if slos is None:
        return PROBLEMS_FOUND
    asyncio.run(_watch(_sidecar(slos, arguments), *arguments.listen))
    return FINE


def _sidecar(slos: Iterable[Slo], arguments: argparse.Namespace) -> Sidecar:
    try:
        target = Target.at(arguments.target, dict(arguments.target_label))
    except ValueError as wrong:
        raise CouldNotRun(str(wrong)) from wrong
    interval = arguments.interval
    return scraping(
        slos,
        target,
        time=running(since=time.time()),
        interval=interval,
        timeout_seconds=min(interval, _TIMEOUT_SECONDS),
    )


async def _watch(sidecar: Sidecar, host: str, port: int) -> None:
    board = sidecar.feed.board
    for refusal in board.refusals:
        print(f"{refusal.slo.id} is not watched: {refusal.reason}", file=sys.stderr)
    try:
        async with serving(application(sidecar), host, port) as url:
            print(f"watching {len(board.entries)} SLOs: {url}", file=sys.stderr)
            await asked_to_stop()
    except OSError as error:
        raise CouldNotRun(
            f"cannot listen on {host}:{port}: {error.strerror}; choose with --listen"
        ) from error


def _interval(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from wrong
    if not 1 <= seconds <= 60:
        raise argparse.ArgumentTypeError(f"between 1s and 1m, got {text}")
    return float(seconds)


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not LABEL_NAME.fullmatch(name):
        raise argparse.ArgumentTypeError(f"a label is NAME=VALUE, got {text!r}")
    return name, value


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"an address is HOST:PORT, such as 0.0.0.0:9464, got {text!r}")
    return host.strip("[]"), int(port)
