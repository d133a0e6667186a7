"""What does not work is in the log: once, again at intervals, and when it works again."""

import pytest

from sloctl.duration import MINUTE
from sloctl.sidecar.telemetry.issue_log import IssueLog


def test_an_issue_is_logged_once_again_after_ten_minutes_and_when_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log, issues = IssueLog(), {"specs": "the specs as they were before are still watched"}

    with caplog.at_level("INFO", logger="sloctl"):
        for seconds in range(0, 11 * MINUTE, 5):
            log.log_changes(issues, float(seconds))
        log.log_changes({}, 11 * MINUTE)

    said = "specs: the specs as they were before are still watched"
    assert caplog.messages == [said, said, "specs: works again"]
