"""Charts as SVG: shapes and texts with their places, in percent of the drawing's width and height.

Shapes are stretched to whatever room there is, texts are not: so one drawing fits a phone and a desk.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log1p
from typing import Final

from sloctl.duration import DAY
from sloctl.formatting import format_burn_rate, format_count, format_percent
from sloctl.sidecar import messages
from sloctl.sidecar.engine.evaluation import AlertRow
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.engine.timeline import SloTimeline, TimelinePoint
from sloctl.timestamps import format_day_time, format_hour_minute

# Above the highest burn rate a little room, above the highest threshold enough for its name.
_ROOM_ABOVE_BURN: Final = 1.15
_ROOM_ABOVE_THRESHOLD: Final = 1.8
# A burn rate that fills a sparkline.
_SPARKLINE_TOP_RATE: Final = 120.0
# Points whose edges are no farther apart than this (seconds) are neighbours.
_NEIGHBOUR_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class ChartSlice:
    """A part of the width; *text* is what it says under the pointer."""

    x: str
    width: str
    css_class: str
    text: str


@dataclass(frozen=True, slots=True)
class ThresholdLine:
    """A line across, with its name."""

    y: str
    css_class: str
    text: str


@dataclass(frozen=True, slots=True)
class ChartDrawing:
    """*area* and *line* are paths in a square of 100; *ticks* name times from the left to the right."""

    summary: str
    area: str
    line: str
    shades: tuple[ChartSlice, ...]
    levels: tuple[ThresholdLine, ...]
    points: tuple[ChartSlice, ...]
    ticks: tuple[str, ...]


def draw_burn_rate(entry: SloState, chart: SloTimeline) -> ChartDrawing:
    """How fast the budget burned; from 0 upwards ever more compressed, so that thresholds stay in sight."""
    rows = [row for alert in entry.alerts for row in alert.rows]
    rates = [_ROOM_ABOVE_BURN * (point.burn_rate or 0.0) for point in chart.points]
    factors = [_ROOM_ABOVE_THRESHOLD * float(row.factor) for row in rows]
    top = log1p(max([*rates, *factors, 1.0]))

    def height(point: TimelinePoint) -> float | None:
        return None if point.burn_rate is None else 100 * (1 - log1p(point.burn_rate) / top)

    area, line = _step_paths(chart, height)
    return ChartDrawing(
        summary=_error_summary(chart),
        area=area,
        line=line,
        shades=(*_gap_slices(chart), *_firing_slices(chart)),
        levels=tuple(
            ThresholdLine(
                _css_percent(100 * (1 - log1p(float(row.factor)) / top)),
                row.policy_row.severity.value,
                _level(row),
            )
            for row in rows
        ),
        points=tuple(_point_slice(chart, point, _error_text(point)) for point in chart.points),
        ticks=_axis_times(chart),
    )


def draw_budget(chart: SloTimeline) -> ChartDrawing:
    """What was left of the window's budget."""
    left = [point.budget_left for point in chart.points if point.budget_left is not None]
    low, high = min([*left, 0.0]), max([*left, 1.0])

    def height(point: TimelinePoint) -> float | None:
        return None if point.budget_left is None else 100 * (high - point.budget_left) / (high - low)

    area, line = _step_paths(chart, height)
    return ChartDrawing(
        summary=_budget_summary(left),
        area=area,
        line=line,
        shades=(*_gap_slices(chart), *_firing_slices(chart)),
        levels=(ThresholdLine(_css_percent(100 * high / (high - low)), "nothing", "nothing left"),)
        if low < 0
        else (),
        points=tuple(_point_slice(chart, point, _budget_text(point)) for point in chart.points),
        ticks=_axis_times(chart),
    )


def draw_sparkline(rates: Sequence[float | None]) -> str:
    """The area under burn rates of equal times, in a square of 100; 1× is a seventh of the height."""
    top = log1p(max([_SPARKLINE_TOP_RATE, *(rate or 0.0 for rate in rates)]))
    width = 100 / len(rates)
    # A burn of nothing still is a line; no data is none.
    return "".join(
        f"M{place * width:.1f} 102V{100 * (1 - log1p(rate) / top):.1f}h{width:.2f}V102"
        for place, rate in enumerate(rates)
        if rate is not None
    )


