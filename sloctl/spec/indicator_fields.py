"""The fields of an indicator as types: one class a kind."""

from typing import Annotated, ClassVar, Literal, TypeAlias

from msgspec import UNSET, Meta, UnsetType, field

from sloctl.model import WhenAbsent
from sloctl.spec.field_types import (
    BOUND_PATTERN,
    BoundDuration,
    Choice,
    Fields,
    IdentityLabels,
    Percentage,
    QueryText,
    Selectors,
    SelectorText,
)


class Ratio(Choice, frozen=True, kw_only=True):
    """Events are increments of counters."""

    exactly_one: ClassVar = ("error", "good")

    error: Annotated[
        Selectors | UnsetType,
        Meta(
            description="Counters of bad events.", examples=['http_requests_total{job="shop", code=~"5.."}']
        ),
    ] = UNSET
    good: Annotated[Selectors | UnsetType, Meta(description="Counters of good events, instead of error.")] = (
        UNSET
    )
    minus: Annotated[
        Selectors | UnsetType,
        Meta(
            description="Counters of events that error counts and that are not bad.",
            examples=['http_requests_aborted_total{job="shop"}'],
        ),
    ] = UNSET
    total: Annotated[
        Selectors, Meta(description="Counters of all events.", examples=['http_requests_total{job="shop"}'])
    ]
    count_new_series: Annotated[
        bool, Meta(description="Count the first value of a new series of a known process as events.")
    ] = True
    identity_labels: Annotated[
        IdentityLabels,
        Meta(
            description="Labels that tell one process from another: a new series counts only at one that was "
            "there before."
        ),
    ] = UNSET


class Latency(Fields, frozen=True, kw_only=True):
    """Events are observations of a histogram; good ones are at most the threshold."""

    histogram: Annotated[
        SelectorText,
        Meta(
            description="The histogram without _bucket, _count or _sum.",
            examples=['http_request_duration_seconds{job="shop"}'],
        ),
    ]
    threshold: Annotated[
        BoundDuration,
        Meta(
            description="The longest good duration; a bound of the histogram.",
            examples=["300ms", "268.435456ms"],
        ),
    ]
    unit: Annotated[
        Literal["s", "ms", "us"] | UnsetType,
        Meta(
            description="The unit of the histogram's bounds; not given, it is what its name says, or seconds."
        ),
    ] = UNSET
    native: Annotated[bool, Meta(description="Whether it is a native histogram.")] = False
    count_new_series: Annotated[
        bool | UnsetType,
        Meta(description="As in ratio; classic histograms only. True where it is not given."),
    ] = UNSET
    identity_labels: Annotated[IdentityLabels, Meta(description="As in ratio; classic histograms only.")] = (
        UNSET
    )


class Condition(Fields, frozen=True, kw_only=True):
    """One event a minute, good where a comparison holds."""

    good: Annotated[
        str,
        Meta(
            description="A PromQL comparison that holds in a good minute.",
            examples=["time() - max(last_success_timestamp_seconds) < 900"],
            extra={"noun": "a PromQL comparison"},
        ),
    ]
    when_absent: Annotated[
        WhenAbsent, Meta(description="What a minute counts as in which the comparison has no answer.")
    ] = WhenAbsent.IGNORE


class Probe(Fields, frozen=True, kw_only=True):
    """Events are samples of a gauge that is 1 (good) or 0 (bad)."""

    metric: Annotated[
        SelectorText,
        Meta(
            description="The gauge.",
            examples=['probe_success{job="blackbox"}'],
        ),
    ]


class Query(Choice, frozen=True, kw_only=True):
    """Events counted by PromQL of your own, with $window as its range."""

    exactly_one: ClassVar = ("error", "good")

    error: Annotated[
        QueryText | UnsetType,
        Meta(
            description="How many bad events happened.",
            examples=["sum(increase(errors_total[$window]))"],
        ),
    ] = UNSET
    good: Annotated[
        QueryText | UnsetType,
        Meta(description="How many good events happened, instead of error."),
    ] = UNSET
    total: Annotated[
        QueryText,
        Meta(
            description="How many events happened.",
            examples=["sum(increase(requests_total[$window]))"],
        ),
    ]


class Preset(Fields, frozen=True, kw_only=True):
    """An indicator for software that everyone runs."""

    name: Annotated[str, Meta(description="Which preset.")]
    parameters: Annotated[
        dict[str, str],
        Meta(
            description="Its parameters, as plain text.",
            extra_json_schema={"properties": {"threshold": {"type": "string", "pattern": BOUND_PATTERN}}},
        ),
    ] = field(name="with", default_factory=dict)


