"""What one event of an indicator is, when it is bad, and what silence means: in plain words."""

from typing import Final, assert_never

from msgspec import Struct

from sloctl.model import (
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


class EventDefinition(Struct, frozen=True):
    """Sentences, each with the PromQL it ends in; *has_silence* where no data are told from good and bad.

    *counts* where an event is a thing that happened, False where it is a minute.
    """

    event_text: str
    event_queries: tuple[PromQL, ...]
    bad_text: str
    bad_queries: tuple[PromQL, ...]
    no_data_text: str
    reports_no_data: bool = True
    counts_events: bool = True


def define_event(indicator: Indicator) -> EventDefinition:
    match indicator:
        case RatioIndicator():
            return _ratio(indicator)
        case LatencyIndicator() | NativeLatencyIndicator():
            return _latency(indicator)
        case ConditionIndicator():
            return _condition(indicator)
        case ProbeIndicator():
            return EventDefinition(
                "One event is one sample of",
                (format_selector(indicator.gauge),),
                "It is bad when it is 0.",
                (),
                _NO_SERIES,
            )
        case QueryIndicator():
            return _query(indicator)
        case ErrorRatioIndicator():
            return EventDefinition(
                "One event is one minute, however much happened in it.",
                (),
                "It is bad to the degree of",
                (indicator.ratio.text,),
                "A minute whose ratio is not known is no event.",
                counts_events=False,
            )
        case _:
            assert_never(indicator)


def _ratio(ratio: RatioIndicator) -> EventDefinition:
    return EventDefinition(
        "One event is one increment of",
        tuple(map(format_selector, ratio.total)),
        f"It is bad when it is {_also(ratio.counted)} an increment of",
        tuple(map(format_selector, ratio.numerator)),
        f"{_NO_TRAFFIC} {_NO_SERIES}",
    )


def _latency(latency: LatencyIndicator | NativeLatencyIndicator) -> EventDefinition:
    threshold = latency.threshold
    most = f"{format_number(threshold)}s" if threshold >= 1 else f"{format_number(1000 * threshold)}ms"
    return EventDefinition(
        "One event is one observation of the histogram",
        (format_selector(latency.histogram),),
        f"It is bad when it is above {most}.",
        (),
        f"{_NO_TRAFFIC} {_NO_SERIES}",
    )


def _condition(condition: ConditionIndicator) -> EventDefinition:
    return EventDefinition(
        "One event is one minute.",
        (),
        "It is bad when this is not 1, for any series, at the look in it:",
        (condition.good,),
        _WHEN_ABSENT_TEXT[condition.when_absent],
        reports_no_data=condition.when_absent is WhenAbsent.IGNORE,
        counts_events=False,
    )


def _query(query: QueryIndicator) -> EventDefinition:
    return EventDefinition(
        "Events of some time ($window) are counted by",
        (query.total.text,),
        f"Bad are those that are {_also(query.counted)} counted by",
        (query.numerator.text,),
        f"{_NO_TRAFFIC} {_NO_SERIES}",
    )


def _also(counted: CountedSide) -> str:
    return "also" if counted is CountedSide.ERROR else "not"
