"""How Grafana shows values, as types: units, colours, thresholds, words in place of numbers.

Law: a field without a default is always written, one with a default only where it differs; in camel case.
Source: npm @grafana/schema 12.4.2, raw/dashboard and common.
"""

from enum import Enum
from typing import Literal, TypeAlias

from msgspec import Struct


class GrafanaJson(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """How every type here is written."""


class ColorThreshold(GrafanaJson, frozen=True):
    """The colour from *value* upwards; None is minus infinity."""

    color: str
    value: float | None


class Thresholds(GrafanaJson, frozen=True):
    """Steps in ascending order; the first begins at minus infinity."""

    mode: Literal["absolute"]
    steps: tuple[ColorThreshold, ...]


class ValueMappingResult(GrafanaJson, frozen=True):
    """What stands in place of a value."""

    text: str
    color: str | None = None
    index: int | None = None


class SpecialMatch(GrafanaJson, frozen=True):
    """No value at all, or no number."""

    match: Literal["null+nan"]
    result: ValueMappingResult


class RegexMatch(GrafanaJson, frozen=True):
    """Text that *pattern* matches."""

    pattern: str
    result: ValueMappingResult


class ValueMap(GrafanaJson, frozen=True, tag_field="type", tag="value"):
    """Text for single values, by how JavaScript prints them."""

    options: dict[str, ValueMappingResult]


class SpecialValueMap(GrafanaJson, frozen=True, tag_field="type", tag="special"):
    """Text for what is no number."""

    options: SpecialMatch


class RegexMap(GrafanaJson, frozen=True, tag_field="type", tag="regex"):
    """Text for other text."""

    options: RegexMatch


ValueMapping: TypeAlias = ValueMap | SpecialValueMap | RegexMap


class ColorMode(Enum):
    """Where a field takes its colour from."""

    THRESHOLDS = "thresholds"
    FIXED = "fixed"
    PALETTE = "palette-classic-by-name"


class Color(GrafanaJson, frozen=True):
    """A colour, or the rule that chooses it."""

    mode: ColorMode
    fixed_color: str | None = None


class GraphStyle(GrafanaJson, frozen=True):
    """How thresholds are drawn in a graph."""

    mode: Literal["dashed", "off"]


class LineStyle(GrafanaJson, frozen=True):
    """A dashed line: pixels drawn, pixels left out, …"""

    fill: Literal["dash"]
    dash: tuple[int, ...]


class Scale(GrafanaJson, frozen=True):
    """An axis; symlog is linear up to *linear_threshold* and logarithmic above."""

    type: Literal["linear", "symlog"]
    log: int | None = None
    linear_threshold: int | None = None


class GraphField(GrafanaJson, frozen=True, kw_only=True):
    """How a time series is drawn; a gap in the data stays a gap."""

    span_nulls: bool
    fill_opacity: int
    line_width: int
    show_points: Literal["never"]
    thresholds_style: GraphStyle
    scale_distribution: Scale
    axis_label: str = ""
    axis_soft_min: float | None = None
    axis_soft_max: float | None = None


class TimelineField(GrafanaJson, frozen=True):
    """How a state is drawn."""

    fill_opacity: int
    line_width: int


class CellOptions(GrafanaJson, frozen=True):
    """How a cell is drawn."""

    type: Literal["auto", "color-text", "color-background"]


class TableField(GrafanaJson, frozen=True):
    """How a column is drawn."""

    align: Literal["auto"]
    cell_options: CellOptions
    inspect: bool


class DataLink(GrafanaJson, frozen=True):
    """A link on a value."""

    title: str
    url: str


PropertyValue: TypeAlias = (
    str | int | Color | Thresholds | LineStyle | CellOptions | tuple[ValueMapping, ...] | tuple[DataLink, ...]
)


class Property(GrafanaJson, frozen=True):
    """One field option, by its path."""

    id: str
    value: PropertyValue


class FieldMatcher(GrafanaJson, frozen=True):
    """Which field an override is for."""

    id: Literal["byName", "byFrameRefID"]
    options: str


class Override(GrafanaJson, frozen=True):
    """Options of one field."""

    matcher: FieldMatcher
    properties: tuple[Property, ...]


class FieldDefaults(GrafanaJson, frozen=True, kw_only=True):
    """Options of every field of a panel."""

    no_value: str
    unit: str | None = None
    decimals: int | None = None
    color: Color | None = None
    thresholds: Thresholds | None = None
    mappings: tuple[ValueMapping, ...] = ()
    custom: GraphField | TimelineField | TableField | None = None


class FieldConfig(GrafanaJson, frozen=True):
    """Options of a panel's fields."""

    defaults: FieldDefaults
    overrides: tuple[Override, ...]
