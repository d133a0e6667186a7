"""The kinds of panel sloctl uses, each drawn one way."""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from sloctl.dashboards.grafana_schema import (
    DataSource,
    FieldConfig,
    FieldDefaults,
    GraphField,
    GraphStyle,
    GridPos,
    Legend,
    Options,
    Override,
    Panel,
    PanelQuery,
    PanelRow,
    PanelType,
    ReduceOptions,
    Scale,
    StateTimelineOptions,
    StatOptions,
    TextOptions,
    Thresholds,
    TimelineField,
    TimeSeriesOptions,
    Tooltip,
    Transformation,
)
from sloctl.dashboards.theme import ALERT_STATE, BY_NAME, BY_THRESHOLD, NO_DATA, NumberStyle
from sloctl.model import PromQL

DATA_SOURCE: Final = DataSource("prometheus", "${datasource}")
# With a version, Grafana skips the migrations of panels from before it had versions.
PLUGIN_VERSION: Final = "11.0.0"
# Counts and ratios are recorded once a minute.
MIN_INTERVAL: Final = "1m"

LINEAR: Final = Scale("linear")
# Straight from 0 to 1, where a burn is sustainable; then a step for each power of two.
BURN_SCALE: Final = Scale("symlog", log=2, linear_threshold=1)

_STAT: Final = StatOptions(
    color_mode="value",
    graph_mode="none",
    justify_mode="auto",
    orientation="auto",
    percent_change_color_mode="standard",
    # Queries of a stat are instant: the last value is the present one, or there is none.
    reduce_options=ReduceOptions(("lastNotNull",), fields="", values=False),
    show_percent_change=False,
    text_mode="value",
    wide_layout=True,
)
_SHARED_TOOLTIP: Final = Tooltip("multi", "desc")
_TIME_SERIES: Final = TimeSeriesOptions(
    Legend(("lastNotNull",), "table", "right", show_legend=True), _SHARED_TOOLTIP
)
_TIMELINE: Final = StateTimelineOptions(
    legend=Legend((), "list", "bottom", show_legend=False),
    merge_values=True,
    per_page=20,
    row_height=0.8,
    show_value="auto",
    tooltip=Tooltip("single", "none"),
)


def table_queries(*expressions: PromQL) -> tuple[PanelQuery, ...]:
    """Ask for this moment, as tables named by letters from A on."""
    return tuple(
        _panel_query(query_ref_id(place), expr, instant=True, form="table")
        for place, expr in enumerate(expressions)
    )


def graph_queries(*named: tuple[str, PromQL]) -> tuple[PanelQuery, ...]:
    """Ask for the time shown; each query comes with the legend of its series."""
    return tuple(
        _panel_query(query_ref_id(place), expr, instant=False, form="time_series", legend=legend)
        for place, (legend, expr) in enumerate(named)
    )


class PanelHead(Struct, frozen=True):
    """The part that every panel has; *description* is shown at the pointer."""

    id: int
    title: str
    place: GridPos
    description: str = ""


def row_heading(panel_id: int, title: str, y: int) -> PanelRow:
    """Draw a heading; its panels follow it."""
    return PanelRow(panel_id, title, GridPos(0, y, 24, 1), collapsed=False, panels=())


def text_panel(head: PanelHead, content: str) -> Panel:
    """Draw markdown; user text in *content* is already escaped."""
    return Panel(
        id=head.id,
        type="text",
        title=head.title,
        description=head.description,
        plugin_version=PLUGIN_VERSION,
        grid_pos=head.place,
        options=TextOptions(content, "markdown"),
    )


def stat_panel(head: PanelHead, query: PromQL, number: NumberStyle) -> Panel:
    """Draw one number of this moment."""
    target = _panel_query("A", query, instant=True, form="time_series")
    defaults = FieldDefaults(
        no_value=NO_DATA,
        unit=number.unit,
        decimals=number.decimals,
        color=BY_THRESHOLD,
        thresholds=number.thresholds,
        mappings=number.mappings,
    )
    return query_panel(head, "stat", (target,), fields=FieldConfig(defaults, ()), options=_STAT)


def graph_panel(
    head: PanelHead,
    targets: tuple[PanelQuery, ...],
    defaults: FieldDefaults,
    *,
    overrides: Sequence[Override] = (),
    time_from: str = "",
) -> Panel:
    """Draw lines over time."""
    return query_panel(
        head,
        "timeseries",
        targets,
        fields=FieldConfig(defaults, tuple(overrides)),
        options=_TIME_SERIES,
        time_from=time_from,
    )


def timeline_panel(head: PanelHead, targets: tuple[PanelQuery, ...]) -> Panel:
    """Draw states over time, in the words of theme.ALERT_STATE."""
    defaults = FieldDefaults(
        no_value=NO_DATA,
        color=BY_THRESHOLD,
        thresholds=ALERT_STATE.thresholds,
        mappings=ALERT_STATE.mappings,
        custom=TimelineField(fill_opacity=80, line_width=0),
    )
    return query_panel(head, "state-timeline", targets, fields=FieldConfig(defaults, ()), options=_TIMELINE)


def query_panel(
    head: PanelHead,
    kind: PanelType,
    targets: tuple[PanelQuery, ...],
    *,
    fields: FieldConfig,
    options: Options,
    transformations: tuple[Transformation, ...] = (),
    time_from: str = "",
) -> Panel:
    """Put a panel together that asks the data source that the reader chose."""
    return Panel(
        id=head.id,
        type=kind,
        title=head.title,
        description=head.description,
        plugin_version=PLUGIN_VERSION,
        grid_pos=head.place,
        datasource=DATA_SOURCE,
        interval=MIN_INTERVAL,
        time_from=time_from,
        targets=targets,
        transformations=transformations,
        field_config=fields,
        options=options,
    )


def line_field(
    unit: str,
    *,
    scale: Scale = LINEAR,
    thresholds: Thresholds | None = None,
    fill: int = 0,
    label: str = "",
    bottom: float = 0,
    top: float | None = None,
) -> FieldDefaults:
    """Draw lines from *bottom* up to *top* where they lie between; *thresholds* are dashed across."""
    return FieldDefaults(
        no_value=NO_DATA,
        unit=unit,
        color=BY_NAME,
        thresholds=thresholds,
        custom=GraphField(
            span_nulls=False,
            fill_opacity=fill,
            line_width=1,
            show_points="never",
            thresholds_style=GraphStyle("dashed" if thresholds else "off"),
            scale_distribution=scale,
            axis_label=label,
            axis_soft_min=bottom,
            axis_soft_max=top,
        ),
    )


def _panel_query(
    ref_id: str, expr: PromQL, *, instant: bool, form: Literal["table", "time_series"], legend: str = ""
) -> PanelQuery:
    return PanelQuery(
        ref_id=ref_id,
        expr=expr,
        instant=instant,
        range=not instant,
        format=form,
        legend_format=legend,
        editor_mode="code",
    )


def query_ref_id(place: int) -> str:
    """Name the queries of a panel A to Z, then AA, AB, … as in a spreadsheet."""
    more, letter = divmod(place, 26)
    return (query_ref_id(more - 1) if more else "") + chr(ord("A") + letter)
