"""One service: its SLOs worst first, then each in full."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from zlib import crc32

from msgspec import Struct, structs

from sloctl.dashboards import slo_queries, slo_table
from sloctl.dashboards.dashboard import OVERVIEW_LINK, build_dashboard
from sloctl.dashboards.escape import escape_title, exact_matchers
from sloctl.dashboards.grafana_schema import Dashboard, DashboardLink, GridPos, Panel, PanelRow
from sloctl.dashboards.panels import PanelHead
from sloctl.dashboards.slo import grid_height, slo_annotations, slo_panels
from sloctl.dashboards.slo_queries import QueryScope
from sloctl.links import dashboard_uid
from sloctl.model import CalendarWindow, Slo
from sloctl.naming import LabelStyle

_TABLE_HEIGHT: Final = 8
_IDS_PER_SLO: Final = 16
_ID_SPACE: Final = 2**24


class DashboardPart(Struct, frozen=True):
    """One of the *count* dashboards of a service, by its *number* from 1, and the SLOs that it draws."""

    number: int
    count: int
    slos: Sequence[Slo]


def split_service(slos: Sequence[Slo], count: int) -> list[DashboardPart]:
    """Share *slos* out among so many dashboards, in their order."""
    size = -(-len(slos) // count)
    shares = [slos[start : start + size] for start in range(0, len(slos), size)]
    return [DashboardPart(number, len(shares), share) for number, share in enumerate(shares, start=1)]


def build_service_dashboard(
    name: str, slos: Sequence[Slo], style: LabelStyle, part: DashboardPart | None = None
) -> Dashboard:
    """Build the dashboard of service *name*, or a *part* of it; *slos* in the order in which they stand.

    The table has all SLOs on each part. Alerts lead to the first, whose uid is that of a whole one.
    """
    first_ids = first_panel_ids(slo.name for slo in slos)
    panels: list[Panel | PanelRow] = [_slo_table(name, slos, style)]
    y = _TABLE_HEIGHT
    part = part or DashboardPart(1, 1, slos)
    for slo in part.slos:
        panels += slo_panels(slo, style, first_id=first_ids[slo.name], y=y)
        y += grid_height(slo)
    return build_dashboard(
        uid=_part_uid(name, part.number),
        title=_part_title(name, part.number, part.count),
        description="Objectives, error budgets and alerts of one service.",
        links=(OVERVIEW_LINK, *_links_to_others(name, part)),
        panels=tuple(panels),
        annotations=tuple(
            mark for slo in part.slos for mark in slo_annotations(slo, style, first_id=first_ids[slo.name])
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


def _part_uid(name: str, number: int) -> str:
    # No service has a space in its name.
    return dashboard_uid(name if number == 1 else f"{name} {number}")


def _part_title(name: str, number: int, count: int) -> str:
    which = f" ({number} of {count})" if count > 1 else ""
    return f"SLOs of {escape_title(name)}{which}"


def _links_to_others(name: str, part: DashboardPart) -> Iterator[DashboardLink]:
    for number in range(1, part.count + 1):
        if number != part.number:
            yield structs.replace(
                OVERVIEW_LINK,
                title=_part_title(name, number, part.count),
                url=f"/d/{_part_uid(name, number)}",
                tooltip="More SLOs of this service",
            )


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
