"""A short text of what an SLO counts: histories with the same one may go on from each other."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import assert_never

import msgspec

from sloctl.model import (
    CompositeIndicator,
    ConditionIndicator,
    ErrorRatioIndicator,
    JourneyPart,
    NativeLatencyIndicator,
    ProbeIndicator,
    QueryIndicator,
    Selector,
    Slo,
    TimeSlice,
)
from sloctl.promql import format_number, format_selector
from sloctl.slo.lowering import CounterPair, EventPair, lower_indicator


def slo_fingerprint(slo: Slo) -> str:
    """Hash the id, the groups and the PromQL of what is counted.

    An objective, an alert, a description or a label changes nothing here; an indicator or groupBy does. No
    name of a class or a field goes in, so that a rename in this code costs nobody a history.
    """
    counted = msgspec.json.encode(
        (slo.id, slo.group_by, (*_sliced(slo.time_slice), *_counted_promql(lower_indicator(slo.indicator))))
    )
    return blake2b(counted, digest_size=16).hexdigest()


def _sliced(slices: TimeSlice | None) -> tuple[str, ...]:
    """Give how slices are judged; nothing where there are none."""
    if slices is None:
        return ()
    return "slices", format_number(slices.good), str(slices.seconds), slices.when_empty.value


def _counted_promql(pair: EventPair) -> tuple[str, ...]:
    """Give a word for the kind of events, then the PromQL that counts them."""
    match pair:
        case CounterPair():
            kind = "counters with new series" if pair.count_new_series else "counters"
            return kind, *map(_join_selectors, (pair.error, pair.minus, pair.total))
        case NativeLatencyIndicator():
            return "native histogram", format_selector(pair.histogram), format_number(pair.bound)
        case ConditionIndicator():
            return "condition", pair.good, pair.when_absent.value
        case ProbeIndicator():
            return "probe", format_selector(pair.gauge)
        case QueryIndicator():
            return f"{pair.counted.value} query", pair.numerator.text, pair.total.text
        case ErrorRatioIndicator():
            return "error ratio", pair.ratio.text
        case CompositeIndicator():
            return f"journey: {pair.rule.value}", *(
                text for part in pair.parts for text in _part_promql(part)
            )
        case _:
            assert_never(pair)


def _part_promql(part: JourneyPart) -> tuple[str, ...]:
    return (
        format_number(part.weight),
        *_sliced(part.time_slice),
        *_counted_promql(lower_indicator(part.indicator)),
    )


def _join_selectors(selectors: Iterable[Selector]) -> str:
    return " or ".join(map(format_selector, selectors))
