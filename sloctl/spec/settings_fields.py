"""The fields of `.sloctl.yaml` as types, as `fields` has those of a spec."""

from enum import Enum
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, UnsetType, field

from sloctl.spec.field_types import INDEPENDENT, Duration, Fields, LabelName, Labels, Percentage
from sloctl.spec.fields import Alerting, SloWindow

SETTINGS_KIND: Final = "RepositorySettings"


class CodeSeverity(Enum):
    """What a finding of a code becomes: a level, or nothing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    OFF = "off"


class Required(Fields, frozen=True, kw_only=True):
    """What every SLO has."""

    labels: Annotated[list[LabelName], Meta(description="Labels, such as an owner.", examples=[["team"]])] = (
        field(default_factory=list)
    )
    annotations: Annotated[
        list[LabelName], Meta(description="Annotations of its alerts.", examples=[["runbook_url"]])
    ] = field(default_factory=list)


class NamePatterns(Fields, frozen=True, kw_only=True):
    """Regular expressions that whole names and label values match."""

    service: Annotated[str | UnsetType, Meta(description="The name of a service.")] = UNSET
    slo: Annotated[str | UnsetType, Meta(description="The name of an SLO.")] = UNSET
    labels: Annotated[
        dict[str, str], INDEPENDENT, Meta(description="The value of a label, where it stands.")
    ] = field(default_factory=dict)


class SpecDefaults(Fields, frozen=True, kw_only=True):
    """What a spec means that does not say it itself."""

    scrape_interval: Annotated[Duration | UnsetType, INDEPENDENT, Meta(description="As in spec.")] = UNSET
    objective: Annotated[Percentage | UnsetType, INDEPENDENT, Meta(description="As in an objective.")] = UNSET
    window: Annotated[SloWindow | UnsetType, INDEPENDENT, Meta(description="As in an objective.")] = UNSET
    group_by: Annotated[list[LabelName], INDEPENDENT, Meta(description="As in an objective.")] = field(
        default_factory=list
    )
    labels: Annotated[Labels, Meta(description="Laid under those of metadata, key by key.")] = field(
        default_factory=dict
    )
    annotations: Annotated[Labels, Meta(description="Laid under those of metadata, key by key.")] = field(
        default_factory=dict
    )
    alerting: Annotated[Alerting, Meta(description="As in spec, laid under a spec's own, key by key.")] = (
        Alerting()
    )


class SettingsDocument(Fields, frozen=True, kw_only=True):
    """The settings of a repository of specs."""

    api_version: Annotated[Literal["sloctl.dev/v1"], Meta(description="The version of this format.")]
    kind: Annotated[Literal["RepositorySettings"], Meta(description="What this document is.")]
    severities: Annotated[
        dict[str, CodeSeverity],
        INDEPENDENT,
        Meta(description="What findings are, by code, in place of what they are otherwise."),
    ] = field(default_factory=dict)
    required: Annotated[Required, INDEPENDENT] = Required()
    names: Annotated[NamePatterns, INDEPENDENT] = NamePatterns()
    defaults: Annotated[SpecDefaults, INDEPENDENT] = SpecDefaults()
