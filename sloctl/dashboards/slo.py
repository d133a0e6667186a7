"""One SLO on its service's dashboard: what was promised, what is left, what burns, what fired."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Final, TypeAlias

from sloctl import naming
from sloctl.dashboards import alerts, live, look, states, table, words
from sloctl.dashboards.fields import Color, ColorMode, Matcher, Override, Property
from sloctl.dashboards.grafana import Annotation, GridPos, Panel, Row
from sloctl.dashboards.lookbacks import Lookbacks, group_legend, lookbacks, of_groups
from sloctl.dashboards.panels import BURN_SCALE, Head, graph, line, over_time, row, stat, text
from sloctl.dashboards.shown import matching, plain
from sloctl.dashboards.states import Asked
from sloctl.duration import format_duration
from sloctl.model import PromQL, Slo
from sloctl.naming import LabelStyle
from sloctl.promql import aggregate
from sloctl.rollup import FINE

# (legend, query) pairs.
Named: TypeAlias = list[tuple[str, PromQL]]

_HEIGHT: Final = 25
_GROUPS_HEIGHT: Final = 9
_SPENT: Final = look.steps("transparent", (0.0, look.VERMILLION))


class Slot(IntEnum):
    """The panels of an SLO, by their distance from its first id; never renumbered."""

    ROW = 0
    PROMISE = 1
    BUDGET_LEFT = 2
    BURN_RATE = 3
    GONE_IN = 4
    BUDGET = 5
    ERROR_RATIO = 6
    BURN = 7
    EVENTS = 8
    ALERTS = 9
    GROUPS = 10


# The graphs in which an alert's intervals are marked.
MARKED: Final = (Slot.BUDGET, Slot.ERROR_RATIO, Slot.BURN, Slot.EVENTS)


def marks(slo: Slo, style: LabelStyle, *, first_id: int) -> Iterator[Annotation]:
    """When its alerts fired, behind its own graphs."""
    each = Asked(style, where=matching(style.selecting(slo)), by=slo.group_by)
    return alerts.marks(slo, each, tuple(first_id + slot for slot in MARKED))


def height(slo: Slo) -> int:
    """Rows of the grid that *slo* takes."""
    return _HEIGHT + (_GROUPS_HEIGHT if slo.group_by else 0)


def slo_panels(slo: Slo, style: LabelStyle, *, first_id: int, y: int) -> Iterator[Row | Panel]:
    """A heading and its panels, from row *y* of the grid downwards."""
    one = Asked(style, where=matching(style.selecting(slo)), by=())
    each = Asked(style, where=one.where, by=slo.group_by)
    drawn = lookbacks(slo)
    ratios = drawn.error_ratios(each)
    promise = words.promise(slo, drawn.alerts)
    title = f"{plain(slo.name)}: {words.short_promise(slo)}"
    yield row(first_id + Slot.ROW, title, y)
    yield text(Head(first_id + Slot.PROMISE, "Objective", GridPos(0, y + 1, 6, 9)), promise)
    yield from _present(slo, one, first_id, y + 1)
    yield _budget(slo, each, first_id + Slot.BUDGET, GridPos(10, y + 1, 14, 9))
    yield _error_ratio(drawn, ratios, first_id + Slot.ERROR_RATIO, GridPos(0, y + 10, 12, 8))
    yield _burn(drawn, ratios, first_id + Slot.BURN, GridPos(12, y + 10, 12, 8))
    yield _events(slo, each, first_id + Slot.EVENTS, GridPos(0, y + 18, 12, 7))
    yield alerts.timeline(slo, each, first_id + Slot.ALERTS, GridPos(12, y + 18, 12, 7))
    if slo.group_by:
        yield _groups(slo, each, first_id + Slot.GROUPS, GridPos(0, y + 25, 24, _GROUPS_HEIGHT))


def _present(slo: Slo, one: Asked, first_id: int, y: int) -> Iterator[Panel]:
    worst = " Of the worst group." if slo.group_by else ""
    numbers = (
        (
            "Budget left",
            states.budget_left(one),
            look.BUDGET_LEFT,
            f"Share of the error budget of the last {_window(slo)} not yet spent.",
        ),
        (
            "Burn rate",
            states.current_burn(one),
            look.BURN_RATE,
            "How many times faster than sustainable the budget burned in the last five minutes; "
            "absent when nothing happened in them.",
        ),
        (
            "Gone in",
            states.gone_in(one),
            look.TIME_LEFT,
            "When the budget is spent if it goes on burning at that rate.",
        ),
    )
    for place, (title, query, number, meaning) in enumerate(numbers):
        at = GridPos(6, y + 3 * place, 4, 3)
        yield stat(Head(first_id + Slot.BUDGET_LEFT + place, title, at, meaning + worst), query, number)


def _budget(slo: Slo, each: Asked, panel_id: int, place: GridPos) -> Panel:
    left = states.budget_left(each)
    return graph(
        Head(
            panel_id,
            f"Budget left over {_window(slo)}",
            place,
            f"At each moment, what was left of the budget of the {_window(slo)} before it. Below 0 the "
            "objective was missed; it comes back as old errors leave the window.",
        ),
        over_time((group_legend(slo) or "budget left", of_groups(slo, "bottomk", left))),
        line(look.RATIO, thresholds=_SPENT, fill=10, top=1),
        time_from=_window(slo),
    )


def _error_ratio(drawn: Lookbacks, ratios: Named, panel_id: int, place: GridPos) -> Panel:
    description = (
        "Bad events per event. Dashed across: the thresholds of the alerts, each in the colour of its long "
        "lookback; an alert fires while both its lookbacks are above."
    )
    return graph(
        Head(panel_id, f"Error ratio {drawn.title}", place, description),
        over_time(*ratios),
        line(look.RATIO, thresholds=drawn.ratio_thresholds()),
        overrides=drawn.colors(),
    )


def _burn(drawn: Lookbacks, ratios: Named, panel_id: int, place: GridPos) -> Panel:
    description = (
        "How many times faster than sustainable the budget burns: at 1 it lasts exactly the window. "
        "Above 1 the scale is logarithmic."
    )
    return graph(
        Head(panel_id, f"Burn rate {drawn.title}", place, description),
        over_time(*drawn.burn_rates(ratios)),
        line(look.TIMES, thresholds=drawn.burn_thresholds(), scale=BURN_SCALE),
        overrides=drawn.colors(),
    )


def _events(slo: Slo, each: Asked, panel_id: int, place: GridPos) -> Panel:
    unit = words.events(slo)
    group = _spaced(group_legend(slo))
    description = f"{unit.capitalize()} per minute as the rules count them; bad ones on the right axis."
    return graph(
        Head(panel_id, f"All {unit} and bad {unit}", place, description),
        over_time(
            (f"all{group}", _per_minute(slo, each, naming.events(FINE), live.EVENTS)),
            (f"bad{group}", _per_minute(slo, each, naming.errors(FINE), live.ERRORS)),
        ),
        line(look.COUNT, label=f"{unit} per minute"),
        overrides=(_right_axis(slo, f"bad {unit} per minute"),),
    )


def _right_axis(slo: Slo, label: str) -> Override:
    """For the second query; groups keep their colours."""
    own = () if slo.group_by else (Property("color", Color(ColorMode.FIXED, look.VERMILLION)),)
    axis = (Property("custom.axisPlacement", "right"), Property("custom.axisLabel", label))
    return Override(Matcher("byFrameRefID", "B"), axis + own)


def _per_minute(slo: Slo, each: Asked, rollup: str, counter: str) -> PromQL:
    """The mean of rollups, each the count of a minute: a rate, however far apart the points are."""
    mean = aggregate("sum", slo.group_by, f"avg_over_time({each.own(rollup)}[$__interval])")
    counted = each.most(f"60 * rate({each.own(counter)}[$__rate_interval])")
    return of_groups(slo, "topk", each.either(mean, counted))


def _groups(slo: Slo, each: Asked, panel_id: int, place: GridPos) -> Panel:
    # An alert about all groups (no data) has none of their labels.
    grouped = Asked(each.style, f'{each.where}, {slo.group_by[0]}!=""', each.by)
    description = "Each group has a budget of its own. Firing alerts first, then the least budget."
    return table.table(
        Head(panel_id, "Groups, worst first", place, description),
        (
            *(table.text(label, label) for label in slo.group_by),
            *table.standing(each, states.alert_state(grouped, each.left())),
        ),
    )


def _spaced(legend: str) -> str:
    return f" {legend}" if legend else ""


def _window(slo: Slo) -> str:
    return format_duration(slo.window.seconds)
