"""All SLOs on one dashboard, found by query: it is the same whatever the specs are."""

from collections.abc import Iterator, Sequence
from typing import Final

from sloctl import naming
from sloctl.dashboards import slo_queries, slo_table, theme
from sloctl.dashboards.dashboard import DASHBOARD_TAG, SERVICES_LINK, build_dashboard, label_filters
from sloctl.dashboards.grafana_schema import Dashboard, GridPos, Panel
from sloctl.dashboards.panels import PanelHead, graph_queries, stat_panel, timeline_panel
from sloctl.dashboards.slo_queries import QueryScope
from sloctl.links import OVERVIEW_UID, PLAIN_SERVICE, SERVICE_UID_PREFIX, SHORTENED_SERVICE
from sloctl.model import AlertKind, PromQL, Severity
from sloctl.naming import LabelStyle

_TABLE_ID: Final = 7
_TIMELINE_ID: Final = 8


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
            GridPos(0, 21, 24, 10),
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
        panels=(*numbers, _slo_table(style, external_labels), timeline),
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
