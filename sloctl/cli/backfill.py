"""Give a new SLO full windows: compute its rollups over the past that a Prometheus still holds.

Writes OpenMetrics files, one a day, into DIR. A file that is there is kept, so an interrupted run goes on
where it stopped. Nothing that rules have already recorded is written again. Load the files with promtool,
into the data directory of the same Prometheus.

example:
  sloctl backfill slos/shop.yaml --prometheus http://127.0.0.1:9090 --from 30d -o backfill
  for file in backfill/*.om; do promtool tsdb create-blocks-from openmetrics "$file" /prometheus; done
"""

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from sloctl import outputs
from sloctl.backfill.rollups import BackfillRange, RangeQuery, missing_range, openmetrics_text
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.spec_arguments import parse_valid_slos, read_spec_texts
from sloctl.compiler import Artefact
from sloctl.duration import format_duration, parse_duration
from sloctl.model import Slo
from sloctl.naming import LABEL_STYLES, LabelStyle
from sloctl.prometheus.client import PrometheusClient, PrometheusError
from sloctl.slo.resolutions import COARSE_STEP, MAX_FINE_LOOKBACK
from sloctl.timestamps import format_day

_BAR: Final = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "specs", nargs="+", metavar="SPEC", help="a file, a directory, a glob, or - for standard input"
    )
    parser.add_argument("--prometheus", metavar="URL", required=True, help="that holds the raw series")
    parser.add_argument(
        "--from",
        dest="since",
        metavar="DURATION",
        type=_duration,
        help="how far back; by default the longest window of the specs",
    )
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="where the files go")
    parser.add_argument(
        "--label-style", choices=LABEL_STYLES, default="slo", help="as given to compile; default slo"
    )


def run(arguments: argparse.Namespace) -> int:
    slos = parse_valid_slos(read_spec_texts(arguments.specs))
    if slos is None:
        return PROBLEMS_FOUND
    end = int(time.time()) // COARSE_STEP * COARSE_STEP
    since = end - (arguments.since or max(slo.window.seconds for slo in slos))
    history = BackfillFiles(
        slos, LABEL_STYLES[arguments.label_style], BackfillRange(since, end), arguments.prometheus
    )
    try:
        written = history.write_missing_days(arguments.output)
    except PrometheusError as error:
        raise CouldNotRun(str(error)) from error
    except OSError as error:
        raise CouldNotRun(f"{error.filename}: {error.strerror}") from error
    print(f"{len(slos)} SLOs, {written} files written to {arguments.output}", file=sys.stderr)
    return FINE


class BackfillFiles:
    """What is missing of each SLO, and where to ask for it."""

    def __init__(self, slos: Sequence[Slo], style: LabelStyle, past: BackfillRange, url: str) -> None:
        api = PrometheusClient(url)
        self._slos = slos
        self._style = style
        self._past = past
        self._ask: RangeQuery = lambda query, start, end, step: api.query_range(
            query, start=start, end=end, step=step
        )

    def write_missing_days(self, directory: Path) -> int:
        """One file a day, days that are there aside; returns how many were written."""
        gaps = [(slo, missing_range(slo, self._style, self._past, self._ask)) for slo in self._slos]
        days = list(self._past.split_days())
        written = 0
        for number, day in enumerate(days, start=1):
            name = f"rollups-{format_day(day.start)}.om"
            if not (directory / name).exists() and (text := self._day(gaps, day)):
                written += outputs.write_artefacts(directory, [Artefact(name, f"{text}# EOF\n")])
            _show(number, len(days))
        return written

    def _day(self, gaps: Iterable[tuple[Slo, BackfillRange]], day: BackfillRange) -> str:
        return "".join(
            openmetrics_text(slo, self._style, piece, fine_after=gap.end - MAX_FINE_LOOKBACK, ask=self._ask)
            for slo, gap in gaps
            if (piece := day.intersect_with(gap)) is not None
        )


def _show(done: int, days: int) -> None:
    """A bar that redraws itself where someone watches."""
    if sys.stderr.isatty():
        filled = _BAR * done // days
        end = "\n" if done == days else ""
        print(f"\r[{'#' * filled:<{_BAR}}] {done} of {days} days", end=end, file=sys.stderr, flush=True)


def _duration(text: str) -> int:
    try:
        seconds = int(parse_duration(text))
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from wrong
    if seconds < COARSE_STEP:
        raise argparse.ArgumentTypeError(f"at least {format_duration(COARSE_STEP)}, got {text}")
    return seconds // COARSE_STEP * COARSE_STEP
