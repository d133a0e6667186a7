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
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.engine.timeline import SloTimeline, TimelinePoint
from sloctl.sidecar.messages import format_factor
from sloctl.timestamps import format_day_time, format_hour_minute

# Above the highest burn rate a little room, above the highest threshold enough for its name.
_ROOM_ABOVE_BURN: Final = 1.15
_ROOM_ABOVE_THRESHOLD: Final = 1.8
# A burn rate that fills a sparkline.
_SPARKLINE_TOP_RATE: Final = 120.0
# Points whose edges are no farther apart than this (seconds) are neighbours.
_NEIGHBOUR_SECONDS: Final = 1.0
_NO_DATA: Final = "No data in this range."


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
    """A chart: *area* and *line* are paths in a square of 100, *ticks* name times from left to right."""

    summary: str
    area: str
    line: str
    shades: tuple[ChartSlice, ...]
    levels: tuple[ThresholdLine, ...]
    points: tuple[ChartSlice, ...]
    ticks: tuple[str, ...]


def draw_burn_rate(state: SloState, timeline: SloTimeline) -> ChartDrawing:
    """Draw burn rates; the scale compresses ever more from 0 upwards, so that thresholds stay in sight."""
    rows = [row for alert in state.alerts for row in alert.rows]
    rates = [_ROOM_ABOVE_BURN * (point.burn_rate or 0.0) for point in timeline.points]
    factors = [_ROOM_ABOVE_THRESHOLD * float(row.factor) for row in rows]
    top = log1p(max([*rates, *factors, 1.0]))
    summary = _NO_DATA
    if timeline.points:
        worst = max(timeline.points, key=lambda point: point.burn_rate or 0.0)
        highest, last = map(format_burn_rate, (worst.burn_rate, timeline.points[-1].burn_rate))
        summary = f"At most {highest}, at {_format_axis_time(timeline, worst.begin)} UTC; last {last}."

    def y_of_rate(rate: float) -> float:
        return 100 * (1 - log1p(rate) / top)

    def y_of_point(point: TimelinePoint) -> float | None:
        return None if point.burn_rate is None else y_of_rate(point.burn_rate)

    def describe_point(point: TimelinePoint) -> str:
        counts = point.counts
        if counts.error_ratio is None:
            return "no events"
        errors, events = format_count(counts.error), format_count(counts.total)
        rate = format_burn_rate(point.burn_rate)
        return f"{errors} of {events} events bad ({format_percent(counts.error_ratio)}), burns {rate}"

    levels = [
        ThresholdLine(
            _css_percent(y_of_rate(float(row.factor))),
            row.policy_row.severity.value,
            f"{row.policy_row.severity.value} {format_factor(row)}×",
        )
        for row in rows
    ]
    return _draw_chart(
        timeline, summary=summary, levels=levels, y_of_point=y_of_point, describe_point=describe_point
    )


def draw_budget(timeline: SloTimeline) -> ChartDrawing:
    """Draw the share of the window's budget that was left."""
    left = [point.budget_left for point in timeline.points if point.budget_left is not None]
    low, high = min([*left, 0.0]), max([*left, 1.0])
    summary = f"From {format_percent(left[0])} to {format_percent(left[-1])}." if left else _NO_DATA

    def y_of_point(point: TimelinePoint) -> float | None:
        return None if point.budget_left is None else 100 * (high - point.budget_left) / (high - low)

    def describe_point(point: TimelinePoint) -> str:
        cost = format_count(point.counts.error)
        return f"{format_percent(point.budget_left)} of the budget left, after {cost} bad events"

    zero = ThresholdLine(_css_percent(100 * high / (high - low)), "nothing", "nothing left")
    return _draw_chart(
        timeline,
        summary=summary,
        levels=(zero,) if low < 0 else (),
        y_of_point=y_of_point,
        describe_point=describe_point,
    )


