"""All SLOs on one dashboard, found by query: it is the same whatever the specs are."""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import structs

from sloctl import naming
from sloctl.dashboards import sidecar_metrics, slo_queries, slo_table, theme
from sloctl.dashboards.dashboard import DASHBOARD_TAG, SERVICES_LINK, build_dashboard, label_filters
from sloctl.dashboards.grafana_schema import (
    CellOptions,
    Dashboard,
    FieldConfig,
    FieldDefaults,
    GridPos,
    Organize,
    Panel,
    SortBy,
    TableField,
    Transformation,
)
from sloctl.dashboards.panels import (
    PanelHead,
    graph_queries,
    query_panel,
    stat_panel,
    table_queries,
    timeline_panel,
)
from sloctl.dashboards.slo_queries import QueryScope
from sloctl.links import OVERVIEW_UID, PLAIN_SERVICE, SERVICE_UID_PREFIX, SHORTENED_SERVICE
from sloctl.model import AlertKind, PromQL, Severity
from sloctl.naming import NATIVE_STYLE, LabelStyle
from sloctl.promql import format_matchers, join_matchers

_TABLE_ID: Final = 7
_TIMELINE_ID: Final = 8
_FIRING_ID: Final = 9
# Labels of a firing alert that tell nothing beside the others.
_NEEDLESS_LABELS: Final = ("Time", "Value", "__name__", "alertname", "alertstate", "severity", "lookback")


def build_overview_dashboard(style: LabelStyle, external_labels: Sequence[str] = ()) -> Dashboard:
    """Build the dashboard of the fleet: its numbers, its SLOs worst first, and what fired when.

    An SLO counts once for each combination of *external_labels*, which servers add to its series.
    """
    scope = QueryScope(style, matchers="", group_labels=(style.id, *external_labels))
    legend = " ".join(f"{{{{{label}}}}}" for label in scope.group_labels)
    numbers = tuple(
        stat_panel(PanelHead(1 + place, title, GridPos(4 * place, 0, 4, 4), description), query, look)
        for place, (title, query, look, description) in enumerate(_fleet_numbers(scope))
    )
    timeline = timeline_panel(
        PanelHead(
            _TIMELINE_ID,
            "Alerts over time",
            GridPos(0, 29, 24, 10),
            "SLOs that fired in the time shown. What fires together often breaks together.",
        ),
        graph_queries((legend, slo_queries.worst_alert(scope))),
    )
    return build_dashboard(
        uid=OVERVIEW_UID,
        title="SLO overview",
        description="Every SLO that Prometheus knows, the worst first.",
        links=(SERVICES_LINK,),
        variables=(label_filters(),),
        panels=(*numbers, _slo_table(style, external_labels), _firing_table(style), timeline),
    )


def _fleet_numbers(scope: QueryScope) -> Iterator[tuple[str, PromQL, theme.NumberStyle, str]]:
    """List (title, query, looks, description) of each number."""
    known, left = scope.select_series(scope.style.info_metric), slo_queries.budget_left(scope)
    paging, opened = (scope.firing_alerts(severity) for severity in (Severity.PAGE, Severity.TICKET))
    silent = scope.select_alerts(**{scope.style.alert: naming.ALERT_CLASSES[AlertKind.NO_DATA]})
    identity = ", ".join(scope.group_labels)
    unknown = f"{silent} or ({known} unless on ({identity}) {scope.budget_remaining()})"
    yield (
        "SLOs",
        _count_known(scope.max_by(known), known),
        theme.COUNTED,
        "SLOs whose rules run, or a sidecar.",
    )
    yield (
        "Met",
        _count_known(f"({left}) > 0", left),
        theme.COUNTED,
        "SLOs with some of their error budget left; of a grouped SLO, in every group.",
    )
    yield (
        "Paging",
        _count_known(scope.max_by(paging), known),
        theme.COUNTED_BAD,
        "SLOs with a page firing: look now.",
    )
    yield (
        "Tickets",
        _count_known(scope.max_by(opened), known),
        theme.COUNTED_BAD,
        "SLOs with a ticket firing: look on a working day.",
    )
    yield (
        "Budgets gone",
        _count_known(f"({left}) <= 0", left),
        theme.COUNTED_BAD,
        "SLOs whose error budget is spent; of a grouped SLO, that of any group.",
    )
    yield (
        "Not known",
        _count_known(scope.max_by(unknown), known),
        theme.COUNTED_BAD,
        "SLOs that nobody can judge: the indicator has no series, or the budget is not known yet.",
    )


