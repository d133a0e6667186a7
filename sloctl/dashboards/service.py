"""One service: its SLOs worst first, then each in full."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sloctl.dashboards import slo_queries, slo_table
from sloctl.dashboards.dashboard import OVERVIEW_LINK, build_dashboard
from sloctl.dashboards.escape import escape_title, exact_matchers
from sloctl.dashboards.grafana import Dashboard, GridPos, Panel, PanelRow
from sloctl.dashboards.identity import first_panel_ids
from sloctl.dashboards.panels import PanelHead
from sloctl.dashboards.slo import grid_height, slo_annotations, slo_panels
from sloctl.dashboards.slo_queries import QueryScope
from sloctl.links import dashboard_uid
from sloctl.model import Slo
from sloctl.naming import LabelStyle

_TABLE_HEIGHT: Final = 8


def build_service_dashboard(name: str, slos: Sequence[Slo], style: LabelStyle) -> Dashboard:
    """The dashboard of service *name*; *slos* in the order in which they stand."""
    first_ids = first_panel_ids(slo.name for slo in slos)
    return build_dashboard(
        uid=dashboard_uid(name),
        title=f"SLOs of {escape_title(name)}",
        description="Objectives, error budgets and alerts of one service.",
        links=(OVERVIEW_LINK,),
        panels=(_slo_table(name, style), *_each(slos, style, first_ids)),
        annotations=tuple(
            mark for slo in slos for mark in slo_annotations(slo, style, first_id=first_ids[slo.name])
        ),
    )


def _slo_table(name: str, style: LabelStyle) -> Panel:
    asked = QueryScope(style, matchers=exact_matchers({style.service: name}), group_labels=(style.name,))
    known = asked.select_series(style.info_metric)
    head = PanelHead(
        1,
        "SLOs, worst first",
        GridPos(0, 0, 24, _TABLE_HEIGHT),
        "Firing alerts first, then the least budget; of a grouped SLO, its worst group.",
    )
    columns = (
        slo_table.text_column("SLO", style.name),
        slo_table.text_column("Objective", style.objective),
        slo_table.text_column("Window", style.window),
        *slo_table.state_columns(asked, slo_queries.alert_state(asked, known)),
    )
    return slo_table.worst_first_table(head, columns, rows=slo_table.known_slos(asked, known))


def _each(slos: Sequence[Slo], style: LabelStyle, first_ids: Mapping[str, int]) -> Iterator[PanelRow | Panel]:
    y = _TABLE_HEIGHT
    for slo in slos:
        yield from slo_panels(slo, style, first_id=first_ids[slo.name], y=y)
        y += grid_height(slo)
