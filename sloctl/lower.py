"""The one lowering step: every indicator becomes a pair of event counts, (error, total)."""

from fractions import Fraction
from typing import TypeAlias, assert_never

from msgspec import Struct

from sloctl.decimals import decimal
from sloctl.model import (
    Condition,
    Counted,
    ErrorRatio,
    Indicator,
    Latency,
    Matcher,
    MatchOp,
    NativeLatency,
    Probe,
    Query,
    Ratio,
    Selector,
)


class CounterPair(Struct, frozen=True):
    """Errors are the increments of *error* less those of *minus*; events those of *total*.

    *newborn*: a series of a target already seen that was not there a minute ago was born with the events
    it shows.
    """

    error: tuple[Selector, ...]
    minus: tuple[Selector, ...]
    total: tuple[Selector, ...]
    newborn: bool


EventPair: TypeAlias = CounterPair | NativeLatency | Condition | Probe | Query | ErrorRatio


def lower(indicator: Indicator) -> EventPair:
    """The counts behind an indicator; those that no counter holds stay what they are."""
    match indicator:
        case Ratio():
            return _ratio(indicator)
        case Latency():
            return _classic_latency(indicator)
        case NativeLatency() | Condition() | Probe() | Query() | ErrorRatio():
            return indicator
        case _:
            assert_never(indicator)


def counts_are_events(pair: EventPair) -> bool:
    """Whether a count is a thing that happened rather than a minute, so that a floor on errors fits."""
    return not isinstance(pair, Condition | ErrorRatio)


def _ratio(ratio: Ratio) -> CounterPair:
    if ratio.counted is Counted.ERROR:
        return _counters(error=ratio.part, minus=(), total=ratio.total, newborn=ratio.newborn)
    return _counters(error=ratio.total, minus=ratio.part, total=ratio.total, newborn=ratio.newborn)


def _classic_latency(latency: Latency) -> CounterPair:
    name, matchers = latency.histogram.metric, latency.histogram.matchers
    count = Selector(f"{name}_count", matchers)
    bucket = Selector(f"{name}_bucket", (*matchers, _le(latency.threshold)))
    return _counters(error=(count,), minus=(bucket,), total=(count,), newborn=latency.newborn)


def _counters(
    *, error: tuple[Selector, ...], minus: tuple[Selector, ...], total: tuple[Selector, ...], newborn: bool
) -> CounterPair:
    """A recorded series (a colon in its name) has as a rule lost the labels of its target."""
    from_targets = not any(":" in series.metric for series in (*error, *minus, *total))
    return CounterPair(error, minus, total, newborn=newborn and from_targets)


def _le(threshold: Fraction) -> Matcher:
    """Exporters spell a whole bound `1` or `1.0`; Prometheus 3 rewrites the first to the second."""
    text = decimal(threshold)
    if "." in text or "e" in text:
        return Matcher("le", MatchOp.EQUAL, text)
    return Matcher("le", MatchOp.MATCH, rf"{text}(\.0)?")