class CountedIndicator(Choice, frozen=True, kw_only=True):
    """The definition of an event that is counted, and of a bad one: exactly one of these."""

    exactly_one: ClassVar = ("ratio", "latency", "probe", "query", "preset")

    ratio: Ratio | UnsetType = UNSET
    latency: Latency | UnsetType = UNSET
    probe: Probe | UnsetType = UNSET
    query: Query | UnsetType = UNSET
    preset: Preset | UnsetType = UNSET


class TimeSliceFields(Fields, frozen=True, kw_only=True):
    """Events are slices of time, each good or bad by the events in it."""

    of: Annotated[CountedIndicator, Meta(description="What is counted in a slice.")]
    good: Annotated[
        Percentage,
        Meta(description="The share of good events from which a slice is good.", examples=["99%"]),
    ]
    slice: Annotated[Literal["1m", "5m"], Meta(description="How long a slice is.")] = "1m"
    when_empty: Annotated[
        WhenAbsent, Meta(description="What a slice counts as in which nothing happened.")
    ] = WhenAbsent.IGNORE


class PartIndicator(Choice, frozen=True, kw_only=True):
    """The definition of an event of a part of a journey, and of a bad one: exactly one of these."""

    exactly_one: ClassVar = ("ratio", "latency", "condition", "probe", "query", "error_ratio", "preset")

    ratio: Ratio | UnsetType = UNSET
    latency: Latency | UnsetType = UNSET
    condition: Condition | UnsetType = UNSET
    probe: Probe | UnsetType = UNSET
    query: Query | UnsetType = UNSET
    error_ratio: Annotated[QueryText | UnsetType, Meta(description="As in an indicator.")] = UNSET
    preset: Preset | UnsetType = UNSET


_PartSlo: TypeAlias = Annotated[
    str,
    Meta(
        description="An SLO of this service by its name, or of another one by service/name.",
        examples=["payments-api/availability"],
    ),
]


class Part(Choice, frozen=True, kw_only=True):
    """A part of a journey: an SLO, or an indicator of its own."""

    exactly_one: ClassVar = ("slo", "indicator")

    slo: _PartSlo | UnsetType = UNSET
    indicator: PartIndicator | UnsetType = UNSET


class WeightedPart(Choice, frozen=True, kw_only=True):
    """A part of a journey, with how much it weighs beside the others."""

    exactly_one: ClassVar = ("slo", "indicator")

    slo: _PartSlo | UnsetType = UNSET
    indicator: PartIndicator | UnsetType = UNSET
    weight: Annotated[
        float,
        Meta(
            description="Its share is this by the weights of all parts.",
            extra_json_schema={"exclusiveMinimum": 0},
            examples=[3],
        ),
    ]


class Composite(Choice, frozen=True, kw_only=True):
    """A journey through parts, each under a name: exactly one of these says how they become one."""

    exactly_one: ClassVar = ("worst", "weighted", "sum")

    worst: Annotated[
        dict[str, Part] | UnsetType,
        Meta(description="A minute is as bad as its worst part."),
    ] = UNSET
    weighted: Annotated[
        dict[str, WeightedPart] | UnsetType,
        Meta(description="A minute is as bad as the weighted mean of the error ratios of its parts."),
    ] = UNSET
    sum: Annotated[
        dict[str, Part] | UnsetType,
        Meta(description="All events of all parts are events of the journey."),
    ] = UNSET


class Indicator(Choice, frozen=True, kw_only=True):
    """The definition of an event, and of a bad one: exactly one of these."""

    exactly_one: ClassVar = (
        "ratio",
        "latency",
        "condition",
        "probe",
        "query",
        "error_ratio",
        "preset",
        "time_slice",
        "composite",
    )

    ratio: Ratio | UnsetType = UNSET
    latency: Latency | UnsetType = UNSET
    condition: Condition | UnsetType = UNSET
    probe: Probe | UnsetType = UNSET
    query: Query | UnsetType = UNSET
    error_ratio: Annotated[
        QueryText | UnsetType,
        Meta(
            description="PromQL for the share of bad events over $window, between 0 and 1.",
            examples=["sum(rate(errors_total[$window])) / sum(rate(requests_total[$window]))"],
        ),
    ] = UNSET
    preset: Preset | UnsetType = UNSET
    time_slice: TimeSliceFields | UnsetType = UNSET
    composite: Composite | UnsetType = UNSET
