"""What a run says at its end: which tests did not run, and why."""

from collections import Counter
from collections.abc import Iterator

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """After everything else, so that the last lines name what did not run."""
    yield
    reasons = Counter(_reason(report) for report in terminalreporter.getreports("skipped"))
    if not reasons:
        return
    terminalreporter.section("did not run")
    for reason, tests in sorted(reasons.items()):
        terminalreporter.write_line(f"{tests} × {reason}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """A skip's report is (file, line, "Skipped: reason")."""
    match report.longrepr:
        case (_, _, str(reason)):
            return reason.removeprefix("Skipped: ")
        case other:
            return str(other)