def _step_paths(chart: SloTimeline, height: Callable[[TimelinePoint], float | None]) -> tuple[str, str]:
    """Steps, broken where there are no data: the area under them, and their upper edge."""
    area, line = [], []
    for run in _unbroken_runs(chart.points, height):
        edge = " ".join(f"V{y:.1f}H{_x_percent(chart, point.end):.1f}" for point, y in run)
        begin, first = _x_percent(chart, run[0][0].begin), run[0][1]
        area.append(f"M{begin:.1f} 100{edge}V100Z")
        line.append(f"M{begin:.1f} {first:.1f}{edge}")
    return "".join(area), "".join(line)


def _unbroken_runs(
    points: Iterable[TimelinePoint], height: Callable[[TimelinePoint], float | None]
) -> Iterator[Sequence[tuple[TimelinePoint, float]]]:
    run: list[tuple[TimelinePoint, float]] = []
    for point in points:
        y = height(point)
        if run and (y is None or point.begin > run[-1][0].end + _NEIGHBOUR_SECONDS):
            yield run
            run = []
        if y is not None:
            run.append((point, y))
    if run:
        yield run


def _gap_slices(chart: SloTimeline) -> Iterator[ChartSlice]:
    """Where there are no data: before, between and after the points."""
    edges = [(0.0, chart.begin), *((point.begin, point.end) for point in chart.points), (chart.end, 0.0)]
    for (_, ended), (begins, _) in pairwise(edges):
        # The newest point may be a tick or two behind.
        if begins - ended > max(_NEIGHBOUR_SECONDS, (chart.end - chart.begin) / 100):
            text = f"no data from {_format_axis_time(chart, ended)} to {_format_axis_time(chart, begins)} UTC"
            yield ChartSlice(*_slice_extent(chart, ended, begins), "gap", text)


def _firing_slices(chart: SloTimeline) -> Iterator[ChartSlice]:
    for firing in chart.firing:
        name = firing.severity.value
        begin, end = _format_axis_time(chart, firing.begin), _format_axis_time(chart, firing.end)
        text = f"{name} fired from {begin} to {end} UTC"
        yield ChartSlice(*_slice_extent(chart, firing.begin, firing.end), f"firing {name}", text)


def _point_slice(chart: SloTimeline, point: TimelinePoint, said: str) -> ChartSlice:
    end = _format_axis_time(chart, min(point.end, chart.end))
    when = f"{_format_axis_time(chart, point.begin)} to {end} UTC"
    return ChartSlice(*_slice_extent(chart, point.begin, point.end), "point", f"{when}: {said}")


def _error_text(point: TimelinePoint) -> str:
    if point.counts.error_ratio is None:
        return "no events"
    bad, all_of_them = (
        format_count(point.counts.error),
        format_count(point.counts.total),
    )
    ratio = format_percent(point.counts.error_ratio)
    return f"{bad} of {all_of_them} events bad ({ratio}), burns {format_burn_rate(point.burn_rate)}"


def _budget_text(point: TimelinePoint) -> str:
    cost = format_count(point.counts.error)
    return f"{format_percent(point.budget_left)} of the budget left, after {cost} bad events"


def _error_summary(chart: SloTimeline) -> str:
    worst = max(chart.points, key=lambda point: point.burn_rate or 0.0, default=None)
    if worst is None:
        return "No data in this range."
    when, last = (
        _format_axis_time(chart, worst.begin),
        format_burn_rate(chart.points[-1].burn_rate),
    )
    return f"At most {format_burn_rate(worst.burn_rate)}, at {when} UTC; last {last}."


def _budget_summary(left: Sequence[float]) -> str:
    if not left:
        return "No data in this range."
    return f"From {format_percent(left[0])} to {format_percent(left[-1])}."


def _level(row: AlertRow) -> str:
    return f"{row.policy_row.severity.value} {messages.format_factor(row)}×"


def _axis_times(chart: SloTimeline) -> tuple[str, ...]:
    middle = (chart.begin + chart.end) / 2
    return tuple(_format_axis_time(chart, at) for at in (chart.begin, middle, chart.end))


def _format_axis_time(chart: SloTimeline, at: float) -> str:
    """As exact as the range is short."""
    return format_hour_minute(at) if chart.end - chart.begin <= DAY else format_day_time(at)


def _slice_extent(chart: SloTimeline, begin: float, end: float) -> tuple[str, str]:
    left, right = _x_percent(chart, begin), _x_percent(chart, end)
    return _css_percent(left), _css_percent(max(right - left, 0.3))


def _x_percent(chart: SloTimeline, at: float) -> float:
    return min(100.0, max(0.0, 100 * (at - chart.begin) / (chart.end - chart.begin)))


def _css_percent(share: float) -> str:
    return f"{share:.2f}%"
