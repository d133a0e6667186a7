"""Panels of one SLO on its service's dashboard: objective, budget, burn rate, events and alerts."""

from collections.abc import Iterator
from enum import IntEnum
from fractions import Fraction
from typing import Final, TypeAlias

from msgspec import structs

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
from sloctl.duration import HOUR, MINUTE, format_duration
from sloctl.formatting import describe_period
from sloctl.model import CalendarWindow, CompositeIndicator, PromQL, Slo
from sloctl.naming import LabelStyle
from sloctl.promql import aggregate_by, format_matchers, range_selector
from sloctl.slo.resolutions import FINE_STEP

# (legend, query) pairs.
NamedQueries: TypeAlias = list[tuple[str, PromQL]]

_HEIGHT: Final = 25
_GROUPS_HEIGHT: Final = 9
# The scale of good events reaches down to so many budgets below all of them.
_SHOWN_BUDGETS: Final = 10
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
    PARTS = 11
    AVAILABILITY = 12
    GOOD_SHARE = 13


# The graphs in which an alert's intervals are marked.
ANNOTATED_SLOTS: Final = (PanelSlot.BUDGET, PanelSlot.ERROR_RATIO, PanelSlot.BURN, PanelSlot.EVENTS)
_PARTS_OVER: Final = 5 * MINUTE


def slo_annotations(slo: Slo, style: LabelStyle, *, first_id: int) -> Iterator[Annotation]:
    """Mark when its alerts fired, behind its own graphs."""
    scope = QueryScope(style, matchers=exact_matchers(style.id_label(slo)), group_labels=slo.group_by)
    panels = tuple(first_id + slot for slot in ANNOTATED_SLOTS)
    yield from alerts.alert_annotations(slo, scope, panels)
    yield from alerts.hours_annotations(slo, scope, panels)
    yield from alerts.exclusion_annotations(slo, scope, panels)


def grid_height(slo: Slo) -> int:
    """Return how many rows of the grid *slo* takes."""
    return _HEIGHT + _GROUPS_HEIGHT * (bool(slo.group_by) + _is_journey(slo))


def slo_panels(slo: Slo, style: LabelStyle, *, first_id: int, y: int) -> Iterator[PanelRow | Panel]:
    """Draw a heading and its panels, from row *y* of the grid downwards."""
    whole = QueryScope(
        style,
        matchers=exact_matchers(style.id_label(slo)),
        group_labels=(),
        rolling_only=not isinstance(slo.window, CalendarWindow),
    )
    per_group = structs.replace(whole, group_labels=slo.group_by)
    drawn = drawn_lookbacks(slo)
    ratios = drawn.error_ratio_queries(per_group)
    promise = objective_text.objective_markdown(slo, drawn.alerts)
    title = f"{escape_title(slo.name)}: {objective_text.objective_summary(slo)}"
    yield row_heading(first_id + PanelSlot.ROW, title, y)
    yield text_panel(PanelHead(first_id + PanelSlot.OBJECTIVE, "Objective", GridPos(0, y + 1, 6, 9)), promise)
    yield from _current_stats(slo, whole, first_id, y + 1)
    yield _budget_panel(slo, per_group, first_id + PanelSlot.BUDGET, GridPos(10, y + 1, 14, 9))
    yield _error_ratio_panel(drawn, ratios, first_id + PanelSlot.ERROR_RATIO, GridPos(0, y + 10, 12, 8))
    yield _burn_rate_panel(drawn, ratios, first_id + PanelSlot.BURN, GridPos(12, y + 10, 12, 8))
    yield _events_panel(slo, per_group, first_id + PanelSlot.EVENTS, GridPos(0, y + 18, 8, 7))
    yield _good_share_panel(drawn, ratios, first_id + PanelSlot.GOOD_SHARE, GridPos(8, y + 18, 8, 7))
    yield alerts.slo_alert_timeline(slo, per_group, first_id + PanelSlot.ALERTS, GridPos(16, y + 18, 8, 7))
    if slo.group_by:
        yield _group_table(
            slo, per_group, first_id + PanelSlot.GROUPS, GridPos(0, y + 25, 24, _GROUPS_HEIGHT)
        )
    if _is_journey(slo):
        # A journey has groups where clusters are told apart.
        below = y + 25 + (_GROUPS_HEIGHT if slo.group_by else 0)
        yield _parts_panel(whole, first_id + PanelSlot.PARTS, GridPos(0, below, 24, _GROUPS_HEIGHT))


