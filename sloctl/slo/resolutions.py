"""Resolutions: the step at which events are counted (a rollup) for each lookback that is summed from them.

A lookback is the sum of the rollups whose end lies within (now - lookback + step/2, now]. The half step makes
the sum hold exactly lookback/step rollups whether the reader's ranges are closed (Prometheus 2) or left-open
(Prometheus 3), for a reader that looks up to half a step after the newest rollup.
"""

from functools import lru_cache
from typing import Final

from msgspec import Struct

from sloctl.duration import HOUR, MINUTE
from sloctl.model import PolicyRow, Severity
from sloctl.slo.policy import rows_of_severity

FINE_STEP: Final = MINUTE
COARSE_STEP: Final = 5 * MINUTE
MAX_FINE_LOOKBACK: Final = 6 * HOUR
# What a repair counts happened within so many seconds before its stamp, and nothing tells when.
REPAIR_REACH: Final = 6 * HOUR
# The rule group in which the alerts of each severity are evaluated, by its step.
SEVERITY_STEP: Final = {Severity.PAGE: FINE_STEP, Severity.TICKET: COARSE_STEP}


class Resolution(Struct, frozen=True):
    """A lookback and the step of the rollups that serve it; seconds."""

    lookback: int
    step: int

    @property
    def range_seconds(self) -> int:
        """Return the range over which the rollups are selected: half a step less than the lookback."""
        return self.lookback - self.step // 2

    @property
    def certain_range_seconds(self) -> int:
        """Return the range of repairs all of whose events lie within the lookback; 0 where there is none."""
        return max(0, self.range_seconds - REPAIR_REACH)


class Resolutions(Struct, frozen=True):
    """Every lookback of an SLO, from the shortest to the window."""

    entries: tuple[Resolution, ...]

    def for_lookback(self, lookback: int) -> Resolution:
        return next(entry for entry in self.entries if entry.lookback == lookback)

    def with_step(self, step: int) -> tuple[Resolution, ...]:
        return tuple(entry for entry in self.entries if entry.step == step)


@lru_cache(maxsize=256)  # few policies, many SLOs
def build_resolutions(policy: tuple[PolicyRow, ...], window: int) -> Resolutions:
    """Serve the lookbacks of pages from fine rollups, all others from coarse ones.

    Five minutes are always there, for the current burn rate. A page's lookback of more than six hours is
    coarse too; one that coarse rollups do not add up to, or of two of them at most, is fine in any case.
    """
    paged = {it for row in rows_of_severity(policy, Severity.PAGE) for it in (row.long, row.short)}
    lookbacks = {it for row in policy for it in (row.long, row.short)} | {window, COARSE_STEP}
    fine = {
        it
        for it in lookbacks
        if it % COARSE_STEP or it <= (MAX_FINE_LOOKBACK if it in paged else 2 * COARSE_STEP)
    }
    return Resolutions(
        tuple(Resolution(it, FINE_STEP if it in fine else COARSE_STEP) for it in sorted(lookbacks))
    )


class EventCounts(Struct, frozen=True):
    """Bad and all events of some span of time; estimates, so not whole numbers."""

    error: float
    total: float

    @property
    def error_ratio(self) -> float | None:
        """Return errors per event, None without events: no traffic is neither good nor bad."""
        return self.error / self.total if self.total > 0 else None
