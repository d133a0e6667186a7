"""The frame of every dashboard: variables, links, time range.

It neither names a data source nor counts versions.
"""

from typing import Final

from sloctl.dashboards.grafana_schema import (
    Annotation,
    Annotations,
    Dashboard,
    DashboardLink,
    DashboardTimeRange,
    Panel,
    PanelRow,
    Templating,
    Variable,
)
from sloctl.dashboards.panels import DATA_SOURCE
from sloctl.links import OVERVIEW_UID

DASHBOARD_TAG: Final = "sloctl"
# Of Grafana 11.0, the oldest we write for; newer ones migrate it, and their steps change nothing we use.
SCHEMA_VERSION: Final = 39
_SHARED_CROSSHAIR: Final = 1

_DATA_SOURCE_VARIABLE: Final = Variable(
    name="datasource",
    type="datasource",
    label="Data source",
    description="The Prometheus that evaluates the rules, or scrapes the sidecar.",
    query="prometheus",
)

OVERVIEW_LINK: Final = DashboardLink(
    title="All SLOs",
    type="link",
    url=f"/d/{OVERVIEW_UID}",
    tags=(),
    icon="dashboard",
    tooltip="The overview of all services",
    as_dropdown=False,
    include_vars=True,
    keep_time=True,
    target_blank=False,
)
SERVICES_LINK: Final = DashboardLink(
    title="Services",
    type="dashboards",
    tags=(DASHBOARD_TAG,),
    icon="external link",
    tooltip="",
    as_dropdown=True,
    include_vars=True,
    keep_time=True,
    target_blank=False,
)


def label_filters() -> Variable:
    """Let the reader choose labels that Grafana adds to every query: a team, a tier, a service."""
    return Variable(
        name="filters",
        type="adhoc",
        label="Labels",
        description="Labels of the SLOs to show, such as a team.",
        datasource=DATA_SOURCE,
    )


def build_dashboard(
    *,
    uid: str,
    title: str,
    description: str,
    links: tuple[DashboardLink, ...],
    panels: tuple[Panel | PanelRow, ...],
    variables: tuple[Variable, ...] = (),
    annotations: tuple[Annotation, ...] = (),
) -> Dashboard:
    """Build a dashboard of the last six hours, read again every minute, as the rules are."""
    return Dashboard(
        uid=uid,
        title=title,
        description=description,
        tags=(DASHBOARD_TAG, "slo"),
        schema_version=SCHEMA_VERSION,
        graph_tooltip=_SHARED_CROSSHAIR,
        timezone="browser",
        refresh="1m",
        time=DashboardTimeRange("now-6h", "now"),
        links=links,
        templating=Templating((_DATA_SOURCE_VARIABLE, *variables)),
        annotations=Annotations(annotations),
        panels=panels,
    )
