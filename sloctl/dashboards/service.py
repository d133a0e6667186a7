"""One service: its SLOs worst first, then each in full."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sloctl.dashboards import states, table
from sloctl.dashboards.grafana import Dashboard, GridPos, Panel, Row
from sloctl.dashboards.identity import first_panel_ids
from sloctl.dashboards.page import OVERVIEW_LINK, page
from sloctl.dashboards.panels import Head
from sloctl.dashboards.shown import matching, plain
from sloctl.dashboards.slo import height, marks, slo_panels
from sloctl.dashboards.states import Asked
from sloctl.links import service_uid
from sloctl.model import Slo
from sloctl.naming import LabelStyle

_TABLE_HEIGHT: Final = 8


def service(name: str, slos: Sequence[Slo], style: LabelStyle) -> Dashboard:
    """The dashboard of service *name*; *slos* in the order in which they stand."""
    first_ids = first_panel_ids(slo.name for slo in slos)
    return page(
        uid=service_uid(name),
        title=f"SLOs of {plain(name)}",
        description="Objectives, error budgets and alerts of one service.",
        links=(OVERVIEW_LINK,),
        panels=(_slos(name, style), *_each(slos, style, first_ids)),
        annotations=tuple(mark for slo in slos for mark in marks(slo, style, first_id=first_ids[slo.name])),
    )


def _slos(name: str, style: LabelStyle) -> Panel:
    asked = Asked(style, where=matching({style.service: name}), by=(style.name,))
    known = asked.own(style.info)
    head = Head(
        1,
        "SLOs, worst first",
        GridPos(0, 0, 24, _TABLE_HEIGHT),
        "Firing alerts first, then the least budget; of a grouped SLO, its worst group.",
    )
    columns = (
        table.text("SLO", style.name),
        table.text("Objective", style.objective),
        table.text("Window", style.window),
        *table.standing(asked, states.alert_state(asked, known)),
    )
    return table.table(head, columns, rows=table.known_slos(asked, known))


def _each(slos: Sequence[Slo], style: LabelStyle, first_ids: Mapping[str, int]) -> Iterator[Row | Panel]:
    y = _TABLE_HEIGHT
    for slo in slos:
        yield from slo_panels(slo, style, first_id=first_ids[slo.name], y=y)
        y += height(slo)
