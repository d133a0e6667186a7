"""Both sides beside each other: ratios by window, pages, and the reasons for a difference."""

from collections.abc import Iterable, Mapping
from enum import Enum
from math import isnan
from typing import Final

from msgspec import Struct

from sloctl.duration import DAY, MINUTE
from sloctl.model import AlertKind, ErrorRatioIndicator, Severity, Slo
from sloctl.proof.past_ratios import RatioColumn, step_of_window
from sloctl.slo.event_series import NO_RATIO, EventSeries
from sloctl.slo.policy import alert_threshold, enabled_severities, rows_of_severity
from sloctl.slo.replay import find_runs, merge_spans, replay_policy

FIVE_MINUTES: Final = 5 * MINUTE
# Two ratios of the same events differ by so much where scrapes and windows do not begin together.
_SAME: Final = 0.02
# A reason holds where it leaves no more than this of a difference.
_UNEXPLAINED: Final = 0.25
# Two firings of one incident.
_SAME_INCIDENT: Final = 30 * MINUTE


class DifferenceReason(Enum):
    """Why the ratios of a window differ; the value is a sentence."""

    AGREE = "the same, but for the edges of windows"
    MEAN_OF_RATIOS = "theirs is a mean of five-minute ratios: quiet hours weigh as much as busy ones"
    NAN = "five minutes without traffic were 0/0, and a mean with NaN in it is NaN"
    FIRST_VALUES = "theirs does not see the first value of a new series, often the first error"
    ABSENT = "theirs has no ratio while there is no error series yet"
    NO_DATA = "nothing was counted"
    TOO_SHORT = "the past that was asked for is shorter than this window"
    MINUTES = "ours weighs each minute alike, as the indicator is a ratio"
    UNKNOWN = "not known"


class WindowComparison(Struct, frozen=True):
    """Both error ratios of a window, each a mean over the moments at which both are known, or None.

    *largest* is the largest difference at any of them. The period is compared at the end alone.
    """

    window: int
    theirs: float | None
    ours: float | None
    reason: DifferenceReason
    largest: float | None = None
    moments: int = 0
    is_period: bool = False

    @property
    def is_explained(self) -> bool:
        """Whether there is no difference, or its reason is known."""
        return self.reason is not DifferenceReason.UNKNOWN

    @property
    def difference(self) -> float | None:
        """The difference as a share of ours; None where that is 0 or unknown."""
        return self.theirs / self.ours - 1 if self.theirs is not None and self.ours else None


class AlertComparison(Struct, frozen=True):
    """How often an alert would have fired on either side, and how many incidents have both."""

    severity: Severity
    theirs: int
    ours: int
    both: int


class SloComparison(Struct, frozen=True):
    """One budget, by the title of its SLO and group; costs are raw samples read a minute."""

    title: str
    windows: tuple[WindowComparison, ...]
    alerts: tuple[AlertComparison, ...]
    their_samples: int = 0
    our_samples: int = 0


class BothSides(Struct, frozen=True):
    """What is known of one budget: our counts, also without the first values, and their columns.

    *repaired* has what happened while nothing was scraped as well; windows of a day and more count it.
    """

    slo: Slo
    counts: EventSeries
    counts_without_births: EventSeries
    repaired: EventSeries
    columns: Mapping[int, RatioColumn]
    period_is_mean: bool


def compared_windows(slo: Slo) -> list[int]:
    """List the lookbacks of the policy in seconds, and five minutes, of which the period is made."""
    policy = slo.alerting.policy
    return sorted({FIVE_MINUTES, *(row.long for row in policy), *(row.short for row in policy)})


def compare_slo(title: str, sides: BothSides, *, their_samples: int, our_samples: int) -> SloComparison:
    """Compare every window, the period, and the alerts of one budget."""
    windows = [_compare_window(sides, window) for window in compared_windows(sides.slo)]
    return SloComparison(
        title,
        (*windows, _compare_period(sides)),
        tuple(_compare_alerts(sides, severity) for severity in enabled_severities(sides.slo.alerting)),
        their_samples,
        our_samples,
    )


