"""Numbers as people read them; what is not known is a dash, which never looks like a number."""

from decimal import Decimal
from fractions import Fraction
from math import floor, isinf, log10
from typing import Final

from sloctl.duration import humanize_duration
from sloctl.model import UTC_ZONE, CalendarWindow, Window
from sloctl.naming import window_name
from sloctl.promql import format_number

UNKNOWN: Final = "–"


def format_percent(share: float | None) -> str:
    """Format a share as `71.3 %`, and from 1,000 % on without the decimal."""
    if share is None:
        return UNKNOWN
    return f"{100 * share:,.{0 if abs(share) >= 10 else 1}f} %"


def format_objective(objective: Fraction) -> str:
    """Format an objective exactly: `99.95 %`."""
    return f"{expand_exponent(format_number(100 * objective))} %"


def describe_window(window: Window) -> str:
    """Say over what an objective is met: `30d`, or `each calendar month (Asia/Tokyo)`."""
    if not isinstance(window, CalendarWindow):
        return window_name(window)
    return f"each calendar {describe_period(window)}"


def describe_period(window: CalendarWindow) -> str:
    """Name the period of a calendar: `month`, or `month (Asia/Tokyo)`."""
    zone = "" if window.time_zone == UTC_ZONE else f" ({window.time_zone})"
    return f"{window.period.value}{zone}"


def format_error_ratio(share: float | None) -> str:
    """Format a share of events to three significant digits: `0.0123 %`."""
    return UNKNOWN if share is None else f"{100 * share:.3g} %"


def format_availability(share: float) -> str:
    """Format a share of good events so that what is missing has two digits: `99.981 %`; 100 % is all."""
    missing = 100 * (1 - share)
    if missing <= 0:
        return "100 %"
    digits = min(6, max(1, 1 - floor(log10(missing))))
    # Rounded down: what is not all never looks like it.
    return f"{floor((100 - missing) * 10**digits + 1e-6) / 10**digits:.{digits}f} %"


def format_burn_rate(rate: float | None) -> str:
    """Format a burn rate to about three digits: `14.9×`, `0.02×`, `640×`; `0×` is exactly nothing."""
    if rate is None:
        return UNKNOWN
    if 0 < rate < 0.01:
        return "<0.01×"
    digits = 0 if rate >= 100 else 1 if rate >= 10 or rate == 0 else 2
    text = f"{rate:,.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}×"


def format_count(events: float | None) -> str:
    """Format a number of events to the whole one: `1,204`."""
    return UNKNOWN if events is None else f"{events:,.0f}"


def format_seconds(seconds: Fraction) -> str:
    """Format a short time without rounding it: `300 ms`, `1.5 s`."""
    return f"{format_number(1000 * seconds)} ms" if seconds < 1 else f"{format_number(seconds)} s"


def format_time_to_exhaustion(seconds: float | None, period: str = "") -> str:
    """Format the result of `burn.time_to_exhaustion`: `in 9h 12m`, `not burning` or `gone`.

    The budget of a calendar is whole again with the next *period*: where that is sooner, `not this month`.
    """
    if seconds is None:
        return UNKNOWN
    if seconds == 0:
        return "gone"
    if isinf(seconds):
        return f"not this {period}" if period else "not burning"
    return f"in {humanize_duration(seconds)}"


def format_rounded(number: float, digits: int = 4) -> str:
    """Round to *digits* significant digits, or to the whole number; never in powers of ten."""
    if number >= 10 ** (digits - 1):
        return f"{number:,.0f}"
    return expand_exponent(f"{number:.{digits}g}")


def format_rounded_percent(share: float, digits: int = 4) -> str:
    """Round a share to *digits* significant digits of a percentage: `0.05 %`."""
    return f"{format_rounded(100 * share, digits)} %"


def expand_exponent(number: str) -> str:
    """Write out a printed number that may be in powers of ten: `0.00001` for `1e-05`."""
    return format(Decimal(number), "f")
