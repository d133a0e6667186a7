"""The fields of a spec as types. msgspec reads documents into them, and the JSON Schema is made of them.

Text with a form of its own (percentages, durations, PromQL) is still text here; `values` understands it.
Patterns, examples and descriptions are for editors, nouns for messages.
"""

from typing import Annotated, ClassVar, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from sloctl.model import Severity, WhenAbsent

API_VERSION: Final = "sloctl.dev/v1"
KIND: Final = "ServiceLevelObjectives"
_PERCENTAGE = r"^[0-9]{1,3}(\.[0-9]{1,12})?%$"
_DURATION = "^([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"
_NAME = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
_LABEL_NAME = "^[a-zA-Z_][a-zA-Z0-9_]*$"

Percentage = Annotated[
    str, Meta(extra={"noun": "a percentage like 99.95%"}, extra_json_schema={"pattern": _PERCENTAGE})
]
Duration = Annotated[
    str,
    Meta(
        extra={"noun": "a duration like 30s, 30m or 30d"},
        extra_json_schema={"pattern": _DURATION, "minLength": 1},
    ),
]
Name = Annotated[str, Meta(extra_json_schema={"pattern": _NAME, "maxLength": 63})]
LabelName = Annotated[str, Meta(extra_json_schema={"pattern": _LABEL_NAME, "maxLength": 63})]
# What is wrong with this keeps nothing else from being checked.
ALONE: Final = "stands alone"
_ALONE = Meta(extra={ALONE: True})

Labels = Annotated[
    dict[str, str],
    _ALONE,
    Meta(extra_json_schema={"propertyNames": {"pattern": _LABEL_NAME, "maxLength": 63}}),
]
Selectors = Annotated[
    str | Annotated[list[str], Meta(min_length=1)], Meta(extra={"noun": "a selector or a list of selectors"})
]

SelectorText = Annotated[str, Meta(extra={"noun": "a selector"})]
QueryText = Annotated[str, Meta(extra={"noun": "a PromQL query"})]

_LABELS = "Labels of every series and alert; values are text."
_ANNOTATIONS = "Annotations of every alert."


