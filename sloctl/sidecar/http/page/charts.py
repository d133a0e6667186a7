"""Charts as SVG: shapes and texts with their places, in percent of the drawing's width and height.

Shapes are stretched to whatever room there is, texts are not: so one drawing fits a phone and a desk.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, log1p, log10
from typing import Final

from sloctl.duration import DAY, MINUTE
from sloctl.formatting import (
    format_burn_rate,
    format_count,
    format_error_ratio,
    format_percent,
    format_rounded,
)
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.engine.timeline import SloTimeline, TimelinePoint
from sloctl.sidecar.messages import format_factor
from sloctl.timestamps import format_day_time, format_hour_minute, time_ticks

# Above the highest value a little room, above the highest threshold enough for its name.
_ROOM_ABOVE_VALUE: Final = 1.15
_ROOM_ABOVE_THRESHOLD: Final = 1.8
# A burn rate that fills a sparkline.
_SPARKLINE_TOP_RATE: Final = 120.0
# Points whose edges are no farther apart than this (seconds) are neighbours.
_NEIGHBOUR_SECONDS: Final = 1.0
_NO_DATA: Final = "No data in this range."
_MOST_TIME_TICKS: Final = 7
_MOST_VALUE_TICKS: Final = 4
# Of events a minute; from this on they are told by the second.
_PER_SECOND_FROM: Final = 600.0


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
class AxisTick:
    """A line of the grid, at a share of the width or of the height, with its name."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class ChartLayer:
    """A path in a square of 100."""

    css_class: str
    path: str


@dataclass(frozen=True, slots=True)
class ChartDrawing:
    """A chart from *begin* to *end*, Unix seconds; *layers* are drawn one on the other."""

    begin: float
    end: float
    summary: str
    layers: tuple[ChartLayer, ...]
    shades: tuple[ChartSlice, ...]
    levels: tuple[ThresholdLine, ...]
    points: tuple[ChartSlice, ...]
    times: tuple[AxisTick, ...]
    values: tuple[AxisTick, ...]


def draw_traffic(timeline: SloTimeline) -> ChartDrawing:
    """Draw how many events there were, and on them those that were bad, a minute or a second."""
    rates = [(point, _per_minute(point, point.counts.total)) for point in timeline.points]
    highest = max((rate for _, rate in rates), default=0.0)
    unit, divisor = ("s", 60.0) if highest >= _PER_SECOND_FROM else ("min", 1.0)
    top = _ROOM_ABOVE_VALUE * highest / divisor or 1.0
    errors = sum(point.counts.error for point in timeline.points)
    events = sum(point.counts.total for point in timeline.points)
    summary = f"{format_count(errors)} of {format_count(events)} events bad." if rates else _NO_DATA

    def y_of(rate: float) -> float:
        return 100 * (1 - rate / divisor / top)

    def describe_point(point: TimelinePoint) -> str:
        rate = format_rounded(_per_minute(point, point.counts.total) / divisor, 3)
        bad = format_rounded(_per_minute(point, point.counts.error) / divisor, 3)
        return f"{rate} events/{unit}, {bad} of them bad"

    all_events = _paths(timeline, lambda point: y_of(_per_minute(point, point.counts.total)))
    bad_events = _paths(timeline, lambda point: y_of(_per_minute(point, point.counts.error)))
    return _draw_chart(
        timeline,
        summary=summary,
        layers=(
            ChartLayer("area", all_events[0]),
            ChartLayer("line", all_events[1]),
            ChartLayer("bad", bad_events[0]),
        ),
        values=[
            AxisTick(_css_percent(100 * (1 - value / top)), f"{format_rounded(value, 3)}/{unit}")
            for value in _round_values(top)
        ],
        describe_point=describe_point,
    )


def draw_error_ratio(state: SloState, timeline: SloTimeline) -> ChartDrawing:
    """Draw error ratios; the scale compresses ever more from 0 upwards, so that thresholds stay in sight."""
    rows = [row for alert in state.alerts for row in alert.rows]
    rates = [_ROOM_ABOVE_VALUE * (point.burn_rate or 0.0) for point in timeline.points]
    factors = [_ROOM_ABOVE_THRESHOLD * float(row.factor) for row in rows]
    top_rate, budget = max([*rates, *factors, 1.0]), float(state.slo.budget)
    top = log1p(top_rate)
    summary = _NO_DATA
    if timeline.points:
        worst = max(timeline.points, key=lambda point: point.burn_rate or 0.0)
        highest = f"{format_error_ratio(worst.counts.error_ratio)}, {format_burn_rate(worst.burn_rate)}"
        last = format_burn_rate(timeline.points[-1].burn_rate)
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
        return f"{errors} of {events} events bad ({format_error_ratio(counts.error_ratio)}), burns {rate}"

    levels = [
        ThresholdLine(
            _css_percent(y_of_rate(float(row.factor))),
            row.policy_row.severity.value,
            f"{row.policy_row.severity.value} {format_factor(row)}×",
        )
        for row in rows
    ]
    decades = [rate for rate in (1.0, 10.0, 100.0, 1000.0, 10_000.0) if rate <= top_rate]
    area, line = _paths(timeline, y_of_point)
    return _draw_chart(
        timeline,
        summary=summary,
        layers=(ChartLayer("area", area), ChartLayer("line", line)),
        levels=levels,
        values=[
            AxisTick(
                _css_percent(y_of_rate(rate)),
                f"{'objective: ' if rate == 1 else ''}{format_error_ratio(min(1.0, rate * budget))}",
            )
            for rate in decades
            if rate * budget <= 1
        ],
        describe_point=describe_point,
    )


