"""Grafana's dashboard JSON as types: panels and their queries, fields, options, variables, links.

A mirror of the schema, without logic. A field without a default is always written, one with a default only
where it differs; names are written in camel case. msgspec Structs rather than dataclasses, because a C
encoder writes them. Source: npm @grafana/schema 12.4.2, raw/dashboard, raw/composable/*/panelcfg and common.
"""

from enum import Enum
from typing import Literal, TypeAlias

from msgspec import Struct


class GrafanaJson(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The base of every type here."""


class ColorThreshold(GrafanaJson, frozen=True):
    """The colour from *value* upwards; None is minus infinity."""

    color: str
    value: float | None


class Thresholds(GrafanaJson, frozen=True):
    """Steps in ascending order; the first begins at minus infinity."""

    mode: Literal["absolute"]
    steps: tuple[ColorThreshold, ...]


class ValueMappingResult(GrafanaJson, frozen=True):
    """A text in place of a value."""

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
    """The drawing of thresholds in a graph."""

    mode: Literal["dashed", "off"]


class LineStyle(GrafanaJson, frozen=True):
    """A dashed line: pixels drawn and pixels left out, in turn."""

    fill: Literal["dash"]
    dash: tuple[int, ...]


class Scale(GrafanaJson, frozen=True):
    """An axis; symlog is linear up to *linear_threshold* and logarithmic above."""

    type: Literal["linear", "symlog"]
    log: int | None = None
    linear_threshold: int | None = None


class GraphField(GrafanaJson, frozen=True, kw_only=True):
    """The drawing of a time series; a gap in the data stays a gap."""

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
    """The drawing of a state."""

    fill_opacity: int
    line_width: int


class CellOptions(GrafanaJson, frozen=True):
    """The drawing of a cell."""

    type: Literal["auto", "color-text", "color-background"]


class TableField(GrafanaJson, frozen=True):
    """The drawing of a column."""

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
    """The field that an override is for."""

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


class DataSource(GrafanaJson, frozen=True):
    """The data source of a panel; *uid* may be a variable."""

    type: str
    uid: str


class GridPos(GrafanaJson, frozen=True):
    """A place on a grid of 24 columns; rows are 30 pixels high."""

    x: int
    y: int
    w: int
    h: int


class PanelQuery(GrafanaJson, frozen=True, kw_only=True):
    """One query of a panel; *legend_format* is a template of Grafana, `{{label}}` a label's value."""

    ref_id: str
    expr: str
    instant: bool
    range: bool
    format: Literal["table", "time_series"]
    legend_format: str = ""
    editor_mode: Literal["code"]


class ReduceOptions(GrafanaJson, frozen=True):
    """The reduction of a series to one number."""

    calcs: tuple[str, ...]
    fields: str
    values: bool


class StatOptions(GrafanaJson, frozen=True):
    """One big number."""

    color_mode: str
    graph_mode: str
    justify_mode: str
    orientation: str
    percent_change_color_mode: str
    reduce_options: ReduceOptions
    show_percent_change: bool
    text_mode: str
    wide_layout: bool


class Legend(GrafanaJson, frozen=True):
    """Names of series, with the last value of each."""

    calcs: tuple[str, ...]
    display_mode: Literal["table", "list"]
    placement: Literal["bottom", "right"]
    show_legend: bool


class Tooltip(GrafanaJson, frozen=True):
    """The box at the pointer."""

    mode: Literal["multi", "single"]
    sort: Literal["desc", "none"]


class TimeSeriesOptions(GrafanaJson, frozen=True):
    """Lines over time."""

    legend: Legend
    tooltip: Tooltip


class StateTimelineOptions(GrafanaJson, frozen=True, kw_only=True):
    """States over time."""

    legend: Legend
    merge_values: bool
    per_page: int
    row_height: float
    show_value: Literal["auto"]
    tooltip: Tooltip


class SortBy(GrafanaJson, frozen=True):
    """The order of a table's rows."""

    desc: bool
    display_name: str


class TableOptions(GrafanaJson, frozen=True):
    """Rows and columns."""

    cell_height: Literal["sm"]
    enable_pagination: bool
    frame_index: int
    show_header: bool
    sort_by: tuple[SortBy, ...]


class TextOptions(GrafanaJson, frozen=True):
    """Text."""

    content: str
    mode: Literal["markdown"]


class Organize(GrafanaJson, frozen=True):
    """The columns that stay, their order and their names."""

    exclude_by_name: dict[str, bool]
    index_by_name: dict[str, int]
    rename_by_name: dict[str, str]


class Merge(GrafanaJson, frozen=True):
    """Rows with the same text columns become one."""


class Transformation(GrafanaJson, frozen=True):
    """A step between the queries and the panel."""

    id: Literal["merge", "organize"]
    options: Merge | Organize


Options: TypeAlias = StatOptions | TimeSeriesOptions | StateTimelineOptions | TableOptions | TextOptions
PanelType: TypeAlias = Literal["stat", "timeseries", "state-timeline", "table", "text"]


class Panel(GrafanaJson, frozen=True, kw_only=True):
    """One box; *interval* is the shortest step of its queries, *time_from* its own time range."""

    id: int
    type: PanelType
    title: str
    description: str = ""
    plugin_version: str
    grid_pos: GridPos
    datasource: DataSource | None = None
    interval: str = ""
    time_from: str = ""
    targets: tuple[PanelQuery, ...] = ()
    transformations: tuple[Transformation, ...] = ()
    field_config: FieldConfig | None = None
    options: Options


class PanelRow(GrafanaJson, frozen=True, tag_field="type", tag="row"):
    """A heading over the panels below it."""

    id: int
    title: str
    grid_pos: GridPos
    collapsed: bool
    panels: tuple[Panel, ...]


class DashboardLink(GrafanaJson, frozen=True, kw_only=True):
    """A link at the top of a dashboard: to one address, or to every dashboard with *tags*."""

    title: str
    type: Literal["link", "dashboards"]
    url: str = ""
    tags: tuple[str, ...]
    icon: str
    tooltip: str
    as_dropdown: bool
    include_vars: bool
    keep_time: bool
    target_blank: bool


class Variable(GrafanaJson, frozen=True, kw_only=True):
    """Something the reader chooses."""

    name: str
    type: Literal["datasource", "adhoc"]
    label: str
    description: str = ""
    query: str = ""
    datasource: DataSource | None = None


class Templating(GrafanaJson, frozen=True):
    """What the reader chooses."""

    list: tuple[Variable, ...]


class DashboardTimeRange(GrafanaJson, frozen=True, rename={"since": "from", "until": "to"}):
    """The time range shown at first, in Grafana's words, such as `now-6h`."""

    since: str
    until: str


class PanelFilter(GrafanaJson, frozen=True):
    """Only the panels with these ids."""

    exclude: bool
    ids: tuple[int, ...]


class Annotation(GrafanaJson, frozen=True, kw_only=True):
    """Intervals behind the graphs: wherever *expr* has a sample; *tag_keys* are labels, a comma between."""

    name: str
    datasource: DataSource
    enable: bool
    hide: bool
    icon_color: str
    filter: PanelFilter
    expr: str
    step: str
    title_format: str
    tag_keys: str = ""


class Annotations(GrafanaJson, frozen=True):
    """What is marked in the graphs."""

    list: tuple[Annotation, ...]


class Dashboard(GrafanaJson, frozen=True):
    """A page of panels; what changes by itself (version, numeric id) is left to Grafana."""

    uid: str
    title: str
    description: str
    tags: tuple[str, ...]
    schema_version: int
    graph_tooltip: int
    timezone: str
    refresh: str
    time: DashboardTimeRange
    links: tuple[DashboardLink, ...]
    templating: Templating
    annotations: Annotations
    panels: tuple[Panel | PanelRow, ...]
