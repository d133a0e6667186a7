"""What really happened, kept by the traffic itself, and when it should have paged.

Shares nothing with the sidecar but the formulas of burn: sums are taken over a plain list.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from sloctl.duration import HOUR
from sloctl.model import PolicyRow, Severity, Slo
from sloctl.slo import burn
from sloctl.slo.policy import alert_threshold, rows_of_severity

_RETENTION: Final = 7 * HOUR


@dataclass(frozen=True, slots=True)
class TrafficBatch:
    """The requests of a moment, up to *at*."""

    at: float
    errors: float
    total: float


class GroundTruth:
    """Requests and failures of the last seven hours."""

    def __init__(self) -> None:
        self._happened: deque[TrafficBatch] = deque()

    def record_requests(self, at: float, *, errors: float, total: float) -> None:
        self._happened.append(TrafficBatch(at, errors, total))
        while self._happened[0].at < at - _RETENTION:
            self._happened.popleft()

    def page_due(self, slo: Slo, since: float) -> float | None:
        """The first moment from *since* at which a page alert of *slo* has reason to fire."""
        rows = rows_of_severity(slo.alerting.policy, Severity.PAGE)
        moments = [happened.at for happened in self._happened if happened.at >= since]
        return next((at for at in moments if any(self._fires(slo, row, at) for row in rows)), None)

    def _fires(self, slo: Slo, row: PolicyRow, at: float) -> bool:
        long, short = self._error_ratio(at, row.long), self._error_ratio(at, row.short)
        return burn.is_firing(long, short, alert_threshold(row, slo.window.seconds, slo.budget)) is True

    def _error_ratio(self, at: float, lookback: int) -> float | None:
        within = [happened for happened in self._happened if at - lookback < happened.at <= at]
        total = sum(happened.total for happened in within)
        return sum(happened.errors for happened in within) / total if total else None
