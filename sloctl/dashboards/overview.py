"""All SLOs on one page, found by query: the page is the same whatever the specs are."""

from collections.abc import Iterator
from typing import Final

from sloctl import naming
from sloctl.dashboards import look, states, table
from sloctl.dashboards.grafana import Dashboard, GridPos, Panel
from sloctl.dashboards.identity import SHORTENED_SERVICE
from sloctl.dashboards.page import SERVICES_LINK, TAG, page, spec_labels
from sloctl.dashboards.panels import Head, alert_timeline, over_time, stat
from sloctl.dashboards.states import FIRING, Asked
from sloctl.links import OVERVIEW_UID, PLAIN_SERVICE, SERVICE_UID_PREFIX
from sloctl.model import PromQL, Severity
from sloctl.naming import LabelStyle

_TABLE_ID: Final = 7
_TIMELINE_ID: Final = 8


def overview(style: LabelStyle) -> Dashboard:
    """The fleet in numbers, its SLOs worst first, and what fired when."""
    each = Asked(style, where="", by=(style.id,))
    return page(
        uid=OVERVIEW_UID,
        title="SLO overview",
        description="Every SLO that Prometheus knows, the worst first.",
        links=(SERVICES_LINK,),
        variables=(spec_labels(),),
        panels=(*_fleet(each), _slos(style), _alerts(each)),
    )


def _fleet(each: Asked) -> Iterator[Panel]:
    for place, (title, query, number, description) in enumerate(_counts(each)):
        yield stat(Head(1 + place, title, GridPos(4 * place, 0, 4, 4), description), query, number)


def _counts(each: Asked) -> Iterator[tuple[str, PromQL, look.Number, str]]:
    known, left = each.own(each.style.info), states.budget_left(each)
    paging, opened = (each.firing(severity) for severity in (Severity.PAGE, Severity.TICKET))
    silent = each.own("ALERTS", f'alertname="{naming.NO_DATA_ALERT}", {FIRING}')
    unknown = f"{silent} or ({known} unless on ({each.style.id}) {each.left()})"
    yield "SLOs", _count(each.most(known), known), look.COUNTED, "SLOs whose rules run, or a sidecar."
    yield (
        "Met",
        _count(f"({left}) > 0", left),
        look.COUNTED,
        "SLOs with some of their error budget left; of a grouped SLO, in every group.",
    )
    yield "Paging", _count(each.most(paging), known), look.COUNTED_BAD, "SLOs with a page firing: look now."
    yield (
        "Tickets",
        _count(each.most(opened), known),
        look.COUNTED_BAD,
        "SLOs with a ticket firing: look on a working day.",
    )
    yield (
        "Budgets gone",
        _count(f"({left}) <= 0", left),
        look.COUNTED_BAD,
        "SLOs whose error budget is spent; of a grouped SLO, that of any group.",
    )
    yield (
        "Not known",
        _count(each.most(unknown), known),
        look.COUNTED_BAD,
        "SLOs that nobody can judge: the indicator has no series, or the budget is not known yet.",
    )


def _count(which: PromQL, known: PromQL) -> PromQL:
    """How many; 0 only where something is known, else absent."""
    return f"count({which}) or 0 * count({known})"


def _slos(style: LabelStyle) -> Panel:
    asked = Asked(style, where="", by=(style.service, style.name))
    known = asked.own(style.info)
    description = (
        "Firing alerts first, then the least budget. The burn rate is that of the last five minutes; "
        "the budget is gone in that time if it goes on."
    )
    return table.table(
        Head(_TABLE_ID, "SLOs, worst first", GridPos(0, 4, 24, 17), description),
        (
            table.text("Service", style.service),
            table.text("SLO", style.name),
            table.text("Objective", style.objective),
            table.text("Window", style.window),
            *table.standing(asked, states.alert_state(asked, known)),
            table.path("Dashboard"),
        ),
        rows=_with_path(table.known_slos(asked, known), style.service),
    )


def _with_path(expression: PromQL, service: str) -> PromQL:
    """The dashboard of each service, by its uid; by a search where service_uid shortens it."""
    plain = _labelled(expression, f"d/{SERVICE_UID_PREFIX}$1?", service, f"({PLAIN_SERVICE})")
    return _labelled(plain, f"dashboards?tag={TAG}&query=$1", service, f"({SHORTENED_SERVICE})")


def _labelled(expression: PromQL, value: str, source: str, pattern: str) -> PromQL:
    return f'label_replace({expression}, "{table.DASHBOARD_LABEL}", "{value}", "{source}", "{pattern}")'


def _alerts(each: Asked) -> Panel:
    head = Head(
        _TIMELINE_ID,
        "Alerts over time",
        GridPos(0, 21, 24, 10),
        "SLOs that fired in the time shown. What fires together often breaks together.",
    )
    return alert_timeline(head, over_time((f"{{{{{each.style.id}}}}}", states.fired(each))))
