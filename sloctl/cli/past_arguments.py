"""The past of a Prometheus, which `backfill`, `backtest` and `migrate --prove` read day by day."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sloctl.cli.arguments import OptionHolder, argument_type
from sloctl.duration import HOUR, parse_duration
from sloctl.slo.resolutions import COARSE_STEP

_BAR_WIDTH: Final = 30


def add_past(parser: OptionHolder, *, default: int, most: int, bounds: str, help_text: str) -> None:
    """Add --from DURATION, an hour to *most* seconds, in whole coarse steps; *bounds* says so in words."""
    parser.add_argument(
        "--from",
        dest="past_seconds",
        metavar="DURATION",
        type=argument_type(_past_parser(most, bounds)),
        default=default,
        help=help_text,
    )


def _past_parser(most: int, bounds: str) -> Callable[[str], int]:
    def parse_past(text: str) -> int:
        seconds = int(parse_duration(text))
        if not HOUR <= seconds <= most:
            raise ValueError(f"between {bounds}; got {text}")
        return seconds // COARSE_STEP * COARSE_STEP

    return parse_past


def add_cache(parser: OptionHolder, name: str) -> None:
    """Add --cache DIR, by default the folder *name* of sloctl's cache."""
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, help=f"where days are kept; default ~/.cache/sloctl/{name}"
    )


def cache_directory(arguments: argparse.Namespace, name: str) -> Path:
    """Return the folder that --cache names, else the default one."""
    base = os.environ.get("XDG_CACHE_HOME")
    own = (Path(base) if base else Path.home() / ".cache") / "sloctl" / name
    chosen: Path | None = arguments.cache
    return own if chosen is None else chosen


class DayProgress:
    """A bar on standard error, where that is a terminal; *unit* is what is counted."""

    def __init__(self, steps: int, *, unit: str = "days") -> None:
        self._steps = steps
        self._unit = unit
        self._done = 0

    def advance(self) -> None:
        """Note one more step."""
        self._done = min(self._done + 1, self._steps)
        if sys.stderr.isatty():
            bar = "#" * (_BAR_WIDTH * self._done // self._steps)
            line = f"\r[{bar:<{_BAR_WIDTH}}] {self._done} of {self._steps} {self._unit}"
            print(line, end="\n" if self._done == self._steps else "", file=sys.stderr, flush=True)
