"""A fleet of SLOs in one real Prometheus, sloctl's rules and Sloth's in turn: a Markdown table.

Run as `make bench-fleet`; `ARGS="--slos 1000 --minutes 15"` is what docs/benchmarks.md shows. The history of
a day, raw and recorded, is there as blocks before either starts, and both scrape the same exporter.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import yaml

from bench.fleet.exporter import running_exporter
from bench.fleet.history import SCRAPE, sloctl_rollups, sloth_ratios, write_raw_blocks
from bench.fleet.services import JOB, FleetSlo, RawSeries, by_service, fleet, write_sloth_specs, write_specs
from bench.rules.peers import TOOLS
from sloctl.duration import DAY, MINUTE
from tests.real import Prometheus, backfill, running_prometheus

# Rules have been evaluated for the first time, and caches are warm.
_SETTLES_AFTER: Final = 2 * MINUTE
_LOOKS_EVERY: Final = 10.0
_RECORDED: Final = 'count({__name__=~"slo:.+|slo_info|sloth_slo_info"})'


Compile = Callable[[Sequence[FleetSlo], Path], dict[str, str]]
Recorded = Callable[[Sequence[FleetSlo], range], Iterable[tuple[str, float, float]]]


@dataclass(frozen=True, slots=True)
class FleetCost:
    """What one design's rules took of a server; times in seconds a minute, memory in bytes."""

    evaluation: float
    processor: float
    missed: int
    failed: int
    memory: float
    series: int | None
    unanswered: int
    restart: float | None
    rule_bytes: int
    rule_files: int


def main() -> None:
    arguments = _parser().parse_args()
    slos = fleet(arguments.slos)
    designs: dict[str, tuple[Compile, Recorded]] = {"sloctl": (compile_sloctl, sloctl_rollups)}
    if (TOOLS / "sloth").exists() and not arguments.only_sloctl:
        designs["Sloth"] = (compile_sloth, sloth_ratios)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        services: dict[str, Sequence[RawSeries]] = {
            service: [series for slo in members for series in slo.raw_series()]
            for service, members in by_service(slos).items()
        }
        now = int(time.time()) // MINUTE * MINUTE
        times = range(now - int(arguments.days * DAY), now, SCRAPE)
        count = sum(map(len, services.values()))
        _say(f"{len(slos)} SLOs: loading {arguments.days:g} days of {count:,} series")
        blocks = write_raw_blocks(services, directory / "loader", times)
        found = {}
        with running_exporter(services) as port:
            for design, (compile_rules, recorded) in designs.items():
                _say(f"{design}: {arguments.minutes} minutes")
                place = directory / design
                shutil.copytree(blocks, place / "data", copy_function=os.link)
                backfill(place, recorded(slos, times))
                rules = compile_rules(slos, place)
                config = _config(services, port)
                found[design] = _measure(place, rules=rules, config=config, minutes=arguments.minutes)
                # Already now: what comes after may be too much for this machine.
                _say("\n".join(_table({design: found[design]}, arguments)))
    print("\n".join(_table(found, arguments)))


def compile_sloctl(slos: Sequence[FleetSlo], directory: Path) -> dict[str, str]:
    """Rule files by name, as `sloctl compile` writes them."""
    specs, output = directory / "specs", directory / "out"
    write_specs(list(slos), specs)
    command = [sys.executable, "-m", "sloctl", "compile", str(specs), "-d", str(output), "--only", "rules"]
    subprocess.run(command, check=True, capture_output=True)
    return {path.name: path.read_text() for path in (output / "alerts").iterdir()}


def compile_sloth(slos: Sequence[FleetSlo], directory: Path) -> dict[str, str]:
    """Rule files by name, as `sloth generate` writes them."""
    specs, output = directory / "specs", directory / "out"
    write_sloth_specs(list(slos), specs)
    output.mkdir()
    command = [str(TOOLS / "sloth"), "generate", "--no-log", "-i", str(specs), "-o", str(output)]
    subprocess.run(command, check=True, capture_output=True)
    return {path.name: path.read_text() for path in output.rglob("*.yaml")}


def _config(services: Iterable[str], port: int) -> str:
    """A scrape configuration with a target for each service."""
    targets = [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {"instance": service, "__metrics_path__": f"/{service}"},
        }
        for service in services
    ]
    config = {
        "global": {"scrape_interval": f"{SCRAPE}s", "evaluation_interval": "1m"},
        "scrape_configs": [{"job_name": JOB, "static_configs": targets}],
    }
    return yaml.safe_dump(config)


