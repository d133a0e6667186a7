"""The true counts, kept by the traffic itself, and the moment at which they should page.

Nothing is shared with the sidecar but the formulas of `slo/`: sums are taken over a plain list.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from sloctl.duration import HOUR
from sloctl.model import Severity, Slo
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
        self._batches: deque[TrafficBatch] = deque()

    def record_requests(self, at: float, *, errors: float, total: float) -> None:
        self._batches.append(TrafficBatch(at, errors, total))
        while self._batches[0].at < at - _RETENTION:
            self._batches.popleft()

    def page_due(self, slo: Slo, since: float) -> float | None:
        """Find the first moment from *since* at which a page alert of *slo* has reason to fire."""
        window, budget = slo.window.seconds, slo.budget
        thresholds = [
            (row, alert_threshold(row, window, budget))
            for row in rows_of_severity(slo.alerting.policy, Severity.PAGE)
        ]
        for batch in self._batches:
            for row, threshold in thresholds if batch.at >= since else ():
                long, short = (self._error_ratio(batch.at, lookback) for lookback in (row.long, row.short))
                if burn.is_firing(long, short, threshold):
                    return batch.at
        return None

    def _error_ratio(self, at: float, lookback: int) -> float | None:
        within = [batch for batch in self._batches if at - lookback < batch.at <= at]
        total = sum(batch.total for batch in within)
        return sum(batch.errors for batch in within) / total if total else None