def _is_journey(slo: Slo) -> bool:
    return isinstance(slo.indicator, CompositeIndicator)


def _parts_panel(scope: QueryScope, panel_id: int, place: GridPos) -> Panel:
    """Draw the parts of a journey side by side: the highest is the one at fault."""
    errors, events = (
        aggregate_by(
            "sum",
            (naming.JOURNEY_PART_LABEL,),
            f"sum_over_time({range_selector(scope.select_series(metric), _PARTS_OVER - FINE_STEP // 2)})",
        )
        for metric in (naming.PART_ERRORS, naming.PART_EVENTS)
    )
    over = format_duration(_PARTS_OVER)
    meaning = (
        f"The error ratio of each part over {over}. A part without a line had no events, or no data; while "
        "one has no data, nothing is known of the journey."
    )
    return graph_panel(
        PanelHead(panel_id, f"Parts of the journey, error ratio over {over}", place, meaning),
        graph_queries((f"{{{{{naming.JOURNEY_PART_LABEL}}}}}", f"{errors} / ({events} > 0)")),
        line_field(theme.RATIO_UNIT),
    )


def _current_stats(slo: Slo, scope: QueryScope, first_id: int, y: int) -> Iterator[Panel]:
    window = f"the last {naming.window_name(slo.window)}"
    if isinstance(slo.window, CalendarWindow):
        window = f"this calendar {describe_period(slo.window)}"
    worst = " Of the worst group." if slo.group_by else ""
    fastest = " Of the group that burns fastest." if slo.group_by else ""
    numbers = (
        (
            PanelSlot.BUDGET_LEFT,
            "Budget left",
            slo_queries.budget_left(scope),
            theme.BUDGET_LEFT,
            f"Share of the error budget of {window} not yet spent.{worst}",
        ),
        (
            PanelSlot.BURN_RATE,
            "Burn rate",
            slo_queries.current_burn_rate(scope),
            theme.BURN_RATE,
            "How many times faster than sustainable the budget burned in the last five minutes; "
            f"absent when nothing happened in them.{fastest}",
        ),
        (
            PanelSlot.GONE_IN,
            "Gone in",
            slo_queries.time_to_exhaustion(scope),
            theme.TIME_LEFT,
            "Time until the budget is spent if it goes on burning at that rate: not at all below 1×."
            f"{fastest}",
        ),
        (
            PanelSlot.AVAILABILITY,
            "Availability",
            slo_queries.availability(scope, slo.window),
            theme.AVAILABILITY,
            f"Share of good events of {window}, beside the objective on the left.{worst}",
        ),
    )
    top = y
    for slot, title, query, number, meaning in numbers:
        height = 3 if slot is PanelSlot.BUDGET_LEFT else 2
        at = GridPos(6, top, 4, height)
        yield stat_panel(PanelHead(first_id + slot, title, at, meaning), query, number)
        top += height