def _count_known(counted: PromQL, known: PromQL) -> PromQL:
    """Count the samples; 0 only where something is known, else absent."""
    return f"count({counted}) or 0 * count({known})"


def _firing_table(style: LabelStyle) -> Panel:
    """List what fires with all of its labels, of which those of groups have names that nobody knows here."""
    of_slos = format_matchers({style.alert: ""}, "!=")
    firing = join_matchers("ALERTS", format_matchers({"alertstate": "firing"}), of_slos)
    if style == NATIVE_STYLE:
        # What the rules say of an SLO goes before what a sidecar says of it.
        firing = f"{firing} or on ({style.id}) ({sidecar_metrics.ALERT_FIRING} == 1)"
    cells = TableField("auto", CellOptions("auto"), inspect=False)
    pages_first = (SortBy(desc=False, display_name="Severity"),)
    first = (style.service, style.name, style.severity, style.alert)
    organize = Organize(
        exclude_by_name=dict.fromkeys((*_NEEDLESS_LABELS, style.id), True),
        index_by_name={label: place for place, label in enumerate(first)},
        rename_by_name=dict(zip(first, ("Service", "SLO", "Severity", "Alert"), strict=True)),
    )
    return query_panel(
        PanelHead(
            _FIRING_ID,
            "Firing now, by group",
            GridPos(0, 21, 24, 8),
            "Each alert that fires with its labels: of a grouped SLO, which route, tenant or shard it is.",
        ),
        "table",
        table_queries(firing),
        transformations=(Transformation("organize", organize),),
        fields=FieldConfig(FieldDefaults(no_value=theme.NO_DATA, custom=cells), ()),
        options=structs.replace(slo_table.TABLE_OPTIONS, sort_by=pages_first),
    )


def _slo_table(style: LabelStyle, external_labels: Sequence[str]) -> Panel:
    scope = QueryScope(style, matchers="", group_labels=(style.service, style.name, *external_labels))
    known = scope.select_series(style.info_metric)
    description = (
        "Firing alerts first, then the least budget. The burn rate is that of the last five minutes, of a "
        "grouped SLO in the group that burns fastest; its budget is gone in the time beside it if it goes on."
    )
    # The dashboard of each service, by its uid; by a search where dashboard_uid shortens it.
    rows = slo_table.known_slos(scope, known)
    for path, services in (
        (f"d/{SERVICE_UID_PREFIX}$1?", PLAIN_SERVICE),
        (f"dashboards?tag={DASHBOARD_TAG}&query=$1", SHORTENED_SERVICE),
    ):
        label = slo_table.DASHBOARD_LABEL
        rows = f'label_replace({rows}, "{label}", "{path}", "{style.service}", "({services})")'
    return slo_table.worst_first_table(
        PanelHead(_TABLE_ID, "SLOs, worst first", GridPos(0, 4, 24, 17), description),
        (
            slo_table.Column("Service", style.service),
            slo_table.Column("SLO", style.name),
            *(slo_table.Column(label.capitalize(), label) for label in external_labels),
            slo_table.Column("Objective", style.objective),
            slo_table.Column("Window", style.window),
            *slo_table.state_columns(scope, slo_queries.alert_state(scope, known)),
            slo_table.link_column("Dashboard"),
        ),
        rows=rows,
    )