class _Fields(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A mapping with these keys and no others."""


class Choice(_Fields, frozen=True):
    """A mapping that has exactly one of some fields."""

    exactly_one: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        if sum(getattr(self, name) is not UNSET for name in self.exactly_one) != 1:
            raise ValueError(f"exactly one of {', '.join(self.exactly_one)}")


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
    total: Annotated[
        Selectors, Meta(description="Counters of all events.", examples=['http_requests_total{job="shop"}'])
    ]
    newborn: Annotated[
        bool, Meta(description="Count the events that a new series of a known target is born with.")
    ] = True


class Latency(_Fields, frozen=True, kw_only=True):
    """Events are observations of a histogram; good ones are at most the threshold."""

    histogram: Annotated[
        SelectorText,
        Meta(
            description="The histogram without _bucket, _count or _sum.",
            examples=['http_request_duration_seconds{job="shop"}'],
        ),
    ]
    threshold: Annotated[
        Duration,
        Meta(
            description="The longest good duration; a bound of the histogram.",
            examples=["300ms"],
            extra={"noun": "a duration like 300ms"},
        ),
    ]
    native: Annotated[bool, Meta(description="Whether it is a native histogram.")] = False
    newborn: Annotated[
        bool | UnsetType,
        Meta(description="As in ratio; classic histograms only. True where it is not given."),
    ] = UNSET


class Condition(_Fields, frozen=True, kw_only=True):
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


class Probe(_Fields, frozen=True, kw_only=True):
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


class Preset(_Fields, frozen=True, kw_only=True):
    """An indicator for software that everyone runs."""

    name: Annotated[str, Meta(description="Which preset.")]
    parameters: Annotated[
        dict[str, str],
        Meta(
            description="Its parameters, as plain text.",
            extra_json_schema={"properties": {"threshold": {"type": "string", "pattern": _DURATION}}},
        ),
    ] = field(name="with", default_factory=dict)


class Indicator(Choice, frozen=True, kw_only=True):
    """What an event is and when it is bad: exactly one of these."""

    exactly_one: ClassVar = ("ratio", "latency", "condition", "probe", "query", "error_ratio", "preset")

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


class BurnAlert(_Fields, frozen=True, kw_only=True):
    """Fires when the share of the budget is burned within the long lookback and the short one still burns."""

    severity: Annotated[Severity, Meta(description="page: now. ticket: on a working day.")]
    budget_share: Annotated[
        Percentage,
        Meta(
            description="Share of the window's budget.",
            examples=["2%"],
            extra={"noun": "a percentage like 2%"},
        ),
    ]
    long: Annotated[Duration, Meta(description="The lookback in which the share burns.", examples=["1h"])]
    short: Annotated[
        Duration, Meta(description="The lookback that ends the alert soon after the burn.", examples=["5m"])
    ]


class Alert(_Fields, frozen=True, kw_only=True):
    """What one kind of alert carries."""

    labels: Annotated[Labels, Meta(description="Labels of this alert.")] = field(default_factory=dict)
    annotations: Annotated[Labels, Meta(description="Annotations of this alert.")] = field(
        default_factory=dict
    )
    disabled: Annotated[bool, Meta(description="Do without this alert.")] = False


class Exhausting(Alert, frozen=True, kw_only=True):
    """The budget will be gone soon."""

    within: Annotated[
        Duration, Meta(description="Alert when the budget is gone within this time at the present rate.")
    ] = "24h"


class NoData(Alert, frozen=True, kw_only=True):
    """Nothing is known about the SLO."""

    after: Annotated[Duration, Meta(description="Alert after this time without data.")] = "10m"


class Alerting(_Fields, frozen=True, kw_only=True):
    """Which alerts there are, and what they carry."""

    policy: Annotated[
        Annotated[list[BurnAlert], Meta(min_length=1)] | UnsetType,
        Meta(description="The burn-rate alerts; those of the SRE workbook where it is not given."),
    ] = UNSET
    min_errors: Annotated[
        Annotated[int, Meta(ge=0, le=1000)] | UnsetType,
        Meta(
            description="Fewer bad events in the long lookback do not alert; 2 where events are counted.",
        ),
    ] = UNSET
    confidence: Annotated[
        Percentage | UnsetType,
        Meta(description="Alert only where the burn is this certain, given how few events there were."),
    ] = UNSET
    labels: Annotated[Labels, Meta(description="Labels of all alerts.")] = field(default_factory=dict)
    annotations: Annotated[Labels, Meta(description="Annotations of all alerts.")] = field(
        default_factory=dict
    )
    page: Annotated[Alert, Meta(description="The budget burns so fast that someone must look now.")] = Alert()
    ticket: Annotated[Alert, Meta(description="The budget burns too fast.")] = Alert()
    exhausted: Annotated[Alert, Meta(description="The budget is gone.")] = Alert()
    exhausting: Exhausting = Exhausting()
    no_data: NoData = NoData()


class Objective(_Fields, frozen=True, kw_only=True):
    """One objective of the service."""

    name: Annotated[
        Name, Meta(description="Its name, one of a kind in the service.", examples=["availability"])
    ]
    description: Annotated[str, _ALONE, Meta(description="What it promises, in a sentence.")] = ""
    objective: Annotated[
        Percentage,
        Meta(description="Share of good events, above 0 % and below 100 %.", examples=["99.95%"]),
    ]
    window: Annotated[Duration, Meta(description="Rolling; whole days, 7d to 365d.")] = "30d"
    indicator: Indicator
    group_by: Annotated[
        list[LabelName], Meta(description="Labels with a budget of its own for each value.")
    ] = field(default_factory=list)
    labels: Annotated[Labels, Meta(description=f"{_LABELS} They override those of metadata.")] = field(
        default_factory=dict
    )
    annotations: Annotated[Labels, Meta(description=f"{_ANNOTATIONS} They override those of metadata.")] = (
        field(default_factory=dict)
    )
    alerting: Annotated[Alerting, Meta(description="Overrides spec.alerting, key by key.")] = Alerting()


class Metadata(_Fields, frozen=True, kw_only=True):
    """Whose objectives these are."""

    name: Annotated[Name, Meta(description="The service.", examples=["payments-api"])]
    labels: Annotated[Labels, Meta(description=_LABELS)] = field(default_factory=dict)
    annotations: Annotated[Labels, Meta(description=_ANNOTATIONS)] = field(default_factory=dict)


class Spec(_Fields, frozen=True, kw_only=True):
    """The objectives of a service."""

    description: Annotated[str, _ALONE, Meta(description="What the service is, in a sentence.")] = ""
    scrape_interval: Annotated[
        Duration,
        _ALONE,
        Meta(description="How often the service is scraped; whole seconds, 1s to 5m."),
    ] = "30s"
    alerting: Annotated[Alerting, Meta(description="Defaults for all objectives.")] = Alerting()
    slos: Annotated[list[Objective], _ALONE, Meta(min_length=1, description="The objectives.")]


class Document(_Fields, frozen=True, kw_only=True):
    """The service level objectives of one service."""

    api_version: Annotated[Literal["sloctl.dev/v1"], Meta(description="The version of this format.")]
    kind: Annotated[Literal["ServiceLevelObjectives"], Meta(description="What this document is.")]
    metadata: Metadata
    spec: Spec
