"""All SLOs on one page, found by query: the page is the same whatever the specs are."""

from collections.abc import Iterator
from typing import Final

from sloctl import naming
from sloctl.dashboards import slo_queries, slo_table, theme
from sloctl.dashboards.dashboard import DASHBOARD_TAG, SERVICES_LINK, build_dashboard, label_filters
from sloctl.dashboards.grafana_schema import Dashboard, GridPos, Panel
from sloctl.dashboards.panels import PanelHead, graph_queries, stat_panel, timeline_panel
from sloctl.dashboards.slo_queries import QueryScope
from sloctl.links import OVERVIEW_UID, PLAIN_SERVICE, SERVICE_UID_PREFIX, SHORTENED_SERVICE
from sloctl.model import PromQL, Severity
from sloctl.naming import LabelStyle

_TABLE_ID: Final = 7
_TIMELINE_ID: Final = 8


def build_overview_dashboard(style: LabelStyle) -> Dashboard:
    """The fleet in numbers, its SLOs worst first, and what fired when."""
    each = QueryScope(style, matchers="", group_labels=(style.id,))
    return build_dashboard(
        uid=OVERVIEW_UID,
        title="SLO overview",
        description="Every SLO that Prometheus knows, the worst first.",
        links=(SERVICES_LINK,),
        variables=(label_filters(),),
        panels=(*_fleet(each), _slo_table(style), _alerts(each)),
    )


def _fleet(each: QueryScope) -> Iterator[Panel]:
    for place, (title, query, number, description) in enumerate(_fleet_numbers(each)):
        yield stat_panel(PanelHead(1 + place, title, GridPos(4 * place, 0, 4, 4), description), query, number)


def _fleet_numbers(each: QueryScope) -> Iterator[tuple[str, PromQL, theme.NumberStyle, str]]:
    known, left = each.select_series(each.style.info_metric), slo_queries.budget_left(each)
    paging, opened = (each.firing_alerts(severity) for severity in (Severity.PAGE, Severity.TICKET))
    silent = each.select_alerts(alertname=naming.NO_DATA_ALERT)
    unknown = f"{silent} or ({known} unless on ({each.style.id}) {each.budget_remaining()})"
    yield (
        "SLOs",
        _count_known(each.max_by(known), known),
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
        _count_known(each.max_by(paging), known),
        theme.COUNTED_BAD,
        "SLOs with a page firing: look now.",
    )
    yield (
        "Tickets",
        _count_known(each.max_by(opened), known),
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
        _count_known(each.max_by(unknown), known),
        theme.COUNTED_BAD,
        "SLOs that nobody can judge: the indicator has no series, or the budget is not known yet.",
    )


def _count_known(which: PromQL, known: PromQL) -> PromQL:
    """How many; 0 only where something is known, else absent."""
    return f"count({which}) or 0 * count({known})"


def _slo_table(style: LabelStyle) -> Panel:
    asked = QueryScope(style, matchers="", group_labels=(style.service, style.name))
    known = asked.select_series(style.info_metric)
    description = (
        "Firing alerts first, then the least budget. The burn rate is that of the last five minutes; "
        "the budget is gone in that time if it goes on."
    )
    return slo_table.worst_first_table(
        PanelHead(_TABLE_ID, "SLOs, worst first", GridPos(0, 4, 24, 17), description),
        (
            slo_table.text_column("Service", style.service),
            slo_table.text_column("SLO", style.name),
            slo_table.text_column("Objective", style.objective),
            slo_table.text_column("Window", style.window),
            *slo_table.state_columns(asked, slo_queries.alert_state(asked, known)),
            slo_table.link_column("Dashboard"),
        ),
        rows=_with_path(slo_table.known_slos(asked, known), style.service),
    )


def _with_path(expression: PromQL, service: str) -> PromQL:
    """The dashboard of each service, by its uid; by a search where service_uid shortens it."""
    plain = _label_from(expression, f"d/{SERVICE_UID_PREFIX}$1?", service, f"({PLAIN_SERVICE})")
    return _label_from(plain, f"dashboards?tag={DASHBOARD_TAG}&query=$1", service, f"({SHORTENED_SERVICE})")


def _label_from(expression: PromQL, value: str, source: str, pattern: str) -> PromQL:
    return f'label_replace({expression}, "{slo_table.DASHBOARD_LABEL}", "{value}", "{source}", "{pattern}")'


def _alerts(each: QueryScope) -> Panel:
    head = PanelHead(
        _TIMELINE_ID,
        "Alerts over time",
        GridPos(0, 21, 24, 10),
        "SLOs that fired in the time shown. What fires together often breaks together.",
    )
    return timeline_panel(head, graph_queries((f"{{{{{each.style.id}}}}}", slo_queries.worst_alert(each))))
