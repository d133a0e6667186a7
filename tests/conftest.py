"""What a run says at its end: what it measured, which tests did not run, and why."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
from hypothesis import settings

Figure: TypeAlias = Callable[[str], None]

# How fast an example runs is measured by benchmarks, not asserted: machines are shared.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Keeps a measured line for the end of the run."""
    return lambda text: record_property("figure", text)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """After everything else, so that the last lines name what did not run."""
    yield
    _section(terminalreporter, "figures", _figures(terminalreporter))
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
