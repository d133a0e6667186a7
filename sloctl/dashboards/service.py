"""One service: its SLOs worst first, then each in full."""

from collections.abc import Iterable, Sequence
from typing import Final
from zlib import crc32

from sloctl.dashboards import slo_queries, slo_table
from sloctl.dashboards.dashboard import OVERVIEW_LINK, build_dashboard
from sloctl.dashboards.escape import escape_title, exact_matchers
from sloctl.dashboards.grafana_schema import Dashboard, GridPos, Panel, PanelRow
from sloctl.dashboards.panels import PanelHead
from sloctl.dashboards.slo import grid_height, slo_annotations, slo_panels
from sloctl.dashboards.slo_queries import QueryScope
from sloctl.links import dashboard_uid
from sloctl.model import CalendarWindow, Slo
from sloctl.naming import LabelStyle

_TABLE_HEIGHT: Final = 8
_IDS_PER_SLO: Final = 16
_ID_SPACE: Final = 2**24


def build_service_dashboard(name: str, slos: Sequence[Slo], style: LabelStyle) -> Dashboard:
    """Build the dashboard of service *name*; *slos* in the order in which they stand."""
    first_ids = first_panel_ids(slo.name for slo in slos)
    panels: list[Panel | PanelRow] = [_slo_table(name, slos, style)]
    y = _TABLE_HEIGHT
    for slo in slos:
        panels += slo_panels(slo, style, first_id=first_ids[slo.name], y=y)
        y += grid_height(slo)
    return build_dashboard(
        uid=dashboard_uid(name),
        title=f"SLOs of {escape_title(name)}",
        description="Objectives, error budgets and alerts of one service.",
        links=(OVERVIEW_LINK,),
        panels=tuple(panels),
        annotations=tuple(
            mark for slo in slos for mark in slo_annotations(slo, style, first_id=first_ids[slo.name])
        ),
    )


def first_panel_ids(names: Iterable[str]) -> dict[str, int]:
    """Give each SLO of a service the first of 16 panel ids, from its name alone.

    So ids stay when neighbours come and go. Two names meet with a probability of 1 : 16 million; then the
    later in the alphabet moves up.
    """
    taken: dict[int, str] = {}
    for name in sorted(names):
        place = crc32(name.encode()) % _ID_SPACE
        while place in taken:
            place = (place + 1) % _ID_SPACE
        taken[place] = name
    return {name: (place + 1) * _IDS_PER_SLO for place, name in taken.items()}


def _slo_table(name: str, slos: Sequence[Slo], style: LabelStyle) -> Panel:
    scope = QueryScope(
        style,
        matchers=exact_matchers({style.service: name}),
        group_labels=(style.name,),
        rolling_only=not any(isinstance(slo.window, CalendarWindow) for slo in slos),
    )
    known = scope.select_series(style.info_metric)
    head = PanelHead(
        1,
        "SLOs, worst first",
        GridPos(0, 0, 24, _TABLE_HEIGHT),
        "Firing alerts first, then the least budget. Of a grouped SLO, what is left in its worst group, and "
        "the burn rate and the time of the group that burns fastest.",
    )
    columns = (
        slo_table.Column("SLO", style.name),
        slo_table.Column("Objective", style.objective),
        slo_table.Column("Window", style.window),
        *slo_table.state_columns(scope, slo_queries.alert_state(scope, known)),
    )
    return slo_table.worst_first_table(head, columns, rows=slo_table.known_slos(scope, known))
