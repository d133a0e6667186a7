"""Start-up and scale of `sloctl compile`, measured on this machine: a Markdown table on standard output.

Run as `make bench`. Compared programs take turns, so that a busy machine slows both.
"""

import os
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Final

from bench.rules.peers import TOOLS
from bench.run import Run, timed
from bench.specs import SERVICES, SLOS_PER_SERVICE, write_sloth_specs, write_specs

SLOS: Final = Path(__file__).parents[1] / "slos"
TURNS: Final = 31
LARGE_TURNS: Final = 5
BARE: Final = [sys.executable, "-c", "pass"]
HELP: Final = [sys.executable, "-m", "sloctl", "--help"]


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        print("\n".join([*header(), *start_up(Path(directory)), *scale(Path(directory))]))


def header() -> list[str]:
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("sloctl", "msgspec", "promql-parser", "pyyaml")
    )
    return [
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores; {packages}.",
        "",
        "| what | median wall | best wall | times a bare Python | peak memory | limit |",
        "|---|---|---|---|---|---|",
    ]


def start_up(directory: Path) -> list[str]:
    """The shipped specs against a Python that does nothing, turn by turn."""
    commands = {
        "`python -c pass`": BARE,
        "`sloctl --help`": HELP,
        f"`sloctl compile slos -d …`, {len(list(SLOS.glob('*.yaml')))} specs": compiling(
            SLOS, directory / "out"
        ),
    }
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(TURNS):
        for name, command in commands.items():
            runs[name].append(timed(command))
    bare = median_wall(runs["`python -c pass`"])
    return [
        row(name, of, bare=bare, limit="12 times" if "compile" in name else "") for name, of in runs.items()
    ]


def scale(directory: Path) -> list[str]:
    """A thousand generated SLOs, beside Sloth where its binary is installed."""
    specs, theirs, output = directory / "specs", directory / "sloth", directory / "large"
    for place in (specs, theirs, output):
        place.mkdir()
    write_specs(specs)
    write_sloth_specs(theirs)
    count = f"{SERVICES * SLOS_PER_SERVICE:,} SLOs of {SERVICES} services"
    commands = {
        f"`sloctl compile`, {count}": compiling(specs, output),
        f"`sloctl compile --only rules`, {count}": [*compiling(specs, output), "--only", "rules"],
    }
    if (TOOLS / "sloth").exists():
        (output / "sloth").mkdir()
        files = ["-i", str(theirs), "-o", str(output / "sloth")]
        commands[f"`sloth generate`, {count}"] = [str(TOOLS / "sloth"), "generate", "--no-log", *files]
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(LARGE_TURNS):
        for name, command in commands.items():
            runs[name].append(timed(command))
    limits = ["2.5 s, 150 MB"]
    return [
        *(row(name, of, bare=None, limit=limits.pop() if limits else "") for name, of in runs.items()),
        "",
        *rule_sizes({"sloctl": output / "alerts", "Sloth": output / "sloth"}),
    ]


def rule_sizes(directories: dict[str, Path]) -> list[str]:
    """The rule files that were written, of each tool."""
    lines = ["| rules of | size | lines | longest line |", "|---|---|---|---|"]
    for tool, directory in directories.items():
        texts = [path.read_text() for path in directory.rglob("*.yaml")]
        if texts:
            size, count = sum(len(text.encode()) for text in texts), sum(text.count("\n") for text in texts)
            longest = max(len(line) for text in texts for line in text.splitlines())
            lines.append(f"| {tool} | {size / 1e6:.1f} MB | {count:,} | {longest:,} characters |")
    return lines


def compiling(specs: Path, output: Path) -> list[str]:
    return [sys.executable, "-m", "sloctl", "compile", str(specs), "-d", str(output)]


def row(name: str, runs: list[Run], *, bare: float | None, limit: str) -> str:
    wall = median_wall(runs)
    best = min(run.wall for run in runs)
    peak = max(run.peak for run in runs) / 1e6
    times = "" if bare is None else f"{wall / bare:.1f}"
    return f"| {name} | {wall * 1000:,.0f} ms | {best * 1000:,.0f} ms | {times} | {peak:.0f} MB | {limit} |"


def median_wall(runs: list[Run]) -> float:
    return median(run.wall for run in runs)


if __name__ == "__main__":
    main()
