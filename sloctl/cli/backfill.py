"""Give a new SLO full windows: compute its rollups over the past that a Prometheus still holds.

Writes OpenMetrics files, one a day, into DIR. A file that is there is kept, so an interrupted run goes on
where it stopped. Nothing that rules have already recorded is written again. Load the files with promtool,
into the data directory of the same Prometheus.

example:
  sloctl backfill slos/shop.yaml --prometheus http://127.0.0.1:9090 --from 30d -d backfill
  for file in backfill/*.om; do promtool tsdb create-blocks-from openmetrics "$file" /prometheus; done
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sloctl import outputs
from sloctl.backfill.published import RollupHistory, read_rollups
from sloctl.backfill.rollups import RangeQuery, missing_range, openmetrics_text
from sloctl.cli.arguments import add_label_style, add_output_directory, add_specs, argument_type
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.past_arguments import DayProgress
from sloctl.cli.server_arguments import add_prometheus_url, add_server_options, read_client_options
from sloctl.cli.spec_arguments import parse_valid_slos, read_spec_texts, reading_options
from sloctl.compiler import Artefact
from sloctl.duration import format_duration, parse_duration
from sloctl.model import Slo
from sloctl.naming import LABEL_STYLES, LabelStyle
from sloctl.prometheus.answers import QueryRange
from sloctl.prometheus.errors import PrometheusError
from sloctl.prometheus.plain_client import PrometheusClient
from sloctl.slo.resolutions import COARSE_STEP
from sloctl.timestamps import format_day

# A day of raw series of many pods takes its time.
_TIMEOUT_SECONDS: Final = 120.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_specs(parser)
    add_prometheus_url(parser, help_text="that holds the raw series")
    parser.add_argument(
        "--from",
        dest="past_seconds",
        metavar="DURATION",
        type=argument_type(_parse_past),
        help="how far back; by default the longest window of the specs",
    )
    add_output_directory(parser, required=True, help_text="where the files go")
    add_label_style(parser)
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    slos = parse_valid_slos(read_spec_texts(arguments.specs), reading_options(arguments))
    if slos is None:
        return PROBLEMS_FOUND
    end = int(time.time()) // COARSE_STEP * COARSE_STEP
    start = end - (arguments.past_seconds or max(slo.window.longest for slo in slos))
    options = read_client_options(arguments, arguments.prometheus, timeout_seconds=_TIMEOUT_SECONDS)
    try:
        written = write_missing_days(
            slos,
            LABEL_STYLES[arguments.label_style],
            QueryRange(start, end),
            ask=PrometheusClient(arguments.prometheus, options).query_range,
            directory=arguments.output_dir,
        )
    except PrometheusError as error:
        raise CouldNotRun(str(error)) from error
    print(f"{len(slos)} SLOs, {written} files written to {arguments.output_dir}", file=sys.stderr)
    return FINE


def write_missing_days(
    slos: Sequence[Slo], style: LabelStyle, past: QueryRange, *, ask: RangeQuery, directory: Path
) -> int:
    """Write one file for each day that has none yet; returns how many were written."""
    missing = [(slo, missing_range(slo, style, past, ask)) for slo in slos]
    days = list(past.split_days())
    written = 0
    histories = {slo.id: RollupHistory() for slo in slos}
    progress = DayProgress(len(days))
    for day in days:
        name = f"rollups-{format_day(day.start)}.om"
        if (directory / name).exists():
            _read_written_day(directory / name, slos, style, histories)
        else:
            text = "".join(
                openmetrics_text(
                    slo,
                    style,
                    piece,
                    history=histories[slo.id],
                    ask=ask,
                )
                for slo, wanted in missing
                if (piece := day.intersect_with(wanted)) is not None
            )
            if text:
                written += outputs.write_artefacts(directory, [Artefact(name, f"{text}# EOF\n")])
        progress.advance()
    return written


def _read_written_day(
    file: Path, slos: Sequence[Slo], style: LabelStyle, histories: Mapping[str, RollupHistory]
) -> None:
    """Read what an interrupted run wrote, since the windows of later days reach into it."""
    read_rollups(file.read_text(encoding="utf-8").split("\n"), style, slos, histories)


def _parse_past(text: str) -> int:
    """Parse a duration into whole coarse steps, in seconds; raises ValueError below one step."""
    seconds = int(parse_duration(text))
    if seconds < COARSE_STEP:
        raise ValueError(f"at least {format_duration(COARSE_STEP)}, got {text}")
    return seconds // COARSE_STEP * COARSE_STEP
