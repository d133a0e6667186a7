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
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import structs

from sloctl.cli.arguments import add_specs, argument_type
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun, require_extra
from sloctl.cli.spec_arguments import parse_valid_slos, read_spec_texts, reading_options
from sloctl.files import STANDARD_INPUT, is_read_once, read_spec_files
from sloctl.promql import LABEL_NAME

with require_extra("sidecar"):
    from sloctl.naming import NATIVE_STYLE
    from sloctl.prometheus.credentials import ClientOptions
    from sloctl.sidecar.build import build_sidecar
    from sloctl.sidecar.clock import start_clock
    from sloctl.sidecar.config.options import parse_address, parse_interval
    from sloctl.sidecar.config.read import Settings, read_configuration
    from sloctl.sidecar.descriptors import raise_descriptor_limit
    from sloctl.sidecar.http.application import Sidecar, build_application
    from sloctl.sidecar.http.options import LOOPBACK_OPTIONS, WebOptions
    from sloctl.sidecar.http.server import UnusableCertificate, serve_application
    from sloctl.sidecar.reload import SpecFiles, SpecTexts
    from sloctl.sidecar.runtime import listen_for_stop_signals, run_and_exit, tune_garbage_collector
    from sloctl.sidecar.sources.scrape.source import ScrapeOptions
    from sloctl.sidecar.sources.scrape.targets import ScrapeTarget
    from sloctl.sidecar.store.store_file import UnusableStore
    from sloctl.sidecar.telemetry.logs import configure_logging

# Prometheus's own default.
_TIMEOUT_SECONDS: Final = 10.0
_INTERVAL: Final = 5.0

_log: Final = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_specs(parser)
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="where counts come from, where alerts go, who may read; docs/sidecar.md",
    )
    parser.add_argument(
        "--target", metavar="URL", help="without --config: a service's metrics; /metrics without a path"
    )
    parser.add_argument(
        "--target-label",
        metavar="NAME=VALUE",
        type=argument_type(_parse_label),
        action="append",
        default=[],
        help="attached to every series, as by a Prometheus job, such as job=payments-api; instance always is",
    )
    parser.add_argument(
        "--interval",
        metavar="DURATION",
        type=argument_type(parse_interval),
        help="between scrapes, 1s to 1m; default 5s",
    )
    parser.add_argument(
        "--listen", metavar="HOST:PORT", type=argument_type(parse_address), help="default 127.0.0.1:9464"
    )


def run(arguments: argparse.Namespace) -> int:
    settings = _read_settings(arguments)
    texts = read_spec_texts(arguments.specs)
    style = NATIVE_STYLE if settings is None else settings.label_style
    options = structs.replace(reading_options(arguments), style=style)
    slos = parse_valid_slos(texts, options)
    if settings is None or slos is None:
        return PROBLEMS_FOUND
    configure_logging(settings.log_format)
    files = SpecFiles(lambda: _reread_specs(arguments.specs, texts), texts, options)
    tune_garbage_collector()
    raise_descriptor_limit()
    # While it leaves nobody listens any more; without a handler the signal would kill it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sidecar = build_sidecar(slos, settings, time=start_clock(since=time.time()), files=files)
    run_and_exit(_serve_sidecar(sidecar))
    return FINE


def _read_settings(arguments: argparse.Namespace) -> Settings | None:
    """Read the configuration file, or the options in place of one; None after printing its problems."""
    if arguments.config is None:
        if arguments.target is None:
            raise CouldNotRun("what is to be watched? Give --target URL, or --config FILE")
        return _single_target_settings(arguments)
    for option in ("target", "target_label", "interval", "listen"):
        if getattr(arguments, option):
            raise CouldNotRun(f"--{option.replace('_', '-')} stands in the file when there is a --config")
    try:
        content = Path(arguments.config).read_bytes()
    except OSError as error:
        raise CouldNotRun(f"{arguments.config}: {error.strerror}") from error
    settings, problems = read_configuration(arguments.config, content)
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


def _reread_specs(paths: Sequence[str], first_texts: SpecTexts) -> SpecTexts:
    """Read the specs as they are now; what came through a pipe stays as it was at first."""
    piped = [(path, text) for path, text in first_texts if text is not None and is_read_once(path)]
    files = [path for path in paths if path != STANDARD_INPUT and not is_read_once(path)]
    return [*piped, *(read_spec_files(files, sys.stdin.buffer) if files else [])]


async def _serve_sidecar(sidecar: Sidecar) -> None:
    """Serve until a signal; raises CouldNotRun for a store or an address that cannot be used."""
    # Before anybody reads that it serves.
    stop = listen_for_stop_signals()
    web, snapshot = sidecar.web, sidecar.feed.snapshot
    for unsupported in snapshot.unsupported:
        _log.warning("%s is not watched: %s", unsupported.slo.id, unsupported.reason)
    try:
        async with serve_application(build_application(sidecar), web.host, web.port, web.certificate) as url:
            _log.info("watching %d SLOs: %s", len(snapshot.states), url)
            await stop.wait()
    except (UnusableStore, UnusableCertificate) as unusable:
        raise CouldNotRun(str(unusable)) from unusable
    except OSError as error:
        raise CouldNotRun(
            f"cannot listen on {web.host}:{web.port}: {error.strerror}; choose another"
        ) from error


def _parse_label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not LABEL_NAME.fullmatch(name):
        raise ValueError(f"a label is NAME=VALUE, got {text!r}")
    return name, value
