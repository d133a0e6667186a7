"""The fields of a spec as types: msgspec reads documents into them, and the JSON Schema is made of them.

Descriptions and examples are for editors.
"""

from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, UnsetType, field

from sloctl.model import UTC_ZONE, CalendarPeriod, Severity
from sloctl.spec.field_types import (
    INDEPENDENT,
    PERCENTAGE_PATTERN,
    AlertName,
    Choice,
    Date,
    Duration,
    Fields,
    LabelName,
    Labels,
    Name,
    Percentage,
)
from sloctl.spec.indicator_fields import Indicator
from sloctl.spec.schedules import Schedule

API_VERSION: Final = "sloctl.dev/v1"
KIND: Final = "ServiceLevelObjectives"

_LABELS = "Labels of every series and alert; values are text."
_ANNOTATIONS = "Annotations of every alert."


class BurnAlert(Choice, frozen=True, kw_only=True):
    """An alert on a budget share burned within the long lookback, while the short one still burns."""

    exactly_one = ("budget_share", "factor")
    severity: Annotated[Severity, Meta(description="page: now. ticket: on a working day.")]
    budget_share: Annotated[
        Annotated[
            str,
            Meta(extra={"noun": "a percentage like 2%"}, extra_json_schema={"pattern": PERCENTAGE_PATTERN}),
        ]
        | UnsetType,
        Meta(description="Share of the window's budget.", examples=["2%"]),
    ] = UNSET
    factor: Annotated[
        Annotated[float, Meta(extra_json_schema={"exclusiveMinimum": 0})] | UnsetType,
        Meta(description="The burn rate above which it fires, instead of budgetShare.", examples=[14.4]),
    ] = UNSET
    long: Annotated[Duration, Meta(description="The lookback in which the share burns.", examples=["1h"])]
    short: Annotated[
        Duration, Meta(description="The lookback that ends the alert soon after the burn.", examples=["5m"])
    ]
    pending: Annotated[
        Duration, Meta(description="Fire only when it burns so for this time on end.", examples=["2m"])
    ] = field(default="0s", name="for")


class Alert(Fields, frozen=True, kw_only=True):
    """Labels and annotations of one kind of alert."""

    labels: Annotated[Labels, Meta(description="Labels of this alert.")] = field(default_factory=dict)
    annotations: Annotated[Labels, Meta(description="Annotations of this alert.")] = field(
        default_factory=dict
    )
    disabled: Annotated[bool, Meta(description="Do without this alert.")] = False


class SpentShare(Fields, frozen=True, kw_only=True):
    """A share of the budget that is spent, and how urgent that is."""

    share: Annotated[Percentage, Meta(description="Share of the budget, below 100 %.", examples=["90%"])]
    severity: Annotated[Severity, Meta(description="page where someone must look now.")] = Severity.TICKET


class Exhausted(Alert, frozen=True, kw_only=True):
    """The alert on a budget that is gone, and on shares of it that are spent."""

    at: Annotated[
        list[
            Annotated[
                Percentage | SpentShare,
                Meta(extra={"noun": "a percentage like 75%, or {share: 75%, severity: page}"}),
            ]
        ],
        Meta(description="Alert on these shares too; tickets, but where one says page."),
    ] = field(default_factory=list)


class Exhausting(Alert, frozen=True, kw_only=True):
    """The alert on a budget that will be gone soon."""

    within: Annotated[
        Duration | UnsetType,
        Meta(
            description="Alert when the budget is gone within this time at the present rate: 24h where it is "
            "not given, below a week a seventh of the window."
        ),
    ] = UNSET


class NoData(Alert, frozen=True, kw_only=True):
    """The alert on an SLO of which nothing is known."""

    after: Annotated[Duration, Meta(description="Alert after this time without data.")] = "10m"
    severity: Annotated[Severity, Meta(description="page where someone must look now.")] = Severity.TICKET


class SeverityLabels(Fields, frozen=True, kw_only=True):
    """What the label severity says, of every kind of alert; slo_severity is page or ticket all the same."""

    page: Annotated[str | UnsetType, Meta(description="Of alerts that page.", examples=["critical"])] = UNSET
    ticket: Annotated[str | UnsetType, Meta(description="Of all others.", examples=["warning"])] = UNSET


class AlertNames(Fields, frozen=True, kw_only=True):
    """The names of the alerts, where they are not to be sloctl's own."""

    page: Annotated[AlertName | UnsetType, Meta(description="Of the burn alert that pages.")] = UNSET
    ticket: Annotated[AlertName | UnsetType, Meta(description="Of the burn alert that is a ticket.")] = UNSET
    exhausted: Annotated[AlertName | UnsetType, Meta(description="Of the budget that is gone.")] = UNSET
    spent: Annotated[AlertName | UnsetType, Meta(description="Of a share of it that is spent.")] = UNSET
    exhausting: Annotated[AlertName | UnsetType, Meta(description="Of the budget soon gone.")] = UNSET
    no_data: Annotated[AlertName | UnsetType, Meta(description="Of no data.")] = UNSET