def _compare_window(sides: BothSides, window: int) -> WindowComparison:
    counts, column = sides.counts, sides.columns.get(window)
    if len(counts) * counts.step < window + step_of_window(window):
        return WindowComparison(window, theirs=None, ours=None, reason=DifferenceReason.TOO_SHORT)
    ours = (sides.repaired if window >= DAY else counts).error_ratios(window)
    ratios = {} if column is None else column.ratios
    both = [
        (at, theirs, ours[index])
        for at, theirs in ratios.items()
        if not isnan(theirs)
        and at - counts.start >= window
        and ours[index := (at - counts.start) // counts.step - 1] != NO_RATIO
    ]
    if not both:
        known = [ratio for ratio in ours if ratio != NO_RATIO]
        reason = DifferenceReason.ABSENT if known else DifferenceReason.NO_DATA
        mean = sum(known) / len(known) if known else None
        return WindowComparison(window, None, mean, reason)
    theirs_mean = sum(theirs for _, theirs, _ in both) / len(both)
    ours_mean = sum(our for _, _, our in both) / len(both)
    without = sides.counts_without_births.error_ratios(window)
    mean_without = sum(max(0.0, without[(at - counts.start) // counts.step - 1]) for at, _, _ in both) / len(
        both
    )
    return WindowComparison(
        window,
        theirs_mean,
        ours_mean,
        _reason_of(sides, theirs_mean, ours_mean, mean_without),
        largest=max(abs(theirs - our) for _, theirs, our in both),
        moments=len(both),
    )


def _compare_period(sides: BothSides) -> WindowComparison:
    """Compare the ratio over the window of the SLO, or over as much of it as was asked for."""
    window = sides.slo.window.seconds
    counted = sides.repaired.counts_between(
        len(sides.counts) - window // sides.counts.step, len(sides.counts)
    )
    ours = counted.error_ratio
    if not sides.period_is_mean:
        return _compare_exact_period(sides, ours)
    column = sides.columns.get(FIVE_MINUTES)
    recorded = (
        [] if column is None else [it for at, it in column.ratios.items() if at > sides.counts.end - window]
    )
    if not recorded:
        return WindowComparison(window, None, ours, DifferenceReason.ABSENT, is_period=True)
    if any(map(isnan, recorded)):
        return WindowComparison(window, float("nan"), ours, DifferenceReason.NAN, moments=1, is_period=True)
    theirs = sum(recorded) / len(recorded)
    difference = None if ours is None else abs(theirs - ours)
    reason = DifferenceReason.UNKNOWN
    if ours is not None:
        reason = DifferenceReason.AGREE if _agree(theirs, ours) else DifferenceReason.MEAN_OF_RATIOS
    return WindowComparison(window, theirs, ours, reason, largest=difference, moments=1, is_period=True)


def _compare_exact_period(sides: BothSides, ours: float | None) -> WindowComparison:
    """Compare with a tool that counts over the whole period, at the end."""
    window, counts = sides.slo.window.seconds, sides.counts
    column = sides.columns.get(window)
    ratios = [] if column is None else [it for it in column.ratios.values() if not isnan(it)]
    if not ratios or ours is None:
        reason = DifferenceReason.NO_DATA if ours is None else DifferenceReason.ABSENT
        return WindowComparison(window, ratios[-1] if ratios else None, ours, reason, is_period=True)
    if len(counts) * counts.step < window:
        # They read all that the server has, we what was asked for.
        return WindowComparison(window, ratios[-1], ours, DifferenceReason.TOO_SHORT, is_period=True)
    without = sides.counts_without_births
    births_left_out = without.counts_between(len(without) - window // without.step, len(without)).error_ratio
    return WindowComparison(
        window,
        ratios[-1],
        ours,
        _reason_of(sides, ratios[-1], ours, births_left_out or 0.0),
        largest=abs(ratios[-1] - ours),
        moments=1,
        is_period=True,
    )


def _reason_of(sides: BothSides, theirs: float, ours: float, without_births: float) -> DifferenceReason:
    if _agree(theirs, ours):
        return DifferenceReason.AGREE
    explained = abs(theirs - without_births) <= _UNEXPLAINED * abs(theirs - ours)
    if ours != without_births and (explained or _agree(theirs, without_births)):
        return DifferenceReason.FIRST_VALUES
    if isinstance(sides.slo.indicator, ErrorRatioIndicator):
        return DifferenceReason.MINUTES
    return DifferenceReason.UNKNOWN


def _agree(theirs: float, ours: float) -> bool:
    return abs(theirs - ours) <= _SAME * max(theirs, ours)


def _compare_alerts(sides: BothSides, severity: Severity) -> AlertComparison:
    kind = AlertKind.PAGE if severity is Severity.PAGE else AlertKind.TICKET
    end = sides.counts.end
    ours = merge_spans(
        [
            (alert.began, end if alert.ended is None else alert.ended)
            for alert in replay_policy(sides.slo, sides.counts).alerts
            if alert.kind is kind
        ],
        _SAME_INCIDENT,
    )
    theirs = merge_spans(_their_firings(sides, severity), _SAME_INCIDENT)
    both = sum(
        any(
            began <= other_end + _SAME_INCIDENT and other_began <= ended + _SAME_INCIDENT
            for other_began, other_end in ours
        )
        for began, ended in theirs
    )
    return AlertComparison(severity, len(theirs), len(ours), both)


def _their_firings(sides: BothSides, severity: Severity) -> list[tuple[int, int]]:
    """Replay the other tool's alert: any row of which both lookbacks are above the threshold."""
    counts = sides.counts
    fires = bytearray(len(counts))
    for row in rows_of_severity(sides.slo.alerting.policy, severity):
        threshold = float(alert_threshold(row, sides.slo.window.seconds, sides.slo.budget))
        long, short = (_latest_ratios(sides, window) for window in (row.long, row.short))
        for index, (slow, quick) in enumerate(zip(long, short, strict=True)):
            fires[index] |= slow > threshold and quick > threshold
    return [(counts.moment_at(first), counts.moment_at(end - 1)) for first, end in find_runs(bytes(fires))]


def _latest_ratios(sides: BothSides, window: int) -> list[float]:
    """Return for each minute the ratio that was evaluated last, and none that is older than its step."""
    column, counts = sides.columns.get(window), sides.counts
    latest = [NO_RATIO] * len(counts)
    if column is None:
        return latest
    for at, ratio in column.ratios.items():
        if isnan(ratio):
            continue
        first = (at - counts.start) // counts.step - 1
        for index in range(max(first, 0), min(first + column.step // counts.step, len(counts))):
            latest[index] = ratio
    return latest


def total_days(slos: Iterable[Slo], past_seconds: int) -> int:
    """Count the days of windows and counts to fetch, for a progress bar."""
    days = past_seconds // DAY + 1
    return sum(days * (len(compared_windows(slo)) + 2) for slo in slos)
