"""A new SLO on a month of history: how far off its window is before a backfill and after; how long one takes.

The rules have run for the last hours of the month only, their repair included. The files that the command
writes are loaded by promtool, as a user would, and the same rule is asked again.
"""

import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.rules import designs
from bench.rules.evaluation import evaluate
from bench.rules.history import Month
from bench.rules.measurement import PHASES, Say, load
from bench.rules.profile import END, START, Profile
from bench.rules.rule_file import needed
from bench.rules.server import server
from bench.rules.traffic import seeded
from sloctl.cli.backfill import write_missing_days
from sloctl.duration import HOUR
from sloctl.naming import NATIVE_STYLE
from sloctl.prometheus.answers import QueryRange
from sloctl.prometheus.credentials import ClientOptions
from sloctl.prometheus.plain_client import PrometheusClient
from sloctl.spec import read_specs
from tests.real import promtool

# The rules began this long before the end of the month.
_RUN: Final = 2 * HOUR
_NAME: Final = "first-day"


@dataclass(frozen=True, slots=True)
class FirstDay:
    """The window's error ratio, None where nothing is known; seconds to write and to load; size in bytes."""

    profile: Profile
    prometheus: str
    true: float
    before: float | None
    after: float | None
    writing: float
    loading: float
    size: int


def first_day(profile: Profile, seed: int, say: Say) -> FirstDay:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        files, held = directory / "files", directory / "prometheus"
        with server(held) as running:
            say(f"{profile.name}, backfill: loading the month")
            truth = load(running, Month(profile, seeded(seed)))
            design = designs.sloctl(profile, _NAME, (PHASES[0], PHASES[1], PHASES[2]), directory)
            window = design.readings[-1]
            rules = needed(design.rules, [window.rule])
            evaluate(running, rules, lambda _: [(END - _RUN, END - 1)])
            at = window.rule.before(END - 1)
            before = running.value(window.rule.rule.expr, at)
            say(f"{profile.name}, backfill: writing")
            slos = read_specs([(_NAME, (directory / f"{_NAME}.yaml").read_bytes())]).slos
            began = time.monotonic()
            write_missing_days(
                slos,
                NATIVE_STYLE,
                QueryRange(START, END),
                ask=PrometheusClient(running.url, ClientOptions(timeout_seconds=120)).query_range,
                directory=files,
            )
            writing = time.monotonic() - began
        say(f"{profile.name}, backfill: loading")
        began = time.monotonic()
        _load(sorted(files.glob("*.om")), held / "data")
        loading = time.monotonic() - began
        with server(held) as running:
            after = running.value(window.rule.rule.expr, at)
            size = sum(file.stat().st_size for file in files.iterdir())
            true = truth.ratio(at, window.lookback)
            return FirstDay(profile, running.version, true, before, after, writing, loading, size)


def _load(files: Sequence[Path], data: Path) -> None:
    for file in files:
        command = [promtool(), "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(file), str(data)]
        subprocess.run(command, check=True, capture_output=True)
