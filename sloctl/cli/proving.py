"""`sloctl migrate --prove`: the options, the progress and the limits of asking a real Prometheus."""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Final

from sloctl.backtest.count_cache import CountCache
from sloctl.cli.arguments import argument_type
from sloctl.cli.exit_codes import CouldNotRun
from sloctl.cli.past_arguments import DayProgress, add_cache, add_past, cache_directory
from sloctl.cli.server_arguments import add_prometheus_url, add_server_options, read_client_options
from sloctl.cli.spec_arguments import reading_options
from sloctl.duration import DAY, format_duration
from sloctl.migrate.migration import Migration
from sloctl.model import Slo
from sloctl.prometheus.answers import QueryRange
from sloctl.prometheus.errors import PrometheusError, redact_url
from sloctl.prometheus.plain_client import PrometheusClient
from sloctl.proof.comparison import SloComparison, total_days
from sloctl.proof.prove import ProofServer, estimate_samples, prove_slo
from sloctl.slo.resolutions import COARSE_STEP
from sloctl.spec import read_specs
from sloctl.spec.dialects.translation import OriginalRatio
from sloctl.timestamps import parse_rfc3339

# A day of raw series of many pods takes its time.
_TIMEOUT_SECONDS: Final = 120.0
# About what ten minutes of a Prometheus on one core read.
_MAX_SAMPLES: Final = 10_000_000_000
_CACHE: Final = "proof"


def add_proof_options(parser: argparse.ArgumentParser) -> None:
    """Add --prove and what belongs to it."""
    group = parser.add_argument_group("proof on a real Prometheus")
    group.add_argument("--prove", action="store_true", help="compare both sides over the past")
    add_prometheus_url(group, help_text="that holds the raw series", required=False)
    add_past(
        group,
        default=7 * DAY,
        most=90 * DAY,
        bounds="an hour and 90 days, like 7d",
        help_text="how far back; default 7d",
    )
    group.add_argument(
        "--until",
        metavar="TIME",
        type=argument_type(_parse_moment),
        help="where the past ends, as 2026-11-30T12:00:00Z; default now",
    )
    group.add_argument("--slo", action="append", metavar="ID", help="only this SLO; may stand several times")
    group.add_argument(
        "--max-samples",
        type=int,
        default=_MAX_SAMPLES,
        metavar="N",
        help="refuse what would have the server read more; default 10,000,000,000",
    )
    add_cache(group, _CACHE)
    add_server_options(parser)


def prove_migration(migration: Migration, arguments: argparse.Namespace) -> list[SloComparison]:
    """Prove every SLO of *migration* that has an original; raises CouldNotRun."""
    url = arguments.prometheus
    if url is None:
        raise CouldNotRun("--prove asks a Prometheus: name it with --prometheus URL")
    files = [(file.path, file.text.encode()) for file in migration.files]
    slos = {slo.id: slo for slo in read_specs(files, reading_options(arguments)).slos}
    pairs = [
        (slos[original.slo], original)
        for original in migration.originals
        if original.slo in slos and (not arguments.slo or original.slo in arguments.slo)
    ]
    if not pairs:
        raise CouldNotRun("none of these SLOs has an original to be compared with")
    options = read_client_options(arguments, url, timeout_seconds=_TIMEOUT_SECONDS)
    now = int(time.time())
    end = (arguments.until or now) // COARSE_STEP * COARSE_STEP
    span = QueryRange(end - arguments.past_seconds, end)
    directory = cache_directory(arguments, _CACHE)
    try:
        client = PrometheusClient(url, options)
        server = ProofServer(
            client.query_range, client.count_samples, CountCache(directory, redact_url(url)), now
        )
        _check_limit(pairs, span, server, arguments.max_samples)
        progress = DayProgress(
            total_days([slo for slo, _ in pairs], arguments.past_seconds), unit="days of windows"
        )
        past = format_duration(arguments.past_seconds)
        print(f"{len(pairs)} SLOs over the last {past} of {redact_url(url)}", file=sys.stderr)
        return [
            comparison
            for slo, original in pairs
            for comparison in prove_slo(slo, original, span=span, server=server, tell=progress.advance)
        ]
    except PrometheusError as failed:
        raise CouldNotRun(str(failed)) from failed
    except KeyboardInterrupt:
        raise CouldNotRun(f"interrupted; what was fetched is kept in {directory}") from None


def _check_limit(
    pairs: Sequence[tuple[Slo, OriginalRatio]], span: QueryRange, server: ProofServer, most: int
) -> None:
    """Refuse to ask for more than the server should read; nothing big has been asked until then."""
    expected = sum(estimate_samples(slo, original, span=span, server=server) for slo, original in pairs)
    if expected > most:
        past = format_duration(span.end - span.start)
        raise CouldNotRun(
            f"{len(pairs)} SLOs over {past} would have the server read about {expected:,} samples, and "
            f"{most:,} are allowed: choose some with --slo, less time with --from, or raise --max-samples"
        )


def _parse_moment(text: str) -> int:
    try:
        return int(parse_rfc3339(text))
    except ValueError:
        raise ValueError(f"a time like 2026-11-30T12:00:00Z, got {text}") from None
