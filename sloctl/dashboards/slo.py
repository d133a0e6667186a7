"""One SLO on its service's dashboard: what was promised, what is left, what burns, what fired."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Final, TypeAlias

from sloctl import naming
from sloctl.dashboards import alerts, objective_text, sidecar_metrics, slo_queries, slo_table, theme
from sloctl.dashboards.escape import escape_title, exact_matchers
from sloctl.dashboards.grafana_schema import (
    Annotation,
    Color,
    ColorMode,
    FieldMatcher,
    GridPos,
    Override,
    Panel,
    PanelRow,
    Property,
)
from sloctl.dashboards.lookbacks import Lookbacks, drawn_lookbacks, group_legend, worst_groups
from sloctl.dashboards.panels import (
    BURN_SCALE,
    PanelHead,
    graph_panel,
    graph_queries,
    line_field,
    row_heading,
    stat_panel,
    text_panel,
)
from sloctl.dashboards.slo_queries import QueryScope
from sloctl.duration import format_duration
from sloctl.model import PromQL, Slo
from sloctl.naming import LabelStyle
from sloctl.promql import aggregate_by, format_matchers
from sloctl.slo.resolutions import FINE_STEP

# (legend, query) pairs.
NamedQueries: TypeAlias = list[tuple[str, PromQL]]

_HEIGHT: Final = 25
_GROUPS_HEIGHT: Final = 9
_SPENT_THRESHOLD: Final = theme.color_thresholds("transparent", (0.0, theme.VERMILLION))


class PanelSlot(IntEnum):
    """The panels of an SLO, by their distance from its first id; never renumbered."""

    ROW = 0
    OBJECTIVE = 1
    BUDGET_LEFT = 2
    BURN_RATE = 3
    GONE_IN = 4
    BUDGET = 5
    ERROR_RATIO = 6
    BURN = 7
    EVENTS = 8
    ALERTS = 9
    GROUPS = 10


# The graphs in which an alert's intervals are marked.
ANNOTATED_SLOTS: Final = (PanelSlot.BUDGET, PanelSlot.ERROR_RATIO, PanelSlot.BURN, PanelSlot.EVENTS)


def slo_annotations(slo: Slo, style: LabelStyle, *, first_id: int) -> Iterator[Annotation]:
    """When its alerts fired, behind its own graphs."""
    each = QueryScope(style, matchers=exact_matchers(style.id_label(slo)), group_labels=slo.group_by)
    return alerts.alert_annotations(slo, each, tuple(first_id + slot for slot in ANNOTATED_SLOTS))


def grid_height(slo: Slo) -> int:
    """Rows of the grid that *slo* takes."""
    return _HEIGHT + (_GROUPS_HEIGHT if slo.group_by else 0)


def slo_panels(slo: Slo, style: LabelStyle, *, first_id: int, y: int) -> Iterator[PanelRow | Panel]:
    """A heading and its panels, from row *y* of the grid downwards."""
    one = QueryScope(style, matchers=exact_matchers(style.id_label(slo)), group_labels=())
    each = QueryScope(style, matchers=one.matchers, group_labels=slo.group_by)
    drawn = drawn_lookbacks(slo)
    ratios = drawn.error_ratio_queries(each)
    promise = objective_text.objective_markdown(slo, drawn.alerts)
    title = f"{escape_title(slo.name)}: {objective_text.objective_summary(slo)}"
    yield row_heading(first_id + PanelSlot.ROW, title, y)
    yield text_panel(PanelHead(first_id + PanelSlot.OBJECTIVE, "Objective", GridPos(0, y + 1, 6, 9)), promise)
    yield from _current_stats(slo, one, first_id, y + 1)
    yield _budget_panel(slo, each, first_id + PanelSlot.BUDGET, GridPos(10, y + 1, 14, 9))
    yield _error_ratio_panel(drawn, ratios, first_id + PanelSlot.ERROR_RATIO, GridPos(0, y + 10, 12, 8))
    yield _burn_rate_panel(drawn, ratios, first_id + PanelSlot.BURN, GridPos(12, y + 10, 12, 8))
    yield _events_panel(slo, each, first_id + PanelSlot.EVENTS, GridPos(0, y + 18, 12, 7))
    yield alerts.slo_alert_timeline(slo, each, first_id + PanelSlot.ALERTS, GridPos(12, y + 18, 12, 7))
    if slo.group_by:
        yield _group_table(slo, each, first_id + PanelSlot.GROUPS, GridPos(0, y + 25, 24, _GROUPS_HEIGHT))


def _current_stats(slo: Slo, one: QueryScope, first_id: int, y: int) -> Iterator[Panel]:
    worst = " Of the worst group." if slo.group_by else ""
    numbers = (
        (
            "Budget left",
            slo_queries.budget_left(one),
            theme.BUDGET_LEFT,
            f"Share of the error budget of the last {_window_text(slo)} not yet spent.",
        ),
        (
            "Burn rate",
            slo_queries.current_burn_rate(one),
            theme.BURN_RATE,
            "How many times faster than sustainable the budget burned in the last five minutes; "
            "absent when nothing happened in them.",
        ),
        (
            "Gone in",
            slo_queries.time_to_exhaustion(one),
            theme.TIME_LEFT,
            "When the budget is spent if it goes on burning at that rate.",
        ),
    )
    for place, (title, query, number, meaning) in enumerate(numbers):
        at = GridPos(6, y + 3 * place, 4, 3)
        yield stat_panel(
            PanelHead(first_id + PanelSlot.BUDGET_LEFT + place, title, at, meaning + worst), query, number
        )


def _budget_panel(slo: Slo, each: QueryScope, panel_id: int, place: GridPos) -> Panel:
    left = slo_queries.budget_left(each)
    return graph_panel(
        PanelHead(
            panel_id,
            f"Budget left over {_window_text(slo)}",
            place,
            f"At each moment, what was left of the budget of the {_window_text(slo)} before it. Below 0 the "
            "objective was missed; it comes back as old errors leave the window.",
        ),
        graph_queries((group_legend(slo) or "budget left", worst_groups(slo, "bottomk", left))),
        line_field(theme.RATIO_UNIT, thresholds=_SPENT_THRESHOLD, fill=10, top=1),
        time_from=_window_text(slo),
    )


def _error_ratio_panel(drawn: Lookbacks, ratios: NamedQueries, panel_id: int, place: GridPos) -> Panel:
    description = (
        "Bad events per event. Dashed across: the thresholds of the alerts, each in the colour of its long "
        "lookback; an alert fires while both its lookbacks are above."
    )
    return graph_panel(
        PanelHead(panel_id, f"Error ratio {drawn.graph_title}", place, description),
        graph_queries(*ratios),
        line_field(theme.RATIO_UNIT, thresholds=drawn.ratio_thresholds()),
        overrides=drawn.line_overrides(),
    )


def _burn_rate_panel(drawn: Lookbacks, ratios: NamedQueries, panel_id: int, place: GridPos) -> Panel:
    description = (
        "How many times faster than sustainable the budget burns: at 1 it lasts exactly the window. "
        "Above 1 the scale is logarithmic."
    )
    return graph_panel(
        PanelHead(panel_id, f"Burn rate {drawn.graph_title}", place, description),
        graph_queries(*drawn.burn_rate_queries(ratios)),
        line_field(theme.TIMES_UNIT, thresholds=drawn.burn_thresholds(), scale=BURN_SCALE),
        overrides=drawn.line_overrides(),
    )


def _events_panel(slo: Slo, each: QueryScope, panel_id: int, place: GridPos) -> Panel:
    unit = objective_text.event_unit(slo)
    group = _spaced(group_legend(slo))
    description = f"{unit.capitalize()} per minute as the rules count them; bad ones on the right axis."
    return graph_panel(
        PanelHead(panel_id, f"All {unit} and bad {unit}", place, description),
        graph_queries(
            (
                f"all{group}",
                _per_minute(slo, each, naming.event_count_metric(FINE_STEP), sidecar_metrics.EVENTS),
            ),
            (
                f"bad{group}",
                _per_minute(slo, each, naming.error_count_metric(FINE_STEP), sidecar_metrics.ERRORS),
            ),
        ),
        line_field(theme.COUNT_UNIT, label=f"{unit} per minute"),
        overrides=(_right_axis(slo, f"bad {unit} per minute"),),
    )


def _right_axis(slo: Slo, label: str) -> Override:
    """For the second query; groups keep their colours."""
    own = () if slo.group_by else (Property("color", Color(ColorMode.FIXED, theme.VERMILLION)),)
    axis = (Property("custom.axisPlacement", "right"), Property("custom.axisLabel", label))
    return Override(FieldMatcher("byFrameRefID", "B"), axis + own)


def _per_minute(slo: Slo, each: QueryScope, rollup: str, counter: str) -> PromQL:
    """The mean of rollups, each the count of a minute: a rate, however far apart the points are."""
    mean = aggregate_by("sum", slo.group_by, f"avg_over_time({each.select_series(rollup)}[$__interval])")
    counted = each.max_by(f"60 * rate({each.select_series(counter)}[$__rate_interval])")
    return worst_groups(slo, "topk", each.recorded_or_exposed(mean, counted))


def _group_table(slo: Slo, each: QueryScope, panel_id: int, place: GridPos) -> Panel:
    # An alert about all groups (no data) has none of their labels.
    grouped = QueryScope(
        each.style,
        f"{each.matchers}, {format_matchers({slo.group_by[0]: ''}, '!=')}",
        each.group_labels,
    )
    description = "Each group has a budget of its own. Firing alerts first, then the least budget."
    return slo_table.worst_first_table(
        PanelHead(panel_id, "Groups, worst first", place, description),
        (
            *(slo_table.text_column(label, label) for label in slo.group_by),
            *slo_table.state_columns(each, slo_queries.alert_state(grouped, each.budget_remaining())),
        ),
    )


def _spaced(legend: str) -> str:
    return f" {legend}" if legend else ""


def _window_text(slo: Slo) -> str:
    return format_duration(slo.window.seconds)
