"""Text with a form of its own → values of the model, or why not.

Its one law: a reader gives the value or a Refusal. It never guesses, and never lets half a value through.
"""

import re
from fractions import Fraction
from typing import Final

from sloctl import naming
from sloctl.duration import DAY, MINUTE, format_duration, parse_duration
from sloctl.model import PromQL, Rolling, Selector, WindowQuery
from sloctl.promql import (
    LABEL_NAME,
    PromQLError,
    calls_rate,
    read_condition,
    read_query,
    read_selector,
)
from sloctl.spec.findings import Refusal
from sloctl.spec.forms import MAX_NAME, NAME_PATTERN, PERCENTAGE_PATTERN
from sloctl.spec.words import shown

_PERCENTAGE: Final = re.compile(PERCENTAGE_PATTERN)
_NAME: Final = re.compile(NAME_PATTERN)
_HISTOGRAM_SUFFIX: Final = re.compile(r"_(?:bucket|count|sum)$")
LONGEST_WINDOW: Final = Rolling(365 * DAY)
MAX_LABEL_VALUE: Final = 1024


def name(text: str, *, of: str) -> str | Refusal:
    """Half of an SLO's id, and part of file names."""
    if _NAME.fullmatch(text) and len(text) <= MAX_NAME:
        return text
    form = f"at most {MAX_NAME} of a-z, 0-9, - and ., a letter or digit first and last"
    return Refusal("name", f"{of} is {form}, got {shown(text)}")


def objective(text: str) -> Fraction | Refusal:
    """0 < objective < 1."""
    ratio = _percentage(text, of="objective", like="99.95%")
    if isinstance(ratio, Refusal):
        return ratio
    if ratio >= 1:
        why = "without an error budget nothing can burn"
        return Refusal("objective-range", f"objective must be below 100 %, got {shown(text)}: {why}")
    if ratio <= 0:
        why = "every service keeps it"
        return Refusal("objective-range", f"objective must be above 0 %, got {shown(text)}: {why}")
    return ratio


def budget_share(text: str) -> Fraction | Refusal:
    """0 < share <= 1."""
    share = _percentage(text, of="budgetShare", like="2%")
    if isinstance(share, Refusal) or 0 < share <= 1:
        return share
    return Refusal(
        "budget-share-range", f"budgetShare must be above 0 % and at most 100 %, got {shown(text)}"
    )


def confidence(text: str) -> Fraction | Refusal:
    """A level from 0.5 to 0.9999."""
    level = _percentage(text, of="confidence", like="95%")
    if isinstance(level, Refusal) or Fraction(1, 2) <= level <= Fraction(9999, 10000):
        return level
    return Refusal("confidence-range", f"confidence is 50 % to 99.99 %, got {shown(text)}")


def window(text: str) -> Rolling | Refusal:
    """Whole days, from a week to a year."""
    seconds = _duration(text, of="window", like="30d")
    if isinstance(seconds, Refusal):
        return seconds
    if seconds % DAY or not 7 * DAY <= seconds <= LONGEST_WINDOW.seconds:
        return Refusal("window-range", f"window is a whole number of days, 7d to 365d, got {shown(text)}")
    return Rolling(int(seconds))


def scrape_interval(text: str) -> int | Refusal:
    """Whole seconds, at most five minutes: Prometheus forgets a sample after that."""
    return _whole(text, of="scrapeInterval", unit=1, least=1, most=5 * MINUTE, code="scrape-interval-range")


def lookback(text: str, *, of: str, least: int) -> int | Refusal:
    """Whole minutes, from *least* seconds; that it fits the window shows later."""
    return _whole(text, of=of, unit=MINUTE, least=least, most=LONGEST_WINDOW.seconds, code="lookback-range")


def patience(text: str, *, of: str, most: int) -> int | Refusal:
    """How long an alert looks ahead or waits; whole minutes, from one to *most* seconds."""
    return _whole(text, of=of, unit=MINUTE, least=MINUTE, most=most, code="alert-time-range")


def threshold(text: str) -> Fraction | Refusal:
    """Seconds above 0."""
    seconds = _duration(text, of="threshold", like="300ms")
    if isinstance(seconds, Refusal) or seconds > 0:
        return seconds
    return Refusal("threshold-range", f"threshold must be longer than nothing, got {shown(text)}")


def selector(text: str) -> Selector | Refusal:
    try:
        return read_selector(text)
    except PromQLError as error:
        return Refusal("promql", str(error))


def histogram(text: str) -> Selector | Refusal:
    """The selector of a histogram's base name."""
    series = selector(text)
    if isinstance(series, Refusal):
        return series
    if suffix := _HISTOGRAM_SUFFIX.search(series.metric):
        base = series.metric.removesuffix(suffix[0])
        return Refusal(
            "histogram-name", f"a histogram goes by its base name: write {base}, without {suffix[0]}"
        )
    if any(matcher.label == "le" for matcher in series.matchers):
        return Refusal("histogram-le", "the threshold chooses the bucket: remove the matcher of le")
    return series


def counting_query(text: str) -> WindowQuery | Refusal:
    """A query that gives a number of events."""
    counted = query(text)
    if isinstance(counted, WindowQuery) and calls_rate(counted):
        return Refusal("query-rate", "rate() is per second; events are counted: write increase(...[$window])")
    return counted


def query(text: str) -> WindowQuery | Refusal:
    try:
        return read_query(text)
    except PromQLError as error:
        return Refusal("promql", str(error))


def condition(text: str) -> PromQL | Refusal:
    try:
        return read_condition(text)
    except PromQLError as error:
        return Refusal("promql", str(error))


def label_name(text: str, *, of: str = "a label name") -> str | Refusal:
    if LABEL_NAME.fullmatch(text) and len(text) <= MAX_NAME:
        return text
    form = f"at most {MAX_NAME} letters, digits and _, no digit first"
    return Refusal("label-name", f"{of} is {form}, got {shown(text)}")


def free_label_name(text: str, *, allowed: frozenset[str] = frozenset()) -> str | Refusal:
    """A label name that sloctl does not write itself, or one of those *allowed* here."""
    if text in naming.RESERVED_LABELS - allowed or text.startswith(naming.RESERVED_PREFIXES):
        message = f"{shown(text)} is a label that sloctl or Prometheus writes: rename it"
        return Refusal("reserved-label", message)
    return label_name(text)


def label_value(text: str) -> str | Refusal:
    if len(text) <= MAX_LABEL_VALUE:
        return text
    return Refusal("label-value", f"a label value has at most {MAX_LABEL_VALUE} characters, got {len(text)}")


def _percentage(text: str, *, of: str, like: str) -> Fraction | Refusal:
    if _PERCENTAGE.fullmatch(text):
        return Fraction(text.removesuffix("%")) / 100
    return Refusal("percentage", f"{of} is a percentage like {like}, got {shown(text)}")


def _duration(text: str, *, of: str, like: str) -> Fraction | Refusal:
    try:
        return parse_duration(text)
    except ValueError:
        return Refusal("duration", f"{of} is a duration like {like}, got {shown(text)}")


def _whole(text: str, *, of: str, unit: int, least: int, most: int, code: str) -> int | Refusal:
    seconds = _duration(text, of=of, like="30s" if unit == 1 else "30m")
    if isinstance(seconds, Refusal):
        return seconds
    if seconds % unit or not least <= seconds <= most:
        bounds = f"{format_duration(least)} to {format_duration(most)}"
        units = "minutes" if unit == MINUTE else "seconds"
        return Refusal(code, f"{of} is a whole number of {units}, {bounds}, got {shown(text)}")
    return int(seconds)
