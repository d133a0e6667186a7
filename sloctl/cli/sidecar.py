"""Compute live error-budget burn, with no Prometheus needed.

Scrapes a service's own metrics; with a configuration file also many services, what a Prometheus has recorded,
or what services send by OTLP. Serves a page at /, an API at /api/v1, metrics of its own at /metrics, and the
probes /healthz and /readyz. Changed specs are taken up while it runs. SIGTERM or Ctrl-C ends it.

example:
  sloctl sidecar slos/payments-api.yaml --target http://127.0.0.1:8080/actuator/prometheus \\
      --target-label job=payments-api --interval 5s
  sloctl sidecar slos --config sidecar.yaml
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.extra import require_sidecar_extra
from sloctl.cli.spec_arguments import parse_valid_slos, read_spec_texts
from sloctl.files import STANDARD_INPUT, read_spec_files
from sloctl.promql import LABEL_NAME

with require_sidecar_extra():
    from sloctl.prometheus.http_client import ClientOptions
    from sloctl.sidecar.build import build_sidecar
    from sloctl.sidecar.clock import start_clock
    from sloctl.sidecar.config.options import parse_address, parse_interval
    from sloctl.sidecar.config.read import Settings, read_configuration
    from sloctl.sidecar.http.application import Sidecar, build_application
    from sloctl.sidecar.http.options import LOOPBACK_OPTIONS, WebOptions
    from sloctl.sidecar.http.server import serve_application, wait_for_stop_signal
    from sloctl.sidecar.reload import SpecFiles, SpecTexts
    from sloctl.sidecar.runtime import run_and_exit, tune_garbage_collector
    from sloctl.sidecar.sources.scrape.source import ScrapeOptions
    from sloctl.sidecar.sources.scrape.targets import ScrapeTarget
    from sloctl.sidecar.store.store_file import UnusableStore
    from sloctl.sidecar.telemetry.logs import configure_logging

_Value = TypeVar("_Value")
# Prometheus's own default.
_TIMEOUT_SECONDS: Final = 10.0
_INTERVAL: Final = 5.0

_log: Final = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "specs", nargs="+", metavar="SPEC", help="a file, a directory, a glob, or - for standard input"
    )
    parser.add_argument(
        "--config", metavar="FILE", help="where counts come from, who is told, who may read; docs/sidecar.md"
    )
    parser.add_argument(
        "--target", metavar="URL", help="without --config: a service's metrics; /metrics without a path"
    )
    parser.add_argument(
        "--target-label",
        metavar="NAME=VALUE",
        type=_parse_label,
        action="append",
        default=[],
        help="attached to every series, as by a Prometheus job, such as job=payments-api; instance always is",
    )
    parser.add_argument(
        "--interval",
        metavar="DURATION",
        type=_argument_type(parse_interval),
        help="between scrapes, 1s to 1m; default 5s",
    )
    parser.add_argument(
        "--listen", metavar="HOST:PORT", type=_argument_type(parse_address), help="default 127.0.0.1:9464"
    )


def run(arguments: argparse.Namespace) -> int:
    settings = _read_settings(arguments)
    seen = read_spec_texts(arguments.specs)
    slos = parse_valid_slos(seen)
    if settings is None or slos is None:
        return PROBLEMS_FOUND
    configure_logging(settings.log_format)
    files = SpecFiles(lambda: _reread_specs(arguments.specs, seen), seen)
    tune_garbage_collector()
    sidecar = build_sidecar(slos, settings, time=start_clock(since=time.time()), files=files)
    run_and_exit(_serve_sidecar(sidecar))
    return FINE


def _read_settings(arguments: argparse.Namespace) -> Settings | None:
    """Of the file, or of the options that do without one; None after telling its problems."""
    options = {
        "--target": arguments.target,
        "--target-label": arguments.target_label,
        "--interval": arguments.interval,
        "--listen": arguments.listen,
    }
    if arguments.config is None:
        if arguments.target is None:
            raise CouldNotRun("what is to be watched? Give --target URL, or --config FILE")
        return _single_target_settings(arguments)
    if given := [name for name, value in options.items() if value]:
        raise CouldNotRun(f"{given[0]} stands in the file when there is a --config")
    return _settings_in(arguments.config)


def _settings_in(path: str) -> Settings | None:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise CouldNotRun(f"{path}: {error.strerror}") from error
    settings, problems = read_configuration(path, content)
    for problem in problems:
        print(problem, file=sys.stderr)
    return settings


def _single_target_settings(arguments: argparse.Namespace) -> Settings:
    try:
        target = ScrapeTarget.from_url(arguments.target, dict(arguments.target_label))
    except ValueError as wrong:
        raise CouldNotRun(str(wrong)) from wrong
    seconds = arguments.interval or _INTERVAL
    client = ClientOptions(timeout_seconds=min(seconds, _TIMEOUT_SECONDS))
    host, port = arguments.listen or (LOOPBACK_OPTIONS.host, LOOPBACK_OPTIONS.port)
    return Settings(seconds, ScrapeOptions((target,), client), web=WebOptions(host=host, port=port))


def _reread_specs(paths: Sequence[str], seen: SpecTexts) -> SpecTexts:
    """The specs as they are now; what came through a pipe stays as it was."""
    piped = [(name, content) for name, content in seen if STANDARD_INPUT in paths and name == "<stdin>"]
    files = [path for path in paths if path != STANDARD_INPUT]
    return [*piped, *(read_spec_files(files, sys.stdin.buffer) if files else [])]


async def _serve_sidecar(sidecar: Sidecar) -> None:
    web, board = sidecar.web, sidecar.feed.snapshot
    for refusal in board.unsupported:
        _log.warning("%s is not watched: %s", refusal.slo.id, refusal.reason)
    try:
        async with serve_application(build_application(sidecar), web.host, web.port, web.certificate) as url:
            _log.info("watching %d SLOs: %s", len(board.states), url)
            await wait_for_stop_signal()
    except UnusableStore as unusable:
        raise CouldNotRun(str(unusable)) from unusable
    except OSError as error:
        raise CouldNotRun(
            f"cannot listen on {web.host}:{web.port}: {error.strerror}; choose another"
        ) from error


def _argument_type(parse: Callable[[str], _Value]) -> Callable[[str], _Value]:
    """With argparse's own exception, so that it shows the message."""

    def parse_argument(text: str) -> _Value:
        try:
            return parse(text)
        except ValueError as wrong:
            raise argparse.ArgumentTypeError(str(wrong)) from wrong

    return parse_argument


def _parse_label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not LABEL_NAME.fullmatch(name):
        raise argparse.ArgumentTypeError(f"a label is NAME=VALUE, got {text!r}")
    return name, value
