"""The maths of error budgets: numbers in, numbers out, no clock.

What is unknown stays unknown: an error ratio of None gives a burn rate and a budget of None, never 0 or 1.
Formulas: Google, The Site Reliability Workbook, chapter 5; Wilson's interval: E. B. Wilson, JASA 22 (1927).
"""

from collections.abc import Iterable
from fractions import Fraction
from math import sqrt


def burn_rate(budget: Fraction | float, error_ratio: float | None) -> float | None:
    """Return how many times faster than sustainable the budget burns; 1 spends it in exactly a window."""
    return None if error_ratio is None else error_ratio / float(budget)


def covered_share(covered_seconds: float, span: float) -> float:
    """Return the share of *span* seconds that *covered_seconds* of data make up: 1 once it is full."""
    return min(1.0, covered_seconds / span)


def budget_remaining(
    budget: Fraction | float, error_ratio: float | None, covered: float = 1.0
) -> float | None:
    """Return the share of the budget left after *covered* of a window at *error_ratio*; negative: overspent.

    *covered* is a share of the window. What is spent is measured against the events that the whole window
    will have at the rate so far: error ratio / budget x covered. So minutes of data, of which one burst may
    be most, never exhaust a budget of weeks, and with a full window it is error ratio / budget.
    """
    return None if error_ratio is None else 1 - error_ratio / float(budget) * covered


def time_to_exhaustion(
    budget_left: float | None, burn_rate: float | None, window: int, *, renewed_in: float | None = None
) -> float | None:
    """Return the seconds until the budget is gone if it goes on burning at *burn_rate*.

    *budget_left* is the share of the budget that is left, *window* the SLO's period in seconds. None where
    either is unknown, 0 where nothing is left, and infinite below a burn rate of 1, which the budget
    sustains. Whatever burn rate is shown, the time beside it is that rate's.

    The budget of a calendar window is whole again in *renewed_in* seconds: it is infinite where that is
    sooner, and only there, as a budget that is nearly gone is not sustained by any burn.
    """
    if budget_left is None or burn_rate is None:
        return None
    if budget_left <= 0:
        return 0.0
    if renewed_in is not None:
        seconds = budget_left * window / burn_rate if burn_rate > 0 else float("inf")
        return seconds if seconds < renewed_in else float("inf")
    return budget_left * window / burn_rate if burn_rate >= 1 else float("inf")


def settled_ratio(error_ratio: float | None, covered_seconds: float, settles_after: int) -> float | None:
    """Return the error ratio over the long lookback of an alert, as far as data of *covered_seconds* count.

    With less data than *settles_after* seconds it is taken of as many events as those seconds will have at
    the rate so far, since the errors of one burst among the first requests are no rate yet.
    """
    return None if error_ratio is None else error_ratio * covered_share(covered_seconds, settles_after)


def is_firing(
    long_ratio: float | None, short_ratio: float | None, threshold: Fraction | float
) -> bool | None:
    """Return whether both ratios are above *threshold*, compared as the doubles that Prometheus compares.

    None where a ratio is unknown and the other does not rule firing out.
    """
    limit = float(threshold)
    if long_ratio is not None and not long_ratio > limit:
        return False
    if short_ratio is not None and not short_ratio > limit:
        return False
    return None if long_ratio is None or short_ratio is None else True


def is_burning(
    newest: float | None, steady: float | None, short_burns: Iterable[tuple[float | None, float]]
) -> bool:
    """Return whether a budget burns so that somebody may look, though its alert does not fire.

    *newest* is the burn rate over the last five minutes, *steady* that of the steady lookback, *short_burns*
    the burn rate over the short lookback of each row of the alert, with the row's factor. It burns where the
    newest is above 1, and either above the steady one, so that it rises, or a short lookback is above its
    factor. Once the newest is at most 1 the burn is over, whatever the longer lookbacks still hold.
    """
    if newest is None or newest <= 1:
        return False
    rises = steady is None or newest > steady
    return rises or any(rate is not None and rate > factor for rate, factor in short_burns)


def wilson_lower_bound(error: float, total: float, z: float) -> float | None:
    """Return the one-sided lower bound of an error ratio at *z* deviations; None without events."""
    if total <= 0:
        return None
    ratio = error / total
    centre = ratio + z * z / (2 * total)
    spread = z * sqrt(max(ratio * (1 - ratio), 0) / total + z * z / (4 * total * total))
    return max(0.0, (centre - spread) / (1 + z * z / total))


def z_score(confidence: Fraction) -> float:
    """Return the one-sided z of a confidence level between 0 and 1: 1.645 for 95 %."""
    from statistics import NormalDist  # noqa: PLC0415 - 15 ms at start-up, and hardly any SLO needs it

    return NormalDist().inv_cdf(float(confidence))
