"""The fields of a preset, shipped or an organisation's own, as types."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from sloctl.spec.field_types import Fields, Name
from sloctl.spec.indicator_fields import Indicator


class PresetParameter(Fields, frozen=True, kw_only=True):
    """A hole of a preset: text becomes the value of a matcher, the others a number in PromQL."""

    description: Annotated[str, Meta(description="What to give, in a few words.")] = ""
    type: Annotated[
        Literal["text", "duration", "number"],
        Meta(description="A duration stands in a threshold, or in PromQL as its seconds."),
    ] = "text"
    default: Annotated[str | UnsetType, Meta(description="Taken where none is given.")] = UNSET


class PresetExample(Fields, frozen=True, kw_only=True):
    """What `sloctl preset test` holds a preset against."""

    parameters: Annotated[dict[str, str], Meta(description="Its parameters.")] = field(
        name="with", default_factory=dict
    )
    metrics: Annotated[
        str,
        Meta(description="What the exporter exposes, in the text format; each selector matches some of it."),
    ]


class PresetMetadata(Fields, frozen=True, kw_only=True):
    """The name that specs give."""

    name: Annotated[Name, Meta(description="The preset.", examples=["checkout-availability"])]


class PresetSpec(Fields, frozen=True, kw_only=True):
    """An indicator with holes."""

    description: Annotated[str, Meta(description="When an event is good.")]
    source: Annotated[str, Meta(description="Where the exporter's own names are documented.")] = ""
    parameters: Annotated[
        dict[str, PresetParameter], Meta(description="The holes; each stands in the indicator as $name.")
    ] = field(default_factory=dict)
    indicator: Indicator
    example: PresetExample | UnsetType = UNSET


class PresetDocument(Fields, frozen=True, kw_only=True):
    """An indicator of an organisation's own, for its specs to name."""

    api_version: Annotated[Literal["sloctl.dev/v1"], Meta(description="The version of this format.")]
    kind: Annotated[Literal["Preset"], Meta(description="What this document is.")]
    metadata: PresetMetadata
    spec: PresetSpec
