"""Log what does not work: once, again at intervals, and when it works again."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from sloctl.duration import MINUTE
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.component import Issues
from sloctl.sidecar.engine.tick_loop import SnapshotFeed
from sloctl.sidecar.runtime import run_in_background

_REMIND_SECONDS: Final = 10 * MINUTE

_log: Final = logging.getLogger(__name__)


class IssueLog:
    """The issues that are known, with when each was last logged (Unix seconds)."""

    def __init__(self) -> None:
        self._logged_at: dict[str, float] = {}

    def log_changes(self, issues: Mapping[str, str], now: float) -> None:
        """Log the issues that are new, have been there for long, or are over."""
        due = [name for name in issues if now - self._logged_at.get(name, float("-inf")) >= _REMIND_SECONDS]
        for name in due:
            _log.warning("%s: %s", name, issues[name])
        for name in self._logged_at.keys() - issues.keys():
            _log.info("%s: works again", name)
        self._logged_at = {name: now if name in due else self._logged_at[name] for name in issues}


@asynccontextmanager
async def log_issues(feed: SnapshotFeed, issues: Issues, clock: Clock) -> AsyncIterator[None]:
    """Log the issues as of each snapshot while open."""
    log = IssueLog()

    async def follow_snapshots() -> None:
        while True:
            await feed.next_snapshot()
            log.log_changes(issues(), clock.now())

    async with run_in_background(follow_snapshots(), name="issue log"):
        yield
