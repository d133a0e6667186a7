"""Text of a certain form → values of the model, or a Violation; never a guess, never half a value."""

import re
from collections.abc import Callable, Collection
from fractions import Fraction
from math import inf
from typing import Final, Literal, TypeVar

from msgspec import UnsetType

from sloctl import naming
from sloctl.duration import DAY, MINUTE, format_duration, parse_bound, parse_duration
from sloctl.model import SECOND, CalendarPeriod, PromQL, RollingWindow, Selector, WindowQuery
from sloctl.promql import (
    LABEL_NAME,
    PromQLError,
    calls_rate,
    format_number,
    read_condition,
    read_query,
    read_selector,
)
from sloctl.slo.calendar import is_time_zone
from sloctl.spec.field_types import (
    ALERT_NAME_PATTERN,
    MAX_ALERT_NAME,
    MAX_NAME,
    NAME_PATTERN,
    PERCENTAGE_PATTERN,
)
from sloctl.spec.findings import Violation
from sloctl.spec.messages import join_words, quote_value
from sloctl.templates import label_of_template

_Value = TypeVar("_Value")
_PERCENTAGE: Final = re.compile(PERCENTAGE_PATTERN)
_NAME: Final = re.compile(NAME_PATTERN)
_FREE_NAME: Final = re.compile("[a-zA-Z0-9](?:[-a-zA-Z0-9_.]*[a-zA-Z0-9])?")
MAX_FREE_NAME: Final = 128
_ALERT_NAME: Final = re.compile(ALERT_NAME_PATTERN)
_HISTOGRAM_SUFFIX: Final = re.compile(r"_(?:bucket|count|sum)$")
_UNIT_SECONDS: Final = {"s": SECOND, "ms": Fraction(1, 1000), "us": Fraction(1, 1000**2)}
# How exporters end the names of histograms that say their unit.
_UNIT_SUFFIXES: Final = {
    "s": ("_seconds",),
    "ms": ("_milliseconds", "_ms", "_millis"),
    "us": ("_microseconds", "_us", "_micros"),
}
_SLOTH_WINDOW: Final = re.compile(r"\{\{-?\s*\.[wW]indow\s*-?\}\}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
LONGEST_WINDOW: Final = RollingWindow(365 * DAY)
MAX_LABEL_VALUE: Final = 1024


def parse_name(text: str, *, of: str, style: naming.LabelStyle = naming.NATIVE_STYLE) -> str | Violation:
    """Parse the name of a service or an SLO: half of an id, and part of file names.

    Sloth's style has the names that Sloth allows.
    """
    if style.free_names:
        if _FREE_NAME.fullmatch(text) and len(text) <= MAX_FREE_NAME:
            return text
        form = f"at most {MAX_FREE_NAME} letters, digits and - _ ., a letter or digit first and last"
        return Violation("name", f"{of} is {form}, got {quote_value(text)}")
    if _NAME.fullmatch(text) and len(text) <= MAX_NAME:
        return text
    form = f"at most {MAX_NAME} of a-z, 0-9, - and ., a letter or digit first and last"
    return Violation("name", f"{of} is {form}, got {quote_value(text)}")


def parse_alert_name(text: str) -> str | Violation:
    """Parse the name of an alert: plain enough for routes and silences, and never a template."""
    if _ALERT_NAME.fullmatch(text) and len(text) <= MAX_ALERT_NAME:
        return text
    form = (
        f"at most {MAX_ALERT_NAME} letters, digits, spaces and _ : . - ( ) / % & , + # < > =, a letter first"
    )
    return Violation("alert-name", f"an alert name is {form}, got {quote_value(text)}")


def parse_objective(text: str) -> Fraction | Violation:
    """Parse an objective, above 0 and below 1."""
    ratio = _parse_percentage(text, of="objective", like="99.95%")
    if isinstance(ratio, Violation):
        return ratio
    if ratio >= 1:
        why = "without an error budget nothing can burn"
        return Violation("objective-range", f"objective must be below 100 %, got {quote_value(text)}: {why}")
    if ratio <= 0:
        why = "every service keeps it"
        return Violation("objective-range", f"objective must be above 0 %, got {quote_value(text)}: {why}")
    return ratio


def parse_budget_share(text: str) -> Fraction | Violation:
    """Parse a share of the budget, above 0 and at most 1."""
    share = _parse_percentage(text, of="budgetShare", like="2%")
    if isinstance(share, Violation) or 0 < share <= 1:
        return share
    return Violation(
        "budget-share-range", f"budgetShare must be above 0 % and at most 100 %, got {quote_value(text)}"
    )


def parse_slice_share(text: str) -> Fraction | Violation:
    """Parse the share of good events from which a slice is good, above 0 and at most 1."""
    share = _parse_percentage(text, of="good", like="99%")
    if isinstance(share, Violation) or 0 < share <= 1:
        return share
    return Violation("slice-share", f"good must be above 0 % and at most 100 %, got {quote_value(text)}")


def parse_spent_share(text: str) -> Fraction | Violation:
    """Parse a share of the budget that is spent, above 0 and below 1."""
    share = _parse_percentage(text, of="at", like="75%")
    if isinstance(share, Violation) or 0 < share < 1:
        return share
    whole = ": the alert exhausted itself is about the whole budget" if share == 1 else ""
    return Violation(
        "budget-share-range", f"at must be above 0 % and below 100 %, got {quote_value(text)}{whole}"
    )


def share_of_factor(factor: float, *, long: int, window: int) -> Fraction | Violation:
    """Return the share of the budget that a burn rate of *factor* spends within *long* seconds, at most 1."""
    if not 0 < factor < inf:
        return Violation("budget-share-range", f"factor must be above 0, got {factor:g}")
    # The shortest text of a float is the decimal that the spec has.
    share = Fraction(repr(factor)) * long / window
    if share <= 1:
        return share
    most = format_number(round(Fraction(window, long), 2))
    return Violation(
        "budget-share-range",
        f"a factor of {format_number(Fraction(repr(factor)))} over {format_duration(long)} is more than the "
        f"whole budget of {format_duration(window)}: at most {most}",
    )


def parse_pending(text: str) -> int | Violation:
    """Parse the time that a burn must go on before its alert fires: whole minutes, up to a day, or none."""
    return _parse_whole_duration(text, of="for", unit=MINUTE, least=0, most=DAY, code="alert-time-range")


def parse_confidence(text: str) -> Fraction | Violation:
    """Parse a confidence level from 0.5 to 0.9999."""
    level = _parse_percentage(text, of="confidence", like="95%")
    if isinstance(level, Violation) or Fraction(1, 2) <= level <= Fraction(9999, 10000):
        return level
    return Violation("confidence-range", f"confidence is 50 % to 99.99 %, got {quote_value(text)}")


def parse_budget_left(text: str) -> Fraction | Violation:
    """Parse a share of a budget that is left: 0 to 1."""
    share = _parse_percentage(text, of="below", like="20%")
    if isinstance(share, Violation) or share <= 1:
        return share
    return Violation("budget-step", f"below is at most 100 %, the whole budget, got {quote_value(text)}")


def parse_review_date(text: str) -> str | Violation:
    """Check a date of the calendar, like 2027-03-31; in order of text they are in order of time."""
    form = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
    if form is not None:
        year, month, day = map(int, form.groups())
        is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        lengths = (31, 29 if is_leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
        if year >= 1 and 1 <= month <= 12 and 1 <= day <= lengths[month - 1]:
            return text
    return Violation("review-date", f"reviewBy is a date like 2027-03-31, got {quote_value(text)}")


def parse_window(text: str) -> RollingWindow | Violation:
    """Parse a window of whole days, from one to a year."""
    if text in {period.value for period in CalendarPeriod}:
        return Violation("duration", f"window is a duration like 30d, got {text}: write {{calendar: {text}}}")
    seconds = _parse_duration_text(text, of="window", like="30d")
    if isinstance(seconds, Violation):
        return seconds
    if seconds % DAY or not DAY <= seconds <= LONGEST_WINDOW.seconds:
        return Violation(
            "window-range", f"window is a whole number of days, 1d to 365d, got {quote_value(text)}"
        )
    return RollingWindow(int(seconds))


def parse_time_zone(text: str) -> str | Violation:
    """Parse a name of the time zone database, such as `Europe/Berlin`; an abbreviation has no rules."""
    if is_time_zone(text):
        return text
    return Violation(
        "time-zone",
        f"timeZone is a name of the time zone database, like UTC or Europe/Berlin, got {quote_value(text)}",
    )


def parse_scrape_interval(text: str) -> int | Violation:
    """Parse whole seconds, at most five minutes: Prometheus forgets a sample after that."""
    return _parse_whole_duration(
        text, of="scrapeInterval", unit=1, least=1, most=5 * MINUTE, code="scrape-interval-range"
    )


def parse_lookback(text: str, *, of: str, least: int) -> int | Violation:
    """Parse whole minutes, from *least* seconds; whether it fits the window is a check of the whole SLO."""
    return _parse_whole_duration(
        text, of=of, unit=MINUTE, least=least, most=LONGEST_WINDOW.seconds, code="lookback-range"
    )


def parse_alert_time(text: str, *, of: str, most: int) -> int | Violation:
    """Parse the time that an alert looks ahead or waits: whole minutes, from one to *most* seconds."""
    return _parse_whole_duration(text, of=of, unit=MINUTE, least=MINUTE, most=most, code="alert-time-range")


def parse_threshold(text: str) -> Fraction | Violation:
    """Parse a threshold in seconds, above 0."""
    seconds = _parse_duration_text(text, of="threshold", like="300ms", parse=parse_bound)
    if isinstance(seconds, Violation) or seconds > 0:
        return seconds
    return Violation("threshold-range", f"threshold must be longer than nothing, got {quote_value(text)}")


def parse_parameter(text: str, *, of: str, kind: Literal["text", "duration", "number"]) -> str | Violation:
    """Parse a parameter of a preset, which is text of that kind."""
    if kind == "number" and not _DECIMAL.fullmatch(text):
        return Violation("preset-parameter", f"{of} is a number like 100, got {quote_value(text)}")
    duration = (
        _parse_duration_text(text, of=of, like="300ms", parse=parse_bound) if kind == "duration" else None
    )
    return duration if isinstance(duration, Violation) else text


def unit_by_name(metric: str) -> Fraction | None:
    """Return the seconds in the unit that the name of a histogram says; None where it says none."""
    suffixes = ((unit, suffix) for unit, endings in _UNIT_SUFFIXES.items() for suffix in endings)
    return next((_UNIT_SECONDS[unit] for unit, suffix in suffixes if metric.endswith(suffix)), None)


def choose_latency_unit(given: str | UnsetType, metric: str) -> Fraction | Violation:
    """Return the seconds in one unit of *metric*: as given, else as its name says, else one."""
    named = next((unit for unit, suffixes in _UNIT_SUFFIXES.items() if metric.endswith(suffixes)), None)
    if isinstance(given, str) and named not in (None, given):
        message = f"unit is {given}, and the name {metric} says {named}: one of them is wrong"
        return Violation("latency-unit", message)
    return _UNIT_SECONDS[given if isinstance(given, str) else named or "s"]


def parse_selector(text: str) -> Selector | Violation:
    return _parse_promql(read_selector, text)


def parse_histogram(text: str) -> Selector | Violation:
    """Parse the selector of a histogram's base name."""
    series = parse_selector(text)
    if isinstance(series, Violation):
        return series
    if suffix := _HISTOGRAM_SUFFIX.search(series.metric):
        base = series.metric.removesuffix(suffix[0])
        return Violation(
            "histogram-name", f"a histogram goes by its base name: write {base}, without {suffix[0]}"
        )
    if any(matcher.label == "le" for matcher in series.matchers):
        return Violation("histogram-le", "the threshold chooses the bucket: remove the matcher of le")
    return series


def parse_counting_query(text: str) -> WindowQuery | Violation:
    """Parse a query that gives a number of events."""
    counted = parse_query(text)
    if isinstance(counted, WindowQuery) and calls_rate(counted):
        return Violation(
            "query-rate", "rate() is per second; events are counted: write increase(...[$window])"
        )
    return counted


def parse_query(text: str) -> WindowQuery | Violation:
    """Parse a query over `$window`, which stands for a range of samples, not for a subquery."""
    query = _parse_promql(read_query, text)
    if isinstance(query, WindowQuery) and "[$window:" in query.text:
        return Violation(
            "window-subquery",
            "a subquery of $window holds one or two looks a minute, as the phase has it: read its samples, "
            "as in sum(count_over_time(up[$window])); for one look a minute, write a condition or a probe",
        )
    return query


def parse_condition(text: str) -> PromQL | Violation:
    return _parse_promql(read_condition, text)


def parse_label_name(text: str, *, of: str = "a label name") -> str | Violation:
    if LABEL_NAME.fullmatch(text) and len(text) <= MAX_NAME:
        return text
    form = f"at most {MAX_NAME} letters, digits and _, no digit first"
    return Violation("label-name", f"{of} is {form}, got {quote_value(text)}")


def parse_free_label_name(text: str, *, allowed: frozenset[str] = frozenset()) -> str | Violation:
    """Parse a label name that sloctl does not write itself, or one of those *allowed* here."""
    if text in naming.RESERVED_LABELS - allowed or text.startswith(naming.RESERVED_PREFIXES):
        message = f"{quote_value(text)} is a label that sloctl or Prometheus writes: rename it"
        return Violation("reserved-label", message)
    return parse_label_name(text)


def parse_template(text: str, known: Collection[str]) -> str | Violation:
    """Parse a template of an alert's text, which may show the labels in *known* and the value."""
    label = label_of_template(text)
    if label is None:
        form = "only {{ $value }} and {{ $labels.x }} are filled in, without a function"
        return Violation("template", f"{quote_value(text)} would be printed as it stands: {form}")
    if label and label not in known:
        labels = f"{join_words(sorted(known), last='and')} of groupBy" if known else "none, without groupBy"
        message = f"{quote_value(text)} would be empty: the labels of an alert that differ are {labels}"
        return Violation("template", message)
    return text


def parse_label_value(text: str) -> str | Violation:
    if len(text) <= MAX_LABEL_VALUE:
        return text
    return Violation(
        "label-value", f"a label value has at most {MAX_LABEL_VALUE} characters, got {len(text)}"
    )


def _parse_promql(read: Callable[[str], _Value], text: str) -> _Value | Violation:
    try:
        return read(text)
    except PromQLError as error:
        if _SLOTH_WINDOW.search(text):
            message = (
                "{{.window}} is Sloth's: select the counter itself in a ratio, as in errors_total, and write "
                "[$window] in a query"
            )
            return Violation("promql", message)
        return Violation("promql", str(error))


def _parse_percentage(text: str, *, of: str, like: str) -> Fraction | Violation:
    if _PERCENTAGE.fullmatch(text):
        return Fraction(text.removesuffix("%")) / 100
    return Violation("percentage", f"{of} is a percentage like {like}, got {quote_value(text)}")


def _parse_duration_text(
    text: str, *, of: str, like: str, parse: Callable[[str], Fraction] = parse_duration
) -> Fraction | Violation:
    try:
        return parse(text)
    except ValueError:
        return Violation("duration", f"{of} is a duration like {like}, got {quote_value(text)}")


def _parse_whole_duration(
    text: str, *, of: str, unit: int, least: int, most: int, code: str
) -> int | Violation:
    seconds = _parse_duration_text(text, of=of, like="30s" if unit == 1 else "30m")
    if isinstance(seconds, Violation):
        return seconds
    if seconds % unit or not least <= seconds <= most:
        bounds = f"{format_duration(least)} to {format_duration(most)}"
        units = "minutes" if unit == MINUTE else "seconds"
        return Violation(code, f"{of} is a whole number of {units}, {bounds}, got {quote_value(text)}")
    return int(seconds)
