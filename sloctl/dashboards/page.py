"""What every dashboard has: variables, links, time range. Neither names a data source nor counts versions."""

from typing import Final

from sloctl.dashboards.grafana import (
    Annotation,
    Annotations,
    Dashboard,
    Link,
    Panel,
    Row,
    Templating,
    TimeRange,
    Variable,
)
from sloctl.dashboards.panels import DATA_SOURCE
from sloctl.links import OVERVIEW_UID

TAG: Final = "sloctl"
# Of Grafana 11.0, the oldest we write for; newer ones migrate it, and their steps change nothing we use.
SCHEMA_VERSION: Final = 39
_SHARED_CROSSHAIR: Final = 1

_SOURCE: Final = Variable(
    name="datasource",
    type="datasource",
    label="Data source",
    description="The Prometheus that evaluates the rules, or scrapes the sidecar.",
    query="prometheus",
)

OVERVIEW_LINK: Final = Link(
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
SERVICES_LINK: Final = Link(
    title="Services",
    type="dashboards",
    tags=(TAG,),
    icon="external link",
    tooltip="",
    as_dropdown=True,
    include_vars=True,
    keep_time=True,
    target_blank=False,
)


def spec_labels() -> Variable:
    """Label filters that Grafana adds to every query: a team, a tier, a service."""
    return Variable(
        name="filters",
        type="adhoc",
        label="Labels",
        description="Labels of the SLOs to show, such as a team.",
        datasource=DATA_SOURCE,
    )


def page(
    *,
    uid: str,
    title: str,
    description: str,
    links: tuple[Link, ...],
    panels: tuple[Panel | Row, ...],
    variables: tuple[Variable, ...] = (),
    annotations: tuple[Annotation, ...] = (),
) -> Dashboard:
    """A dashboard of the last six hours, read again every minute, as the rules are."""
    return Dashboard(
        uid=uid,
        title=title,
        description=description,
        tags=(TAG, "slo"),
        schema_version=SCHEMA_VERSION,
        graph_tooltip=_SHARED_CROSSHAIR,
        timezone="browser",
        refresh="1m",
        time=TimeRange("now-6h", "now"),
        links=links,
        templating=Templating((_SOURCE, *variables)),
        annotations=Annotations(annotations),
        panels=panels,
    )
