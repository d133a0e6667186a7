"""The event of an indicator in plain words: what one is, when it is bad, and what no data means."""

from typing import Final, assert_never

from msgspec import Struct

from sloctl.duration import format_duration
from sloctl.model import (
    CompositeIndicator,
    CompositeRule,
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    Indicator,
    LatencyIndicator,
    NativeLatencyIndicator,
    ProbeIndicator,
    PromQL,
    QueryIndicator,
    RatioIndicator,
    Slo,
    WhenAbsent,
)
from sloctl.promql import format_number, format_selector

_NO_TRAFFIC: Final = (
    "Without traffic there is no error ratio: nothing burns, no burn alert fires or goes on firing, and the "
    "budget stays as it is."
)
_NO_SERIES: Final = "Without a single series it is unknown, which is neither good nor bad."
_WHEN_ABSENT_TEXT: Final = {
    WhenAbsent.BAD: "A minute without an answer is bad: silence burns the budget, and pages, like an outage.",
    WhenAbsent.GOOD: "A minute without an answer is good: no alert ever tells of silence.",
    WhenAbsent.IGNORE: "A minute without an answer is no event: silence neither burns nor mends.",
}


# How events of the numerator relate to what is bad.
_BAD_ARE: Final = {CountedSide.ERROR: "also", CountedSide.GOOD: "not"}


class EventDefinition(Struct, frozen=True):
    """Sentences about the events of an indicator, each with the PromQL that it ends in.

    *reports_no_data* is False where no data count as good or bad, so that no alert tells of them.
    *less_text* is of what is taken from the bad events, empty where nothing is.
    *counts_events* is False where an event is a minute rather than a thing that happened.
    """

    event_text: str
    event_queries: tuple[PromQL, ...]
    bad_text: str
    bad_queries: tuple[PromQL, ...]
    no_data_text: str
    reports_no_data: bool = True
    counts_events: bool = True
    less_text: str = ""
    less_queries: tuple[PromQL, ...] = ()


_WHEN_EMPTY_TEXT: Final = {
    WhenAbsent.BAD: "A slice without events is bad: silence burns the budget.",
    WhenAbsent.GOOD: "A slice without events is good.",
    WhenAbsent.IGNORE: "A slice without events is none: it neither burns nor mends.",
}


_JOURNEY_RULES: Final = {
    CompositeRule.WORST: (
        "One event is one minute of the journey, as bad as its worst part:",
        "It is bad to the degree of the highest error ratio of a part in it.",
    ),
    CompositeRule.WEIGHTED: (
        "One event is one minute of the journey, as bad as its parts are by their weights:",
        "It is bad to the degree of the weighted mean of the error ratios of its parts in it.",
    ),
    CompositeRule.SUM: (
        "One event is one event of any part of the journey:",
        "It is bad where it is bad in its part.",
    ),
}
_PART_WITHOUT_DATA: Final = (
    "A minute in which a part has no data is no event of the journey, whatever the others did: it is "
    "unknown, and never good."
)


def define_event(slo: Slo) -> EventDefinition:
    """Say in words what one event of *slo* is."""
    counted, slices = _define_counted(slo.indicator), slo.time_slice
    if slices is None:
        return counted
    length = format_duration(slices.seconds)
    return EventDefinition(
        f"One event is one slice of {length}, good when at least {format_number(100 * slices.good)} % of its "
        f"own events are. {counted.event_text.replace('One event is', 'One of these is')}",
        counted.event_queries,
        counted.bad_text,
        counted.bad_queries,
        f"{_WHEN_EMPTY_TEXT[slices.when_empty]} {_NO_SERIES}",
        counts_events=False,
        less_text=counted.less_text,
        less_queries=counted.less_queries,
    )


def _define_counted(indicator: Indicator) -> EventDefinition:
    """Say in words what one event of *indicator* is."""
    match indicator:
        case RatioIndicator():
            return EventDefinition(
                "One event is one increment of",
                tuple(map(format_selector, indicator.total)),
                f"It is bad when it is {_BAD_ARE[indicator.counted]} an increment of",
                tuple(map(format_selector, indicator.numerator)),
                f"{_NO_TRAFFIC} {_NO_SERIES}",
                less_text="From these are taken, down to none, the increments of" if indicator.minus else "",
                less_queries=tuple(map(format_selector, indicator.minus)),
            )
        case LatencyIndicator() | NativeLatencyIndicator():
            most = indicator.threshold
            limit = f"{format_number(most)}s" if most >= 1 else f"{format_number(1000 * most)}ms"
            return EventDefinition(
                "One event is one observation of the histogram",
                (format_selector(indicator.histogram),),
                f"It is bad when it is above {limit}.",
                (),
                f"{_NO_TRAFFIC} {_NO_SERIES}",
            )
        case ConditionIndicator():
            return EventDefinition(
                "One event is one minute.",
                (),
                "It is bad when this is not 1, for any series, at the look in it:",
                (indicator.good,),
                _WHEN_ABSENT_TEXT[indicator.when_absent],
                reports_no_data=indicator.when_absent is WhenAbsent.IGNORE,
                counts_events=False,
            )
        case ProbeIndicator():
            return EventDefinition(
                "One event is one sample of",
                (format_selector(indicator.gauge),),
                "It is bad when it is 0.",
                (),
                _NO_SERIES,
            )
        case QueryIndicator():
            return EventDefinition(
                "Events of some time ($window) are counted by",
                (indicator.total.text,),
                f"Bad are those that are {_BAD_ARE[indicator.counted]} counted by",
                (indicator.numerator.text,),
                f"{_NO_TRAFFIC} {_NO_SERIES}",
            )
        case ErrorRatioIndicator():
            return EventDefinition(
                "One event is one minute, however much happened in it.",
                (),
                "It is bad to the degree of",
                (indicator.ratio.text,),
                "A minute whose ratio is not known is no event.",
                counts_events=False,
            )
        case CompositeIndicator():
            return _define_journey(indicator)
        case _:
            assert_never(indicator)


def _define_journey(journey: CompositeIndicator) -> EventDefinition:
    """Say the rule of a journey in one sentence, and name its parts."""
    event, bad = _JOURNEY_RULES[journey.rule]
    weights = sum(part.weight for part in journey.parts)
    parts = []
    for part in journey.parts:
        counted = "an indicator of its own" if part.slo is None else part.slo.id
        weighs = journey.rule is CompositeRule.WEIGHTED
        share = f", {format_number(round(100 * part.weight / weights, 1))} %" if weighs else ""
        parts.append(f"{part.name}: {counted}{share}")
    minutes = "a minute" if journey.minutes_behind == 1 else f"{journey.minutes_behind} minutes"
    return EventDefinition(
        event,
        tuple(parts),
        f"{bad} It is counted {minutes} after its parts.",
        (),
        f"A part in which nothing happened in a minute is left out of it. {_PART_WITHOUT_DATA}",
        counts_events=journey.rule is CompositeRule.SUM,
    )
