"""The fields of OpenSLO's objects, version v1: those that can say something about an SLO in Prometheus."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from sloctl.spec.dialects.kubernetes import ObjectMetadata, TextOfAnyType
from sloctl.spec.field_types import Choice, Fields

VERSION = "openslo/v1"

AnyNumber = Annotated[str | int | float, Meta(extra={"noun": "a number"})]
DurationShorthand = Annotated[str | int | float, Meta(extra={"noun": "a duration like 5m or 4w"})]


class OpensloMetadata(ObjectMetadata, frozen=True, kw_only=True):
    """The metadata of an object, which may be shown under another name."""

    display_name: str = ""


class OpensloMetricSource(Fields, frozen=True, kw_only=True):
    """Where a query goes, and the query itself, whose key no standard names."""

    metric_source_ref: str = ""
    type: str = ""
    spec: object


class OpensloMetric(Fields, frozen=True, kw_only=True):
    """One query."""

    metric_source: OpensloMetricSource


class OpensloRatioMetric(Fields, frozen=True, kw_only=True):
    """Good or bad events and all events, or a ratio that is computed elsewhere."""

    counter: bool | UnsetType = UNSET
    good: OpensloMetric | UnsetType = UNSET
    bad: OpensloMetric | UnsetType = UNSET
    total: OpensloMetric | UnsetType = UNSET
    raw: OpensloMetric | UnsetType = UNSET
    raw_type: Literal["success", "failure"] | UnsetType = UNSET


class OpensloSliSpec(Choice, frozen=True, kw_only=True):
    """What is measured."""

    exactly_one = ("ratio_metric", "threshold_metric")

    description: str = ""
    ratio_metric: OpensloRatioMetric | UnsetType = UNSET
    threshold_metric: OpensloMetric | UnsetType = UNSET


class OpensloSli(Fields, frozen=True, kw_only=True):
    """An indicator: an object, or inside of an SLO."""

    api_version: str = ""
    kind: Literal["SLI"] = "SLI"
    metadata: OpensloMetadata | UnsetType = UNSET
    spec: OpensloSliSpec


class OpensloObjective(Fields, frozen=True, kw_only=True):
    """A target."""

    display_name: str = ""
    op: Literal["lt", "lte", "gt", "gte"] | UnsetType = UNSET
    value: AnyNumber | UnsetType = UNSET
    target: AnyNumber | UnsetType = UNSET
    target_percent: AnyNumber | UnsetType = UNSET
    time_slice_target: AnyNumber | UnsetType = UNSET
    time_slice_window: DurationShorthand | UnsetType = UNSET
    indicator: OpensloSli | UnsetType = UNSET
    indicator_ref: str | UnsetType = UNSET
    composite_weight: AnyNumber | UnsetType = UNSET


class OpensloCalendar(Fields, frozen=True, kw_only=True):
    """When a calendar window begins."""

    start_time: str
    time_zone: str


class OpensloTimeWindow(Fields, frozen=True, kw_only=True):
    """A window."""

    duration: DurationShorthand
    is_rolling: bool | UnsetType = UNSET
    calendar: OpensloCalendar | UnsetType = UNSET


class OpensloConditionRule(Fields, frozen=True, kw_only=True):
    """The burn rate above which an alert fires."""

    kind: Literal["burnrate"] = "burnrate"
    op: Literal["lt", "lte", "gt", "gte"]
    threshold: AnyNumber
    lookback_window: DurationShorthand
    alert_after: DurationShorthand = "0m"


class OpensloConditionSpec(Fields, frozen=True, kw_only=True):
    """A condition and how severe it is."""

    description: str = ""
    severity: TextOfAnyType
    condition: OpensloConditionRule


class OpensloCondition(Fields, frozen=True, kw_only=True):
    """A condition: an object, or inside of a policy, or a reference there."""

    api_version: str = ""
    kind: Literal["AlertCondition"] = "AlertCondition"
    metadata: OpensloMetadata | UnsetType = UNSET
    spec: OpensloConditionSpec | UnsetType = UNSET
    condition_ref: str | UnsetType = UNSET


class OpensloTargetSpec(Fields, frozen=True, kw_only=True):
    """Who is told."""

    description: str = ""
    target: str


class OpensloTarget(Fields, frozen=True, kw_only=True):
    """Who is told: an object, or inside of a policy, or a reference there."""

    api_version: str = ""
    kind: Literal["AlertNotificationTarget"] = "AlertNotificationTarget"
    metadata: OpensloMetadata | UnsetType = UNSET
    spec: OpensloTargetSpec | UnsetType = UNSET
    target_ref: str | UnsetType = UNSET


class OpensloPolicySpec(Fields, frozen=True, kw_only=True):
    """When to alert, on what, and whom."""

    description: str = ""
    alert_when_no_data: bool = False
    alert_when_resolved: bool = False
    alert_when_breaching: bool = False
    conditions: list[OpensloCondition] = field(default_factory=list)
    notification_targets: list[OpensloTarget] = field(default_factory=list)


class OpensloPolicy(Fields, frozen=True, kw_only=True):
    """An alert policy: an object, or inside of an SLO, or a reference there."""

    api_version: str = ""
    kind: Literal["AlertPolicy"] = "AlertPolicy"
    metadata: OpensloMetadata | UnsetType = UNSET
    spec: OpensloPolicySpec | UnsetType = UNSET
    alert_policy_ref: str | UnsetType = UNSET


class OpensloSloSpec(Fields, frozen=True, kw_only=True):
    """Objectives of a service."""

    description: str = ""
    service: str
    indicator: OpensloSli | UnsetType = UNSET
    indicator_ref: str | UnsetType = UNSET
    time_window: list[OpensloTimeWindow] = field(default_factory=list)
    budgeting_method: Literal["Occurrences", "Timeslices", "RatioTimeslices"] | UnsetType = UNSET
    objectives: list[OpensloObjective] = field(default_factory=list)
    alert_policies: list[OpensloPolicy] = field(default_factory=list)


class OpensloSlo(Fields, frozen=True, kw_only=True):
    """An SLO object."""

    api_version: str
    kind: Literal["SLO"]
    metadata: OpensloMetadata
    spec: OpensloSloSpec
    status: object = None


class OpensloServiceSpec(Fields, frozen=True, kw_only=True):
    """What a service is."""

    description: str = ""


class OpensloService(Fields, frozen=True, kw_only=True):
    """A service object."""

    api_version: str
    kind: Literal["Service"]
    metadata: OpensloMetadata
    spec: OpensloServiceSpec = OpensloServiceSpec()


class OpensloDataSourceSpec(Fields, frozen=True, kw_only=True):
    """Where queries go; the details of the connection may be secret, and are never shown."""

    description: str = ""
    type: str = ""
    connection_details: object = None


class OpensloDataSource(Fields, frozen=True, kw_only=True):
    """A data source object."""

    api_version: str
    kind: Literal["DataSource"]
    metadata: OpensloMetadata
    spec: OpensloDataSourceSpec


OBJECT_TYPES: dict[str, type[Struct]] = {
    "SLO": OpensloSlo,
    "SLI": OpensloSli,
    "Service": OpensloService,
    "AlertPolicy": OpensloPolicy,
    "AlertCondition": OpensloCondition,
    "AlertNotificationTarget": OpensloTarget,
    "DataSource": OpensloDataSource,
}
