"""The fields of Pyrra's ServiceLevelObjective, version v1alpha1."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from sloctl.spec.dialects.kubernetes import ObjectMetadata
from sloctl.spec.field_types import Choice, Fields

API_VERSION = "pyrra.dev/v1alpha1"
KIND = "ServiceLevelObjective"

NumberOrText = Annotated[str | int | float, Meta(extra={"noun": "a number"})]
Metric = Annotated[str, Meta(extra={"noun": "a selector"})]


class PyrraQuery(Fields, frozen=True, kw_only=True):
    """A selector of series."""

    metric: Metric


class PyrraRatio(Fields, frozen=True, kw_only=True):
    """Counters of errors and of all events."""

    errors: PyrraQuery
    total: PyrraQuery
    grouping: list[str] = field(default_factory=list)


class PyrraLatency(Fields, frozen=True, kw_only=True):
    """The bucket of a classic histogram, and its count."""

    success: PyrraQuery
    total: PyrraQuery
    grouping: list[str] = field(default_factory=list)


class PyrraNativeLatency(Fields, frozen=True, kw_only=True):
    """A native histogram."""

    latency: Annotated[str, Meta(extra={"noun": "a duration like 200ms"})]
    total: PyrraQuery
    grouping: list[str] = field(default_factory=list)


class PyrraBoolGauge(Fields, frozen=True, kw_only=True):
    """A gauge that is 1 or 0."""

    metric: Metric
    grouping: list[str] = field(default_factory=list)


class PyrraIndicator(Choice, frozen=True, kw_only=True):
    """One of Pyrra's four indicators."""

    exactly_one = ("ratio", "latency", "latency_native", "bool_gauge")

    ratio: PyrraRatio | UnsetType = UNSET
    latency: PyrraLatency | UnsetType = UNSET
    latency_native: PyrraNativeLatency | UnsetType = UNSET
    bool_gauge: PyrraBoolGauge | UnsetType = field(default=UNSET, name="bool_gauge")


class PyrraSeverities(Fields, frozen=True, kw_only=True):
    """The label severity of each alert."""

    absent: str = "critical"
    fast_burn: str = "critical"
    medium_burn: str = "critical"
    slow_burn: str = "warning"
    long_term_burn: str = "warning"


class PyrraAlerting(Fields, frozen=True, kw_only=True):
    """Which alerts there are, and their names."""

    disabled: bool = False
    burnrates: bool = True
    absent: bool = True
    name: str = "ErrorBudgetBurn"
    absent_name: str = "SLOMetricAbsent"
    severities: PyrraSeverities = PyrraSeverities()


class PyrraRuleOutput(Fields, frozen=True, kw_only=True):
    """Labels of the objects that Pyrra writes."""

    short_rules_labels: dict[str, str] = field(default_factory=dict)
    long_rules_labels: dict[str, str] = field(default_factory=dict)
    enable_description_as_label: bool = False


class PyrraSpec(Fields, frozen=True, kw_only=True):
    """An objective and its indicator."""

    description: str = ""
    target: NumberOrText
    window: Annotated[str, Meta(extra={"noun": "a duration like 4w"})]
    indicator: PyrraIndicator
    alerting: PyrraAlerting = PyrraAlerting()
    partial_response_strategy: Annotated[str, Meta()] = field(default="", name="partial_response_strategy")
    performance_over_accuracy: bool = False
    rule_output: PyrraRuleOutput = PyrraRuleOutput()


class PyrraDocument(Fields, frozen=True, kw_only=True):
    """A ServiceLevelObjective; its status is Pyrra's own."""

    api_version: Literal["pyrra.dev/v1alpha1"]
    kind: Literal["ServiceLevelObjective"]
    metadata: ObjectMetadata
    spec: PyrraSpec
    status: object = None