def _measure(directory: Path, *, rules: dict[str, str], config: str, minutes: float) -> FleetCost:
    with running_prometheus(directory, config=config, rules=rules) as server:
        time.sleep(_SETTLES_AFTER)
        started, before = _first_look(server)
        memory = before["process_resident_memory_bytes"]
        seen_at, after, unanswered = started, before, 0
        while time.monotonic() < started + minutes * MINUTE:
            time.sleep(_LOOKS_EVERY)
            if (look := _own_metrics(server)) is None:
                unanswered += 1
                continue
            seen_at, after = time.monotonic(), look
            memory = max(memory, after["process_resident_memory_bytes"])
        took = (seen_at - started) / MINUTE
        series = _recorded_series(server)
    restarted, restart = time.monotonic(), None
    # A server that is not ready within a minute is an assertion that fails.
    with suppress(AssertionError), running_prometheus(directory, config=config, rules=rules):
        restart = time.monotonic() - restarted

    def grown(metric: str) -> float:
        return after[metric] - before[metric]

    return FleetCost(
        evaluation=grown("prometheus_rule_evaluation_duration_seconds_sum") / took,
        processor=grown("process_cpu_seconds_total") / took,
        missed=int(grown("prometheus_rule_group_iterations_missed_total")),
        failed=int(grown("prometheus_rule_evaluation_failures_total")),
        memory=memory,
        series=series,
        unanswered=unanswered,
        restart=restart,
        rule_bytes=sum(len(text.encode()) for text in rules.values()),
        rule_files=len(rules),
    )


def _first_look(server: Prometheus) -> tuple[float, dict[str, float]]:
    """The server's own metrics and when they came, as soon as it answers."""
    while (look := _own_metrics(server)) is None:
        _say("the server does not answer yet")
    return time.monotonic(), look


def _recorded_series(server: Prometheus) -> int | None:
    try:
        return int(server.instant(_RECORDED)[0].value)
    # The second where it answers that it could not.
    except (OSError, AssertionError):
        return None


def _own_metrics(server: Prometheus) -> dict[str, float] | None:
    """The server's metrics of itself, summed over their labels; None where it does not answer."""
    sums: dict[str, float] = {}
    try:
        text = server.get("/metrics").decode()
    except OSError:
        return None
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            metric = name.partition("{")[0]
            sums[metric] = sums.get(metric, 0.0) + float(value)
    return sums


def _table(found: dict[str, FleetCost], arguments: argparse.Namespace) -> list[str]:
    rows: dict[str, Callable[[FleetCost], str]] = {
        "rule evaluation, seconds a minute": lambda cost: f"{cost.evaluation:.2f}",
        "processor of the server, seconds a minute": lambda cost: f"{cost.processor:.2f}",
        "missed evaluations": lambda cost: f"{cost.missed}",
        "failed evaluations": lambda cost: f"{cost.failed}",
        "memory of the server, at most": lambda cost: f"{cost.memory / 2**20:,.0f} MiB",
        "looks at the server, every ten seconds, that it did not answer": lambda cost: f"{cost.unanswered}",
        "series recorded": lambda cost: "no answer" if cost.series is None else f"{cost.series:,}",
        "from a restart to ready": lambda cost: (
            "over a minute" if cost.restart is None else f"{cost.restart:.1f} s"
        ),
        "rule files": lambda cost: f"{cost.rule_files}, {cost.rule_bytes / 1e6:.1f} MB",
    }
    conditions = (
        f"{arguments.slos:,} SLOs of 20 series, {arguments.days:g} days of history, "
        f"{arguments.minutes:g} minutes each; Python {platform.python_version()}, {platform.machine()}, "
        f"{os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}."
    )
    return [
        conditions,
        "",
        f"| | {' | '.join(found)} |",
        "|---|" + "---|" * len(found),
        *(f"| {name} | {' | '.join(map(write, found.values()))} |" for name, write in rows.items()),
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-fleet", description=__doc__)
    parser.add_argument("--slos", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=6, help="how long each is watched")
    parser.add_argument("--days", type=float, default=1, help="how much history there is")
    parser.add_argument("--only-sloctl", action="store_true", help="without Sloth's rules")
    return parser


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