class Alerting(Fields, frozen=True, kw_only=True):
    """The alerts of an objective, and their labels and annotations."""

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
    disabled: Annotated[bool, Meta(description="Do without any alert.")] = False
    severity: Annotated[
        SeverityLabels, Meta(description="What alerts that page, and tickets, say in their label severity.")
    ] = SeverityLabels()
    names: AlertNames = AlertNames()
    labels: Annotated[Labels, Meta(description="Labels of all alerts.")] = field(default_factory=dict)
    annotations: Annotated[Labels, Meta(description="Annotations of all alerts.")] = field(
        default_factory=dict
    )
    page: Annotated[Alert, Meta(description="The budget burns so fast that someone must look now.")] = Alert()
    ticket: Annotated[Alert, Meta(description="The budget burns too fast.")] = Alert()
    exhausted: Exhausted = Exhausted()
    exhausting: Exhausting = Exhausting()
    no_data: NoData = NoData()


class CalendarFields(Fields, frozen=True, kw_only=True):
    """A window that begins anew with each week, month, quarter or year."""

    calendar: Annotated[CalendarPeriod, Meta(description="The period; a week begins on Monday.")]
    time_zone: Annotated[
        str, Meta(description="Whose midnights count, by its name in the time zone database.")
    ] = UTC_ZONE


SloWindow: TypeAlias = Annotated[
    Duration | CalendarFields,
    Meta(
        description="Rolling: whole days, 1d to 365d; or the running period of a calendar.",
        extra={"noun": "a duration like 30d, or {calendar: month}"},
    ),
]
_Objective: TypeAlias = Annotated[
    Percentage,
    Meta(description="Share of good events, above 0 % and below 100 %.", examples=["99.95%"]),
]


class ObjectiveVariant(Fields, frozen=True, kw_only=True):
    """One of several objectives of an indicator; what it does not say, it shares with the others."""

    name: Annotated[
        Name, Meta(description="What its SLO's name ends in, behind a dash.", examples=["contract"])
    ]
    description: Annotated[str | UnsetType, INDEPENDENT, Meta(description="What it promises.")] = UNSET
    objective: _Objective
    window: SloWindow | UnsetType = UNSET
    labels: Annotated[Labels, Meta(description="They override the shared ones.")] = field(
        default_factory=dict
    )
    annotations: Annotated[Labels, Meta(description="They override the shared ones.")] = field(
        default_factory=dict
    )
    alerting: Annotated[Alerting, Meta(description="Overrides the shared one, key by key.")] = Alerting()
    review_by: Annotated[Date | UnsetType, Meta(description="When it is to be looked at again.")] = UNSET


class Objective(Choice, frozen=True, kw_only=True):
    """One objective of the service, or several of one indicator."""

    exactly_one: ClassVar = ("objective", "objectives")
    usual: ClassVar = "objective"

    name: Annotated[
        Name, Meta(description="Its name, one of a kind in the service.", examples=["availability"])
    ]
    description: Annotated[str, INDEPENDENT, Meta(description="What it promises, in a sentence.")] = ""
    objective: _Objective | UnsetType = UNSET
    objectives: Annotated[
        Annotated[list[ObjectiveVariant], Meta(min_length=1)] | UnsetType,
        Meta(description="Several objectives of this indicator, each an SLO of its own."),
    ] = UNSET
    window: SloWindow = "30d"
    indicator: Indicator
    active_hours: Annotated[
        Schedule | Annotated[list[Schedule], Meta(min_length=1)] | UnsetType,
        Meta(
            description="Service hours: outside them nothing counts.",
            examples=[{"days": ["monday-friday"], "hours": "08:00-18:00", "timeZone": "Europe/Berlin"}],
            extra={"noun": "a schedule like {days: [monday-friday], hours: 08:00-18:00}, or a list of them"},
        ),
    ] = UNSET
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
    review_by: Annotated[
        Date | UnsetType, Meta(description="When it is to be looked at again; reports tell what is due.")
    ] = UNSET


class Metadata(Fields, frozen=True, kw_only=True):
    """The service that the objectives are of."""

    name: Annotated[Name, Meta(description="The service.", examples=["payments-api"])]
    labels: Annotated[Labels, Meta(description=_LABELS)] = field(default_factory=dict)
    annotations: Annotated[Labels, Meta(description=_ANNOTATIONS)] = field(default_factory=dict)


class Spec(Fields, frozen=True, kw_only=True):
    """The objectives of a service."""

    description: Annotated[str, INDEPENDENT, Meta(description="What the service is, in a sentence.")] = ""
    scrape_interval: Annotated[
        Duration,
        INDEPENDENT,
        Meta(description="How often the service is scraped; whole seconds, 1s to 5m."),
    ] = "1m"
    objective: Annotated[
        _Objective | UnsetType, INDEPENDENT, Meta(description="Of every SLO that does not have its own.")
    ] = UNSET
    window: Annotated[
        SloWindow | UnsetType, INDEPENDENT, Meta(description="Of every SLO that does not have its own.")
    ] = UNSET
    group_by: Annotated[
        list[LabelName], INDEPENDENT, Meta(description="Of every SLO that does not have its own.")
    ] = field(default_factory=list)
    alerting: Annotated[Alerting, Meta(description="Defaults for all objectives.")] = Alerting()
    slos: Annotated[list[Objective], INDEPENDENT, Meta(min_length=1, description="The objectives.")]


class Document(Fields, frozen=True, kw_only=True):
    """The service level objectives of one service."""

    api_version: Annotated[Literal["sloctl.dev/v1"], Meta(description="The version of this format.")]
    kind: Annotated[Literal["ServiceLevelObjectives"], Meta(description="What this document is.")]
    metadata: Metadata
    spec: Spec
