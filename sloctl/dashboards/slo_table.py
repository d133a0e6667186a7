"""Tables of SLOs or of groups: a row for each, the worst first."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from sloctl.dashboards import slo_queries, theme
from sloctl.dashboards.grafana_schema import (
    CellOptions,
    DataLink,
    FieldConfig,
    FieldDefaults,
    FieldMatcher,
    Merge,
    Organize,
    Override,
    Panel,
    Property,
    RegexMap,
    RegexMatch,
    SortBy,
    TableField,
    TableOptions,
    Transformation,
    ValueMapping,
    ValueMappingResult,
)
from sloctl.dashboards.panels import PanelHead, query_panel, table_queries
from sloctl.dashboards.slo_queries import QueryScope
from sloctl.model import PromQL
from sloctl.promql import aggregate_by


class Column(Struct, frozen=True):
    """A heading over a label, or over the value of the query it brings."""

    title: str
    label: str = ""
    query: PromQL = ""
    properties: tuple[Property, ...] = ()


DASHBOARD_LABEL: Final = "dashboard"
_OPEN: Final[tuple[ValueMapping, ...]] = (RegexMap(RegexMatch(".*", ValueMappingResult("open"))),)
# The cell's own value is the path. Grafana puts its base path before a slash only where it stands here.
_LINK: Final = (
    DataLink("Open the service's dashboard", "/${__value.raw}&${datasource:queryparam}&${__url_time_range}"),
)
TABLE_OPTIONS: Final = TableOptions(
    cell_height="sm",
    enable_pagination=True,
    frame_index=0,
    show_header=True,
    sort_by=(SortBy(desc=True, display_name="Alerts"), SortBy(desc=False, display_name="Budget left")),
)


def _number_properties(number: theme.NumberStyle) -> tuple[Property, ...]:
    return (
        Property("unit", number.unit),
        Property("decimals", number.decimals),
        Property("color", theme.BY_THRESHOLD),
        Property("thresholds", number.thresholds),
        Property("mappings", number.mappings),
        Property("custom.cellOptions", CellOptions("color-text")),
    )


_BUDGET: Final = _number_properties(theme.BUDGET_LEFT)
_BURN: Final = _number_properties(theme.BURN_RATE)
_GONE: Final = _number_properties(theme.TIME_LEFT)
_ALERTS: Final = _number_properties(theme.ALERT_STATE)
_PATH: Final = (Property("mappings", _OPEN), Property("links", _LINK), Property("custom.width", 100))


def link_column(title: str) -> Column:
    """Link to the path in DASHBOARD_LABEL, relative to Grafana, without its first slash but with a `?`."""
    return Column(title, label=DASHBOARD_LABEL, properties=_PATH)


def state_columns(scope: QueryScope, alerts: PromQL) -> tuple[Column, ...]:
    """Show budget, burn rate, time to exhaustion, and *alerts* in the words of theme.ALERT_STATE."""
    return (
        Column("Budget left", query=slo_queries.budget_left(scope), properties=_BUDGET),
        Column("Burn rate", query=slo_queries.current_burn_rate(scope), properties=_BURN),
        Column("Gone in", query=slo_queries.time_to_exhaustion(scope), properties=_GONE),
        Column("Alerts", query=alerts, properties=_ALERTS),
    )


def known_slos(scope: QueryScope, known: PromQL) -> PromQL:
    """Query a row for each SLO, with its objective and window as text."""
    style = scope.style
    return aggregate_by("max", (*scope.group_labels, style.objective, style.window), known)


def worst_first_table(head: PanelHead, columns: Sequence[Column], *, rows: PromQL = "") -> Panel:
    """Draw rows of what the queries answer, joined on their labels; *rows* are there even without a number.

    Sorted by "Alerts", then by "Budget left": unknown comes before overspent.
    """
    queries = [*([rows] if rows else []), *(column.query for column in columns if column.query)]
    hidden = ("Time", "Value #A") if rows else ("Time",)
    # Grafana calls each column after the merge by its label, or by the letter of its query.
    letters = iter("BCDEFGHIJKLMNOPQRSTUVWXYZ" if rows else "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    names = [column.label or f"Value #{next(letters)}" for column in columns]
    organize = Organize(
        exclude_by_name=dict.fromkeys(hidden, True),
        index_by_name={name: place for place, name in enumerate(names)},
        rename_by_name={name: column.title for name, column in zip(names, columns, strict=True)},
    )
    table = TableField("auto", CellOptions("auto"), inspect=False)
    overrides = tuple(
        Override(FieldMatcher("byName", column.title), column.properties)
        for column in columns
        if column.properties
    )
    return query_panel(
        head,
        "table",
        table_queries(*queries),
        transformations=(Transformation("merge", Merge()), Transformation("organize", organize)),
        fields=FieldConfig(FieldDefaults(no_value=theme.NO_DATA, custom=table), overrides),
        options=TABLE_OPTIONS,
    )
