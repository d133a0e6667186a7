"""An alerting policy: its rows, when each of them fires, and which of them say how long the budget lasts.

A policy is a table of `PolicyRow`; all figures of a row follow from its budget share and its lookbacks.
Source: Google, The Site Reliability Workbook, chapter 5.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Final

from sloctl.duration import DAY, HOUR, MINUTE, WEEK
from sloctl.model import Alerting, AlertMetadata, PolicyRow, Severity

# Table 5-8 of the workbook.
WORKBOOK_POLICY: Final = (
    PolicyRow(Severity.PAGE, budget_share=Fraction(2, 100), long=HOUR, short=5 * MINUTE),
    PolicyRow(Severity.PAGE, budget_share=Fraction(5, 100), long=6 * HOUR, short=30 * MINUTE),
    PolicyRow(Severity.TICKET, budget_share=Fraction(10, 100), long=DAY, short=2 * HOUR),
    PolicyRow(Severity.TICKET, budget_share=Fraction(10, 100), long=3 * DAY, short=6 * HOUR),
)

SEVERITY_VERBS: Final = {Severity.PAGE: "Pages", Severity.TICKET: "Opens a ticket"}

# Counts are estimates: an increase of two scrapes that should be 2 may come out as 1.97.
MIN_ERRORS_GRACE: Final = 0.5


def workbook_policy(window: int) -> tuple[PolicyRow, ...]:
    """Return the workbook's rows for a window of *window* seconds.

    Below four weeks the shares of the long lookbacks are raised so far that no alert fires on a burn that the
    budget can sustain. Below a week the factors stay those of a week: of a day, 2 % in one hour are half of
    what it can sustain. A lookback longer than the window is left out. Above thirty days the lookbacks grow
    with the window, in whole multiples, and the factors stay those of thirty days: with the workbook's
    lookbacks a page at 98 % over 12 weeks would wait for 80 % of errors.
    """
    if window > 30 * DAY:
        return tuple(_stretched_row(row, window) for row in WORKBOOK_POLICY)
    if window >= 28 * DAY:
        return WORKBOOK_POLICY
    return tuple(_raised_row(row, window) for row in WORKBOOK_POLICY if row.long <= window)


def _raised_row(row: PolicyRow, window: int) -> PolicyRow:
    factor = max(alert_factor(row, max(window, WEEK)), Fraction(1))
    return PolicyRow(row.severity, factor * row.long / window, row.long, row.short)


def _stretched_row(row: PolicyRow, window: int) -> PolicyRow:
    times = round(window / (30 * DAY))
    long = times * row.long
    share = alert_factor(row, 30 * DAY) * long / window
    return PolicyRow(row.severity, share, long, times * row.short)


def enabled_severities(alerting: Alerting) -> dict[Severity, AlertMetadata]:
    """Map each severity whose burn alert is not disabled to what the spec adds to it; the page first."""
    metadata = {Severity.PAGE: alerting.page, Severity.TICKET: alerting.ticket}
    return {severity: added for severity, added in metadata.items() if added is not None}


def rows_of_severity(policy: Iterable[PolicyRow], severity: Severity) -> tuple[PolicyRow, ...]:
    return tuple(row for row in policy if row.severity is severity)


def rows_by_pending(rows: Sequence[PolicyRow]) -> dict[int | None, tuple[PolicyRow, ...]]:
    """Split the rows of one severity into alerts: one of all rows (None), else one for each pending time."""
    pendings = sorted({row.pending for row in rows})
    if len(pendings) < 2:
        return {None: tuple(rows)} if rows else {}
    return {pending: tuple(row for row in rows if row.pending == pending) for pending in pendings}


@lru_cache(maxsize=256)  # asked for a dozen times an SLO
def alert_factor(row: PolicyRow, window: int) -> Fraction:
    """Return the burn rate that spends the row's budget share within its long lookback."""
    return row.budget_share * window / row.long


@lru_cache(maxsize=1024)
def alert_threshold(row: PolicyRow, window: int, budget: Fraction) -> Fraction:
    """Return the error ratio that both lookbacks must exceed; 1 or more can never be exceeded."""
    return alert_factor(row, window) * budget


def settles_after(row: PolicyRow) -> int:
    """Return the seconds of data with which the row's long lookback counts in full; see `burn.settled_ratio`.

    A page must come within minutes of the first data, so two short lookbacks are enough. A ticket is about
    slow burns: its errors must have spent the row's budget share, as they must later.
    """
    return min(row.long, 2 * row.short) if row.severity is Severity.PAGE else row.long


def detection_time(row: PolicyRow, threshold: Fraction, error_ratio: float) -> float:
    """Return the seconds until the row fires, from a clean start at a constant *error_ratio*; or infinity."""
    if error_ratio <= float(threshold):
        return float("inf")
    return row.long * float(threshold) / error_ratio


def error_floor(min_errors: int) -> float:
    """Return the bad events that the long lookback must hold at least: *min_errors* less half an event."""
    return max(0.0, min_errors - MIN_ERRORS_GRACE)


def steady_row(policy: Iterable[PolicyRow]) -> PolicyRow | None:
    """Return the row whose long lookback gives the steadier time to exhaustion while no alert fires.

    It is the shortest that pages, 1h by default; without pages the shortest of all.
    """
    return next(iter(_page_rows(policy)), None)


def exhaustion_row(policy: Iterable[PolicyRow]) -> PolicyRow | None:
    """Return the row whose two lookbacks decide whether the budget will be gone soon.

    It is the longest that pages, 6h and 30m by default; without pages the shortest of all.
    """
    return next(reversed(_page_rows(policy)), None)


def _page_rows(policy: Iterable[PolicyRow]) -> tuple[PolicyRow, ...]:
    """Return the rows that page, the shortest first; without such rows the shortest of all."""
    rows = sorted(policy, key=lambda row: row.long)
    return rows_of_severity(rows, Severity.PAGE) or tuple(rows[:1])
