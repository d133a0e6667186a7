"""Rollups of the time before the rules ran, so that a new SLO starts with full windows. Pure but for asking.

Law: nothing is counted twice. What the rules have recorded, or their repair group has brought in, is left to
them; the backfill ends where that begins.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from sloctl import naming
from sloctl.duration import DAY
from sloctl.model import Labels, PromQL, Slo
from sloctl.naming import LabelStyle
from sloctl.prometheus_api import Series
from sloctl.promql import labelled, string
from sloctl.rollup import COARSE, FINE
from sloctl.rules.past import past_growth, past_rollups
from sloctl.rules.repair import REACH as REPAIRED

# (query, start, end, step) in Unix seconds; the API of a Prometheus, or a test's.
Ask: TypeAlias = Callable[[PromQL, int, int, int], list[Series]]
_NAMES: Final = (
    (naming.events(FINE), naming.events(COARSE)),
    (naming.errors(FINE), naming.errors(COARSE)),
)
# A hole that began up to this long before a day is seen whole when that day is computed.
_LEAD: Final = REPAIRED
# Seconds between two rollups; two missing are not worth a repair.
_TOLERATED: Final = 3 * FINE
# Three months of five-minute instants would be more points than Prometheus gives in one answer.
_LOOK: Final = 30 * DAY


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rollups that end after *start* and no later than *end* are wanted; Unix seconds, whole coarse steps."""

    start: int
    end: int

    def days(self) -> Iterator["Stretch"]:
        """Cut at midnight UTC, so that each piece fits one answer and one file."""
        start = self.start
        while start < self.end:
            end = min(self.end, (start // DAY + 1) * DAY)
            yield Stretch(start, end)
            start = end

    def within(self, other: "Stretch") -> "Stretch | None":
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Stretch(start, end) if start < end else None


def missing(slo: Slo, style: LabelStyle, past: Stretch, ask: Ask) -> Stretch:
    """The part of *past* before the rules' own rollups begin."""
    own = labelled(naming.events(COARSE), style.selecting(slo))
    repaired = labelled(naming.events(COARSE), {**style.selecting(slo), style.part: "repair"})
    ends = [past.end]
    if (recorded := _first(own, past, ask)) is not None:
        ends.append(recorded - COARSE)
    if (repair := _first(repaired, past, ask)) is not None:
        ends.append(repair - REPAIRED)
    end = min(ends)
    return Stretch(past.start, max(past.start, end - end % COARSE))


def exposition(slo: Slo, style: LabelStyle, piece: Stretch, *, fine_after: int, ask: Ask) -> str:
    """OpenMetrics lines of the rollups of *slo* in a day at most, without the closing EOF.

    Fine rollups serve the short lookbacks alone, so only those after *fine_after* are of use. What happened
    in a hole that ends in *piece* is one coarse rollup with the part label, as a repair would have recorded.
    """
    minutes = [ask(query, piece.start + FINE - _LEAD, piece.end, FINE) for query in past_rollups(slo, style)]
    lines: list[str] = []
    for (fine, coarse), rows in zip(_NAMES, minutes, strict=True):
        for series in rows:
            labels = {**series.labels, **style.identity(slo)}
            own = {at: value for at, value in series.points.items() if at > piece.start}
            lines += _samples(coarse, labels, _by_coarse_step(own))
            lines += _samples(fine, labels, {at: value for at, value in own.items() if at > fine_after})
    for hole in _holes(minutes[0], piece):
        lines += _repaired(slo, style, hole, minutes=minutes, ask=ask)
    return "".join(lines)


def _holes(events: Iterable[Series], piece: Stretch) -> list[Stretch]:
    """From the last rollup before to the first one after, wherever no group has any in between."""
    there = sorted({at for series in events for at in series.points})
    return [
        Stretch(before, after)
        for before, after in pairwise(there)
        if after - before > _TOLERATED and after > piece.start
    ]


def _repaired(
    slo: Slo, style: LabelStyle, hole: Stretch, *, minutes: Sequence[Sequence[Series]], ask: Ask
) -> Iterator[str]:
    """What the counters grew by across a hole, less what the rollups at either end counted of that.

    A rollup outlives the last scrape that it saw, so the growth is taken from a few rollups earlier.
    """
    earlier = -(-(FINE + slo.scrape_interval) // FINE) * FINE
    across = Stretch(hole.start - earlier, hole.end)
    queries = past_growth(slo, style, across.end - across.start)
    for (_, coarse), query, rows in zip(_NAMES, queries or (), minutes, strict=False):
        counted = {_key(series): _counted(series, across) for series in rows}
        for series in ask(query, across.end, across.end, FINE):
            grown = series.points[across.end] - counted.get(_key(series), 0.0)
            labels = {**series.labels, **style.identity(slo), style.part: "repair"}
            yield from _samples(coarse, labels, {across.end: max(0.0, grown)})


def _counted(series: Series, across: Stretch) -> float:
    return sum(value for at, value in series.points.items() if across.start < at <= across.end)


def _key(series: Series) -> frozenset[tuple[str, str]]:
    return frozenset(series.labels.items())


def _first(query: PromQL, past: Stretch, ask: Ask) -> int | None:
    """The coarse step before the first sample of a series."""
    for start in range(past.start, past.end, _LOOK):
        found = ask(query, start, min(past.end, start + _LOOK), COARSE)
        seen = [at for series in found for at in series.points]
        if seen:
            return min(seen) - COARSE
    return None


def _by_coarse_step(points: Mapping[int, float]) -> dict[int, float]:
    """Fine rollups summed as the slow group does; a step without any is absent."""
    sums: dict[int, float] = {}
    for at, value in points.items():
        end = -(-at // COARSE) * COARSE
        sums[end] = sums.get(end, 0.0) + value
    return sums


def _samples(metric: str, labels: Labels, points: Mapping[int, float]) -> Iterator[str]:
    inside = ",".join(f"{name}={string(value)}" for name, value in sorted(labels.items()))
    for at, value in points.items():
        yield f"{metric}{{{inside}}} {value!r} {at}\n"
