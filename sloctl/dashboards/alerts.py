"""Alerts over time: a timeline of each alert, and the intervals in which it fired behind the graphs."""

from collections.abc import Iterator
from typing import Final

from sloctl import naming
from sloctl.dashboards import sidecar_metrics, slo_queries, theme
from sloctl.dashboards.escape import escape_title
from sloctl.dashboards.grafana_schema import Annotation, GridPos, Panel, PanelFilter
from sloctl.dashboards.lookbacks import group_legend
from sloctl.dashboards.panels import DATA_SOURCE, MIN_INTERVAL, PanelHead, graph_queries, timeline_panel
from sloctl.dashboards.slo_queries import QueryScope
from sloctl.model import AlertKind, CalendarWindow, FixedTime, PromQL, Severity, Slo, SpentStep
from sloctl.naming import spent_share
from sloctl.promql import format_matchers, format_number, join_matchers
from sloctl.slo.policy import exhaustion_row

_SEVERITY_COLORS: Final = {Severity.PAGE: theme.VERMILLION, Severity.TICKET: theme.ORANGE}
_ALERT_TITLES: Final = {
    AlertKind.PAGE: "burns, page",
    AlertKind.TICKET: "burns, ticket",
    AlertKind.EXHAUSTED: "budget gone",
    AlertKind.EXHAUSTING: "budget soon gone",
    AlertKind.NO_DATA: "no data",
}


def alert_annotations(slo: Slo, scope: QueryScope, panels: tuple[int, ...]) -> Iterator[Annotation]:
    """Mark when pages and tickets fired, each in its colour, in *panels* alone."""
    for severity, color in _SEVERITY_COLORS.items():
        title = f"{escape_title(slo.name)}: {severity.value}"
        yield Annotation(
            name=title,
            datasource=DATA_SOURCE,
            enable=True,
            hide=True,
            icon_color=color,
            filter=PanelFilter(exclude=False, ids=panels),
            expr=scope.max_by(scope.firing_alerts(severity)),
            step=MIN_INTERVAL,
            title_format=title,
            tag_keys=",".join(slo.group_by),
        )


def hours_annotations(slo: Slo, scope: QueryScope, panels: tuple[int, ...]) -> Iterator[Annotation]:
    """Shade in *panels* what is outside the service hours."""
    if not slo.active_hours:
        return
    title = f"{escape_title(slo.name)}: outside service hours"
    yield Annotation(
        name=title,
        datasource=DATA_SOURCE,
        enable=True,
        hide=True,
        icon_color=theme.SKY_BLUE,
        filter=PanelFilter(exclude=False, ids=panels),
        expr=f"max({join_matchers(naming.OUTSIDE_HOURS_UNTIL, scope.matchers)}) > bool 0",
        step=MIN_INTERVAL,
        title_format=title,
        tag_keys="",
    )


def exclusion_annotations(slo: Slo, scope: QueryScope, panels: tuple[int, ...]) -> Iterator[Annotation]:
    """Shade each excluded time in *panels*, with its reason; fixed ones also where they are past."""
    for number, exclusion in enumerate(slo.exclusions, start=1):
        named = format_matchers({"slo_exclusion": exclusion.reason})
        active = f"max({join_matchers(naming.EXCLUSION_ACTIVE, scope.matchers, named)}) == 1"
        if isinstance(exclusion.time, FixedTime) and exclusion.time.start is not None:
            start, end = exclusion.time.start, exclusion.time.end
            active = f"vector(1) and on () (vector(time()) >= {start}) and on () (vector(time()) <= {end})"
        elif exclusion.is_reset:
            continue
        title = f"{escape_title(slo.name)}: excluded, {escape_title(exclusion.reason)}"
        yield Annotation(
            name=f"{title} ({number})",
            datasource=DATA_SOURCE,
            enable=True,
            hide=True,
            icon_color=theme.SKY_BLUE,
            filter=PanelFilter(exclude=False, ids=panels),
            expr=active,
            step=MIN_INTERVAL,
            title_format=title,
            tag_keys="",
        )


def slo_alert_timeline(slo: Slo, scope: QueryScope, panel_id: int, place: GridPos) -> Panel:
    """Draw each enabled alert of *slo* over time: firing, pending or quiet."""
    drawn = "; of groups, only those that fired are drawn." if slo.group_by else "."
    description = f"What fired when. Where nothing is drawn, no rule was evaluated{drawn}"
    group = f" {group_legend(slo)}" if slo.group_by else ""
    queries = [
        (f"{title}{group}", _alert_state_query(slo, scope, kind, step))
        for title, kind, step in _titled_alerts(slo)
    ]
    return timeline_panel(PanelHead(panel_id, "Alerts", place, description), graph_queries(*queries))


def _alert_state_query(slo: Slo, scope: QueryScope, kind: AlertKind, step: SpentStep | None) -> PromQL:
    """Query the state of one alert, quiet while the rules run.

    A group that does not fire is absent instead: nothing lists the groups.
    """
    recorded = slo_queries.one_alert(scope, slo.alerting, kind, step)
    exposed = _sidecar_alert_query(slo, scope, kind, step)
    fires = theme.PAGE if slo.alerting.severity_of(kind, step) is Severity.PAGE else theme.TICKET
    state = scope.recorded_or_exposed(recorded, f"{fires} + 0 * ({exposed})")
    if slo.group_by:
        return scope.max_by(state)
    return scope.max_by(f"{state} or {theme.QUIET} * {scope.select_series(scope.style.info_metric)}")


def _sidecar_alert_query(slo: Slo, scope: QueryScope, kind: AlertKind, step: SpentStep | None) -> PromQL:
    """Query a sample wherever the sidecar's own series say that the alert fires."""
    left, alerting = scope.select_series(sidecar_metrics.BUDGET_REMAINING), slo.alerting
    match kind:
        case AlertKind.EXHAUSTED:
            return f"{left} <= 0"
        case AlertKind.SPENT if step is not None:
            return f"{left} <= {format_number(step.share_left)}"
        case AlertKind.EXHAUSTING if (row := exhaustion_row(alerting.policy)) is not None:
            burns = [scope.select_lookback(sidecar_metrics.BURN_RATE, it) for it in (row.long, row.short)]
            if isinstance(slo.window, CalendarWindow):
                start, end = map(
                    scope.select_series, (sidecar_metrics.PERIOD_START, sidecar_metrics.PERIOD_END)
                )
                lasts = f"({left} > 0) * ({end} - {start}) / ignoring (lookback)"
                soon = f"clamp_max({end} - time(), {alerting.exhausting_within})"
                return " and ".join(f"{lasts} ({burn} > 0) < {soon}" for burn in burns)
            within = f"({left} > 0) * {slo.window.seconds} / ignoring (lookback)"
            return " and ".join(f"{within} ({burn} >= 1) < {alerting.exhausting_within}" for burn in burns)
        case AlertKind.NO_DATA:
            return f"{scope.select_series(sidecar_metrics.DATA_AGE)} > {alerting.no_data_after}"
        case _:
            return scope.sidecar_firing_alerts(alerting.severity_of(kind))


def _titled_alerts(slo: Slo) -> Iterator[tuple[str, AlertKind, SpentStep | None]]:
    """List the alerts that *slo* has, each with a title."""
    for kind in slo.alerting.enabled_alerts:
        # Without a row nothing decides how long the budget lasts.
        if kind is not AlertKind.EXHAUSTING or exhaustion_row(slo.alerting.policy) is not None:
            yield _ALERT_TITLES[kind], kind, None
    for step in slo.alerting.spent_steps:
        yield f"{spent_share(step)} spent", AlertKind.SPENT, step
