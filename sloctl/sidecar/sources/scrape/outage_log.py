"""Log targets that are down: once, again at intervals, and when they answer."""

import logging
from collections.abc import Sequence
from typing import Final

from sloctl.duration import MINUTE
from sloctl.sidecar.sources.scrape.targets import TargetState

_REMIND_SECONDS: Final = 10 * MINUTE
_MOST_NAMED: Final = 10

_log: Final = logging.getLogger(__name__)


class OutageLog:
    """The targets that are known to be down, with when that was last logged (Unix seconds)."""

    def __init__(self) -> None:
        self._logged_at: dict[str, float] = {}

    def log_changes(self, states: Sequence[TargetState], now: float) -> None:
        """Log the targets that went down, have been down for long, or are up again."""
        down = {state.url: state.error for state in states if state.up is False}
        due = [url for url in down if now - self._logged_at.get(url, float("-inf")) >= _REMIND_SECONDS]
        for url in due[:_MOST_NAMED]:
            _log.warning("target %s is down: %s", url, down[url])
        if len(due) > _MOST_NAMED:
            _log.warning("%d more targets are down: /api/v1/targets", len(due) - _MOST_NAMED)
        recovered = [state.url for state in states if state.up and state.url in self._logged_at]
        for url in recovered[:_MOST_NAMED]:
            _log.info("target %s answers again", url)
        if len(recovered) > _MOST_NAMED:
            _log.info("%d more targets answer again", len(recovered) - _MOST_NAMED)
        self._logged_at = {url: now if url in due else self._logged_at[url] for url in down}
