"""The lowering step: every indicator becomes a pair of event counts, (error, total)."""

from fractions import Fraction
from typing import TypeAlias, assert_never

from msgspec import Struct

from sloctl.model import (
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    Indicator,
    LabelMatcher,
    LatencyIndicator,
    MatchOp,
    NativeLatencyIndicator,
    ProbeIndicator,
    QueryIndicator,
    RatioIndicator,
    Selector,
)
from sloctl.promql import format_number


class CounterPair(Struct, frozen=True):
    """Counters whose increments are the events: those of *error* less those of *minus* are the bad ones.

    With *count_new_series*, the first value of a series counts as events where its target was there a minute
    ago and the series was not.
    """

    error: tuple[Selector, ...]
    minus: tuple[Selector, ...]
    total: tuple[Selector, ...]
    count_new_series: bool


EventPair: TypeAlias = (
    CounterPair
    | NativeLatencyIndicator
    | ConditionIndicator
    | ProbeIndicator
    | QueryIndicator
    | ErrorRatioIndicator
)


def lower_indicator(indicator: Indicator) -> EventPair:
    """Return the event counts behind an indicator; one that no counters hold is its own pair."""
    match indicator:
        case RatioIndicator(counted, numerator, total, count_new_series):
            error, minus = (numerator, ()) if counted is CountedSide.ERROR else (total, numerator)
            return _counter_pair(error, minus, total, count_new_series=count_new_series)
        case LatencyIndicator(Selector(name, matchers), threshold, count_new_series):
            count = (Selector(f"{name}_count", matchers),)
            bucket = Selector(f"{name}_bucket", (*matchers, _le_matcher(threshold)))
            return _counter_pair(count, (bucket,), count, count_new_series=count_new_series)
        case (
            NativeLatencyIndicator()
            | ConditionIndicator()
            | ProbeIndicator()
            | QueryIndicator()
            | ErrorRatioIndicator()
        ):
            return indicator
        case _:
            assert_never(indicator)


def counts_are_events(pair: EventPair) -> bool:
    """Return whether a count is a number of events rather than of minutes, so that a floor on errors fits."""
    return not isinstance(pair, ConditionIndicator | ErrorRatioIndicator)


def _counter_pair(
    error: tuple[Selector, ...],
    minus: tuple[Selector, ...],
    total: tuple[Selector, ...],
    *,
    count_new_series: bool,
) -> CounterPair:
    # A recorded series (a colon in its name) has as a rule lost the labels of its target.
    from_targets = not any(":" in series.metric for series in (*error, *minus, *total))
    return CounterPair(error, minus, total, count_new_series=count_new_series and from_targets)


def _le_matcher(threshold: Fraction) -> LabelMatcher:
    # Exporters spell a whole bound `1` or `1.0`; Prometheus 3 rewrites the first to the second.
    text = format_number(threshold)
    if "." in text or "e" in text:
        return LabelMatcher("le", MatchOp.EQUAL, text)
    return LabelMatcher("le", MatchOp.MATCH, rf"{text}(\.0)?")
