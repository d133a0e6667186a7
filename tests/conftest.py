"""The end of a run: what it measured, its coverage, which tests did not run, and why."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, settings

Figure: TypeAlias = Callable[[str], None]

# How fast an example runs is measured by benchmarks, not asserted: machines are shared. Examples are the same
# at each run, so that no run fails by chance: what looks for new ones is marked `full`, or is `make fuzz`.
settings.register_profile(
    "patient", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Keeps a measured line for the end of the run."""
    return lambda text: record_property("figure", text)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """After everything else, so that the last lines name what did not run."""
    yield
    _section(terminalreporter, "figures", [*_figures(terminalreporter), *_coverage()])
    _section(terminalreporter, "did not run", _did_not_run(terminalreporter))


def _section(reporter: pytest.TerminalReporter, title: str, lines: list[str]) -> None:
    if lines:
        reporter.section(title)
    for line in lines:
        reporter.write_line(line)


def _figures(reporter: pytest.TerminalReporter) -> list[str]:
    reports = [*reporter.getreports("passed"), *reporter.getreports("failed")]
    return [
        f"{report.nodeid}: {text}"
        for report in reports
        if report.when == "call"
        for name, text in report.user_properties
        if name == "figure"
    ]


def _coverage() -> Iterator[str]:
    """Yield the share of lines that ran, where slipcover has merged what its workers counted."""
    directory = os.environ.get("SLIPCOVER_COVERAGE_DIR")
    if directory is not None and (merged := Path(directory) / "merged.json").exists():
        summary = json.loads(merged.read_text())["summary"]
        lines = summary["covered_lines"] + summary["missing_lines"]
        yield f"coverage: {summary['percent_covered']:.1f} % of {lines:,} lines of sloctl/ ran in the tests"


def _did_not_run(reporter: pytest.TerminalReporter) -> list[str]:
    reasons = Counter(_reason(report) for report in reporter.getreports("skipped"))
    return [f"{tests} × {reason}" for reason, tests in sorted(reasons.items())]


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """A skip's report is (file, line, "Skipped: reason")."""
    match report.longrepr:
        case (_, _, str(reason)):
            return reason.removeprefix("Skipped: ")
        case other:
            return str(other)