def _budget_panel(slo: Slo, scope: QueryScope, panel_id: int, place: GridPos) -> Panel:
    window = format_duration(slo.window.seconds)
    left = slo_queries.budget_left(scope)
    lines = [(group_legend(slo) or "budget left", worst_groups(slo, "bottomk", left))]
    title = f"Budget left over {window}"
    meaning = (
        f"At each moment, what was left of the budget of the {window} before it. Below 0 the "
        "objective was missed; it comes back as old errors leave the window."
    )
    if isinstance(slo.window, CalendarWindow):
        period = slo.window.period.value
        lines.append(("spent evenly", slo_queries.even_budget_left(scope)))
        title = f"Budget left of each {period}"
        meaning = (
            f"At each moment, what was left of the budget of its {describe_period(slo.window)}, beside a "
            f"budget that is spent evenly until it ends. Below 0 the {period} has missed its objective."
        )
    return graph_panel(
        PanelHead(panel_id, title, place, meaning),
        graph_queries(*lines),
        line_field(theme.RATIO_UNIT, thresholds=_SPENT_THRESHOLD, fill=10, top=1),
        time_from=window,
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


def _good_share_panel(drawn: Lookbacks, ratios: NamedQueries, panel_id: int, place: GridPos) -> Panel:
    """Draw the indicator itself, over the lookback that is nearest to an hour, against its objective."""
    slo = drawn.slo
    nearest = min(
        range(len(drawn.resolutions)), key=lambda number: abs(drawn.resolutions[number].lookback - HOUR)
    )
    over = naming.lookback_name(slo.window, drawn.resolutions[nearest].lookback)
    _, ratio = ratios[nearest]
    description = (
        f"The share of good events over {over}. Dashed across: the objective, which holds over the window; "
        "an hour below it spends budget, and breaks nothing yet."
    )
    return graph_panel(
        PanelHead(panel_id, f"Good events over {over} against the objective", place, description),
        graph_queries((group_legend(slo) or "good", f"1 - {ratio}")),
        line_field(
            theme.RATIO_UNIT,
            thresholds=theme.color_thresholds("transparent", (float(slo.objective), theme.GREY)),
            bottom=float(max(Fraction(0), 1 - _SHOWN_BUDGETS * slo.budget)),
            top=1,
        ),
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


def _events_panel(slo: Slo, scope: QueryScope, panel_id: int, place: GridPos) -> Panel:
    unit = objective_text.event_unit(slo)
    group = f" {group_legend(slo)}" if slo.group_by else ""
    axis = (
        Property("custom.axisPlacement", "right"),
        Property("custom.axisLabel", f"bad {unit} per minute"),
    )
    # Groups keep their colours.
    color = () if slo.group_by else (Property("color", Color(ColorMode.FIXED, theme.VERMILLION)),)
    description = f"{unit.capitalize()} per minute as the rules count them; bad ones on the right axis."
    return graph_panel(
        PanelHead(panel_id, f"All {unit} and bad {unit}", place, description),
        graph_queries(
            (
                f"all{group}",
                _per_minute(slo, scope, naming.event_count_metric(FINE_STEP), sidecar_metrics.EVENTS),
            ),
            (
                f"bad{group}",
                _per_minute(slo, scope, naming.error_count_metric(FINE_STEP), sidecar_metrics.ERRORS),
            ),
        ),
        line_field(theme.COUNT_UNIT, label=f"{unit} per minute"),
        overrides=(Override(FieldMatcher("byFrameRefID", "B"), axis + color),),
    )


def _per_minute(slo: Slo, scope: QueryScope, rollup: str, counter: str) -> PromQL:
    """Query the mean of rollups, each the count of a minute: a rate, however far apart the points are."""
    mean = aggregate_by("sum", slo.group_by, f"avg_over_time({scope.select_series(rollup)}[$__interval])")
    counted = scope.max_by(f"60 * rate({scope.select_series(counter)}[$__rate_interval])")
    return worst_groups(slo, "topk", scope.recorded_or_exposed(mean, counted))


def _group_table(slo: Slo, scope: QueryScope, panel_id: int, place: GridPos) -> Panel:
    # An alert about all groups (no data) has none of their labels.
    matchers = f"{scope.matchers}, {format_matchers({slo.group_by[0]: ''}, '!=')}"
    grouped = structs.replace(scope, matchers=matchers)
    description = "Each group has a budget of its own. Firing alerts first, then the least budget."
    return slo_table.worst_first_table(
        PanelHead(panel_id, "Groups, worst first", place, description),
        (
            *(slo_table.Column(label, label) for label in slo.group_by),
            *slo_table.state_columns(scope, slo_queries.alert_state(grouped, scope.budget_remaining())),
        ),
    )
