"""The maths of error budgets: numbers in, numbers out, no clock.

Its one law: absent stays absent. A ratio that is not known (None) gives a burn rate and a budget that are not
known; never 0 and never 1. Formulas: Google, The Site Reliability Workbook, chapter 5; Wilson's interval:
E. B. Wilson, JASA 22 (1927).
"""

from fractions import Fraction
from math import sqrt


def burn_rate(budget: Fraction | float, error_ratio: float | None) -> float | None:
    """How many times faster than sustainable the budget burns; 1 spends it exactly in a window."""
    return None if error_ratio is None else error_ratio / float(budget)


def budget_remaining(budget: Fraction | float, error_ratio: float | None) -> float | None:
    """Share of the budget left after a whole window at *error_ratio*; negative when overspent."""
    return None if error_ratio is None else 1 - error_ratio / float(budget)


def time_to_exhaustion(budget_left: float | None, burn_rate: float | None, window: int) -> float | None:
    """Return the seconds until the budget is gone if it goes on burning at *burn_rate*.

    *budget_left* is the share of the budget that is left, *window* the SLO's period in seconds. None where
    either is unknown, 0 where nothing is left, and infinite below a burn rate of 1, which the budget
    sustains. Whatever burn rate is shown, the time beside it is that rate's.
    """
    if budget_left is None or burn_rate is None:
        return None
    if budget_left <= 0:
        return 0.0
    return budget_left * window / burn_rate if burn_rate >= 1 else float("inf")


def is_firing(
    long_ratio: float | None, short_ratio: float | None, threshold: Fraction | float
) -> bool | None:
    """Whether both ratios are above *threshold*, compared as the doubles Prometheus compares.

    None where a ratio is unknown and the other does not rule firing out.
    """
    limit = float(threshold)
    ratios = (long_ratio, short_ratio)
    if any(ratio is not None and not ratio > limit for ratio in ratios):
        return False
    return None if None in ratios else True


def wilson_lower_bound(error: float, total: float, z: float) -> float | None:
    """The smallest ratio that *error* of *total* events do not refute at *z* deviations, one-sided."""
    if total <= 0:
        return None
    ratio = error / total
    centre = ratio + z * z / (2 * total)
    spread = z * sqrt(max(ratio * (1 - ratio), 0) / total + z * z / (4 * total * total))
    return max(0.0, (centre - spread) / (1 + z * z / total))


def z_score(confidence: Fraction) -> float:
    """The one-sided z of a confidence level, 0 < *confidence* < 1: 1.645 for 95 %."""
    from statistics import NormalDist  # noqa: PLC0415 - 15 ms at start-up, and hardly any SLO needs it

    return NormalDist().inv_cdf(float(confidence))
