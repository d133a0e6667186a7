"""The one lowering step: every indicator becomes a pair of event counts, (error, total)."""

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
    """Errors are the increments of *error* less those of *minus*; events those of *total*.

    *newborn*: a series of a target already seen that was not there a minute ago was born with the events
    it shows.
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
    """The counts behind an indicator; those that no counter holds stay what they are."""
    match indicator:
        case RatioIndicator():
            return _ratio(indicator)
        case LatencyIndicator():
            return _classic_latency(indicator)
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
    """Whether a count is a thing that happened rather than a minute, so that a floor on errors fits."""
    return not isinstance(pair, ConditionIndicator | ErrorRatioIndicator)


def _ratio(ratio: RatioIndicator) -> CounterPair:
    if ratio.counted is CountedSide.ERROR:
        return _counter_pair(
            error=ratio.numerator, minus=(), total=ratio.total, newborn=ratio.count_new_series
        )
    return _counter_pair(
        error=ratio.total, minus=ratio.numerator, total=ratio.total, newborn=ratio.count_new_series
    )


def _classic_latency(latency: LatencyIndicator) -> CounterPair:
    name, matchers = latency.histogram.metric, latency.histogram.matchers
    count = Selector(f"{name}_count", matchers)
    bucket = Selector(f"{name}_bucket", (*matchers, _le_matcher(latency.threshold)))
    return _counter_pair(error=(count,), minus=(bucket,), total=(count,), newborn=latency.count_new_series)


def _counter_pair(
    *, error: tuple[Selector, ...], minus: tuple[Selector, ...], total: tuple[Selector, ...], newborn: bool
) -> CounterPair:
    """A recorded series (a colon in its name) has as a rule lost the labels of its target."""
    from_targets = not any(":" in series.metric for series in (*error, *minus, *total))
    return CounterPair(error, minus, total, count_new_series=newborn and from_targets)


def _le_matcher(threshold: Fraction) -> LabelMatcher:
    """Exporters spell a whole bound `1` or `1.0`; Prometheus 3 rewrites the first to the second."""
    text = format_number(threshold)
    if "." in text or "e" in text:
        return LabelMatcher("le", MatchOp.EQUAL, text)
    return LabelMatcher("le", MatchOp.MATCH, rf"{text}(\.0)?")