def draw_budget(state: SloState, timeline: SloTimeline) -> ChartDrawing:
    """Draw the share of the window's budget that was left, against what even spending would have left."""
    left = [point.budget_left for point in timeline.points if point.budget_left is not None]
    low, high = min([*left, 0.0]), max([*left, 1.0])
    summary = f"From {format_percent(left[0])} to {format_percent(left[-1])}." if left else _NO_DATA

    def y_of(share: float) -> float:
        return 100 * (high - share) / (high - low)

    def y_of_point(point: TimelinePoint) -> float | None:
        return None if point.budget_left is None else y_of(point.budget_left)

    def describe_point(point: TimelinePoint) -> str:
        if point.budget_left is None:
            return "no budget of this period yet"
        even = even_budget_left(state, point.end)
        beside = "" if even is None else f"; spent evenly, {format_percent(even)} would be"
        return f"{format_percent(point.budget_left)} of the budget left{beside}"

    area, line = _paths(timeline, y_of_point)
    layers = [ChartLayer("area", area), ChartLayer("line", line)]
    levels = [ThresholdLine(_css_percent(y_of(0.0)), "nothing", "nothing left")] if low < 0 else []
    # A straight line from where it enters the range to where it leaves it.
    ends = [(at, even_budget_left(state, at)) for at in (timeline.begin, timeline.end)]
    known = [(_x_percent(timeline, at), y_of(even)) for at, even in ends if even is not None]
    if len(known) == len(ends):
        (begin_x, begin_y), (end_x, end_y) = known
        layers.append(ChartLayer("even", f"M{begin_x:.1f} {begin_y:.2f}L{end_x:.1f} {end_y:.2f}"))
        levels.append(ThresholdLine(_css_percent(begin_y), "even-name", "spent evenly"))
    return _draw_chart(
        timeline,
        summary=summary,
        layers=layers,
        levels=levels,
        values=[
            AxisTick(_css_percent(y_of(share)), f"{100 * share:.0f} %") for share in (0.25, 0.5, 0.75, 1.0)
        ],
        describe_point=describe_point,
    )


def even_budget_left(state: SloState, at: float) -> float | None:
    """Return what would be left of the budget at *at* (Unix seconds) if it were spent evenly.

    A rolling window's begins to be spent with the oldest data in it, a calendar's with its period; what was
    before is whole. None without data.
    """
    progress, window = state.budget.progress, state.budget.window_seconds
    begin = state.since if progress is None else progress.span.start
    return None if begin is None else 1 - max(0.0, min(1.0, (at - begin) / window))


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
    layers: Iterable[ChartLayer],
    values: Iterable[AxisTick],
    describe_point: Callable[[TimelinePoint], str],
    levels: Iterable[ThresholdLine] = (),
) -> ChartDrawing:
    return ChartDrawing(
        begin=timeline.begin,
        end=timeline.end,
        summary=summary,
        layers=tuple(layers),
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
        times=tuple(_time_ticks(timeline)),
        values=tuple(values),
    )


def _paths(timeline: SloTimeline, y_of_point: Callable[[TimelinePoint], float | None]) -> tuple[str, str]:
    """Draw steps, broken where there are no data: the area under them, and their upper edge."""
    area, line = [], []
    for run in _unbroken_runs(timeline.points, y_of_point):
        edge = " ".join(f"V{y:.1f}H{_x_percent(timeline, point.end):.1f}" for point, y in run)
        begin, first = _x_percent(timeline, run[0][0].begin), run[0][1]
        area.append(f"M{begin:.1f} 100{edge}V100Z")
        line.append(f"M{begin:.1f} {first:.1f}{edge}")
    return "".join(area), "".join(line)


def _time_ticks(timeline: SloTimeline) -> Iterator[AxisTick]:
    """Tick the time away from the edges, where a name would be cut."""
    for at, text in time_ticks(timeline.begin, timeline.end, most=_MOST_TIME_TICKS):
        if 4 <= (x := _x_percent(timeline, at)) <= 96:
            yield AxisTick(_css_percent(x), text)


def _round_values(top: float) -> list[float]:
    """List round values up to *top*, at most a few."""
    size = 10.0 ** floor(log10(top / _MOST_VALUE_TICKS))
    step = next(times * size for times in (1, 2, 5, 10) if top / (times * size) <= _MOST_VALUE_TICKS)
    return [step * number for number in range(1, int(top / step) + 1)]


def _per_minute(point: TimelinePoint, events: float) -> float:
    # After a tick that was missed, one holds what happened in two.
    return events * MINUTE / max(point.covered_seconds, 1)


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