def draw_sparkline(rates: Sequence[float | None]) -> str:
    """Draw the area under burn rates of equal times, in a square of 100; 1× is a seventh of the height."""
    top = log1p(max([_SPARKLINE_TOP_RATE, *(rate or 0.0 for rate in rates)]))
    width = 100 / len(rates)
    # A burn of nothing still is a line; no data is none.
    return "".join(
        f"M{index * width:.1f} 102V{100 * (1 - log1p(rate) / top):.1f}h{width:.2f}V102"
        for index, rate in enumerate(rates)
        if rate is not None
    )


def _draw_chart(
    timeline: SloTimeline,
    *,
    summary: str,
    levels: Iterable[ThresholdLine],
    y_of_point: Callable[[TimelinePoint], float | None],
    describe_point: Callable[[TimelinePoint], str],
) -> ChartDrawing:
    """Draw steps, broken where there are no data: the area under them, and their upper edge."""
    area, line = [], []
    for run in _unbroken_runs(timeline.points, y_of_point):
        edge = " ".join(f"V{y:.1f}H{_x_percent(timeline, point.end):.1f}" for point, y in run)
        begin, first = _x_percent(timeline, run[0][0].begin), run[0][1]
        area.append(f"M{begin:.1f} 100{edge}V100Z")
        line.append(f"M{begin:.1f} {first:.1f}{edge}")
    middle = (timeline.begin + timeline.end) / 2
    return ChartDrawing(
        summary=summary,
        area="".join(area),
        line="".join(line),
        shades=tuple(_shades(timeline)),
        levels=tuple(levels),
        points=tuple(
            _slice(
                timeline,
                (point.begin, point.end),
                "point",
                f"{_format_axis_time(timeline, point.begin)} to "
                f"{_format_axis_time(timeline, min(point.end, timeline.end))} UTC: {describe_point(point)}",
            )
            for point in timeline.points
        ),
        ticks=tuple(_format_axis_time(timeline, at) for at in (timeline.begin, middle, timeline.end)),
    )


def _unbroken_runs(
    points: Iterable[TimelinePoint], y_of_point: Callable[[TimelinePoint], float | None]
) -> Iterator[Sequence[tuple[TimelinePoint, float]]]:
    run: list[tuple[TimelinePoint, float]] = []
    for point in points:
        y = y_of_point(point)
        if run and (y is None or point.begin > run[-1][0].end + _NEIGHBOUR_SECONDS):
            yield run
            run = []
        if y is not None:
            run.append((point, y))
    if run:
        yield run


def _shades(timeline: SloTimeline) -> Iterator[ChartSlice]:
    """Shade where there are no data (before, between and after the points), and where an alert fired."""
    edges = [
        (0.0, timeline.begin),
        *((point.begin, point.end) for point in timeline.points),
        (timeline.end, 0.0),
    ]
    for (_, ended), (begins, _) in pairwise(edges):
        # The newest point may be a tick or two behind.
        if begins - ended > max(_NEIGHBOUR_SECONDS, (timeline.end - timeline.begin) / 100):
            begin, end = _format_axis_time(timeline, ended), _format_axis_time(timeline, begins)
            yield _slice(timeline, (ended, begins), "gap", f"no data from {begin} to {end} UTC")
    for firing in timeline.firing:
        name = firing.severity.value
        begin, end = _format_axis_time(timeline, firing.begin), _format_axis_time(timeline, firing.end)
        text = f"{name} fired from {begin} to {end} UTC"
        yield _slice(timeline, (firing.begin, firing.end), f"firing {name}", text)


def _slice(timeline: SloTimeline, extent: tuple[float, float], css_class: str, text: str) -> ChartSlice:
    left, right = (_x_percent(timeline, at) for at in extent)
    return ChartSlice(_css_percent(left), _css_percent(max(right - left, 0.3)), css_class, text)


def _format_axis_time(timeline: SloTimeline, at: float) -> str:
    """Format a time as exactly as the range is short."""
    return format_hour_minute(at) if timeline.end - timeline.begin <= DAY else format_day_time(at)


def _x_percent(timeline: SloTimeline, at: float) -> float:
    return min(100.0, max(0.0, 100 * (at - timeline.begin) / (timeline.end - timeline.begin)))


def _css_percent(share: float) -> str:
    return f"{share:.2f}%"
