"""What fired when: a timeline of each alert, and its intervals behind the graphs."""

from collections.abc import Iterator
from typing import Final

from sloctl import naming
from sloctl.dashboards import live, look, states
from sloctl.dashboards.grafana import Annotation, GridPos, Panel, PanelFilter
from sloctl.dashboards.lookbacks import group_legend
from sloctl.dashboards.panels import DATA_SOURCE, INTERVAL, Head, alert_timeline, over_time
from sloctl.dashboards.shown import plain
from sloctl.dashboards.states import Asked
from sloctl.model import PromQL, Severity, Slo

_COLORS: Final = {Severity.PAGE: look.VERMILLION, Severity.TICKET: look.ORANGE}


def marks(slo: Slo, each: Asked, panels: tuple[int, ...]) -> Iterator[Annotation]:
    """Pages and tickets, each in its colour, in *panels* alone."""
    for severity, color in _COLORS.items():
        yield Annotation(
            name=f"{plain(slo.name)}: {severity.value}",
            datasource=DATA_SOURCE,
            enable=True,
            hide=True,
            icon_color=color,
            filter=PanelFilter(exclude=False, ids=panels),
            expr=each.most(each.firing(severity)),
            step=INTERVAL,
            title_format=f"{plain(slo.name)}: {severity.value}",
            tag_keys=",".join(slo.group_by),
        )


def timeline(slo: Slo, each: Asked, panel_id: int, place: GridPos) -> Panel:
    drawn = "; of groups, only those that fired are drawn." if slo.group_by else "."
    description = f"What fired when. Where nothing is drawn, no rule was evaluated{drawn}"
    named = [
        (title + _of_group(slo), _over_time(slo, each, name, severity))
        for title, name, severity in _enabled(slo)
    ]
    return alert_timeline(Head(panel_id, "Alerts", place, description), over_time(*named))


def _over_time(slo: Slo, each: Asked, name: str, severity: Severity) -> PromQL:
    """Quiet while the rules run; for groups absent, since nobody lists groups that do not fire."""
    ruled, exposed = states.one_alert(each, name, severity), _live(slo, each, name, severity)
    fires = look.PAGE if severity is Severity.PAGE else look.TICKET
    states_of_one = each.either(ruled, f"{fires} + 0 * ({exposed})")
    if slo.group_by:
        return each.most(states_of_one)
    return each.most(f"{states_of_one} or {look.QUIET} * {each.own(each.style.info)}")


def _live(slo: Slo, each: Asked, name: str, severity: Severity) -> PromQL:
    """A sample wherever the sidecar's own series say that the alert fires."""
    left, alerting = each.own(live.BUDGET_REMAINING), slo.alerting
    match name:
        case naming.EXHAUSTED_ALERT:
            return f"{left} <= 0"
        case naming.EXHAUSTING_ALERT:
            return f"{each.own(live.TIME_TO_EXHAUSTION)} < {alerting.exhausting_within} unless {left} <= 0"
        case naming.NO_DATA_ALERT:
            return f"{each.own(live.DATA_AGE)} > {alerting.no_data_after}"
        case _:
            return each.live_firing(severity)


def _enabled(slo: Slo) -> Iterator[tuple[str, str, Severity]]:
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
