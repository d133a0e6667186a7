"""What fired when: a timeline of each alert, and its intervals behind the graphs."""

from collections.abc import Iterator
from typing import Final

from sloctl import naming
from sloctl.dashboards import sidecar_metrics, slo_queries, theme
from sloctl.dashboards.escape import escape_title
from sloctl.dashboards.grafana_schema import Annotation, GridPos, Panel, PanelFilter
from sloctl.dashboards.lookbacks import group_legend
from sloctl.dashboards.panels import DATA_SOURCE, MIN_INTERVAL, PanelHead, graph_queries, timeline_panel
from sloctl.dashboards.slo_queries import QueryScope
from sloctl.model import PromQL, Severity, Slo

_SEVERITY_COLORS: Final = {Severity.PAGE: theme.VERMILLION, Severity.TICKET: theme.ORANGE}


def alert_annotations(slo: Slo, each: QueryScope, panels: tuple[int, ...]) -> Iterator[Annotation]:
    """Pages and tickets, each in its colour, in *panels* alone."""
    for severity, color in _SEVERITY_COLORS.items():
        yield Annotation(
            name=f"{escape_title(slo.name)}: {severity.value}",
            datasource=DATA_SOURCE,
            enable=True,
            hide=True,
            icon_color=color,
            filter=PanelFilter(exclude=False, ids=panels),
            expr=each.max_by(each.firing_alerts(severity)),
            step=MIN_INTERVAL,
            title_format=f"{escape_title(slo.name)}: {severity.value}",
            tag_keys=",".join(slo.group_by),
        )


def slo_alert_timeline(slo: Slo, each: QueryScope, panel_id: int, place: GridPos) -> Panel:
    drawn = "; of groups, only those that fired are drawn." if slo.group_by else "."
    description = f"What fired when. Where nothing is drawn, no rule was evaluated{drawn}"
    named = [
        (title + _of_group(slo), _alert_state_query(slo, each, name, severity))
        for title, name, severity in _enabled_alerts(slo)
    ]
    return timeline_panel(PanelHead(panel_id, "Alerts", place, description), graph_queries(*named))


def _alert_state_query(slo: Slo, each: QueryScope, name: str, severity: Severity) -> PromQL:
    """Quiet while the rules run; for groups absent, since nobody lists groups that do not fire."""
    ruled, exposed = (
        slo_queries.one_alert(each, name, severity),
        _sidecar_alert_query(slo, each, name, severity),
    )
    fires = theme.PAGE if severity is Severity.PAGE else theme.TICKET
    states_of_one = each.recorded_or_exposed(ruled, f"{fires} + 0 * ({exposed})")
    if slo.group_by:
        return each.max_by(states_of_one)
    return each.max_by(f"{states_of_one} or {theme.QUIET} * {each.select_series(each.style.info_metric)}")


def _sidecar_alert_query(slo: Slo, each: QueryScope, name: str, severity: Severity) -> PromQL:
    """A sample wherever the sidecar's own series say that the alert fires."""
    left, alerting = each.select_series(sidecar_metrics.BUDGET_REMAINING), slo.alerting
    match name:
        case naming.EXHAUSTED_ALERT:
            return f"{left} <= 0"
        case naming.EXHAUSTING_ALERT:
            time_left = each.select_series(sidecar_metrics.TIME_TO_EXHAUSTION)
            return f"{time_left} < {alerting.exhausting_within} unless {left} <= 0"
        case naming.NO_DATA_ALERT:
            return f"{each.select_series(sidecar_metrics.DATA_AGE)} > {alerting.no_data_after}"
        case _:
            return each.sidecar_firing_alerts(severity)


def _enabled_alerts(slo: Slo) -> Iterator[tuple[str, str, Severity]]:
    alerting = slo.alerting
    if alerting.page is not None:
        yield "burns, page", naming.BURN_ALERT, Severity.PAGE
    if alerting.ticket is not None:
        yield "burns, ticket", naming.BURN_ALERT, Severity.TICKET
    if alerting.exhausted is not None:
        yield "budget gone", naming.EXHAUSTED_ALERT, Severity.TICKET
    if alerting.exhausting is not None:
        yield "budget soon gone", naming.EXHAUSTING_ALERT, Severity.TICKET
    if alerting.no_data is not None:
        yield "no data", naming.NO_DATA_ALERT, Severity.TICKET


def _of_group(slo: Slo) -> str:
    return f" {group_legend(slo)}" if slo.group_by else ""
