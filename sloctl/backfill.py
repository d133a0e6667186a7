"""Rollups of the time before the rules ran, so that a new SLO starts with full windows. Pure but for asking.

Law: nothing is counted twice. What the rules have recorded, or their repair group has brought in, is left to
them; the backfill ends where that begins.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from sloctl import naming
from sloctl.duration import DAY
from sloctl.model import Labels, PromQL, Slo
from sloctl.naming import LabelStyle
from sloctl.prometheus_api import Series
from sloctl.promql import labelled, string
from sloctl.rollup import COARSE, FINE
from sloctl.rules.past import past_rollups
from sloctl.rules.repair import REACH as REPAIRED

# (query, start, end, step) in Unix seconds; the API of a Prometheus, or a test's.
Ask: TypeAlias = Callable[[PromQL, int, int, int], list[Series]]
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

    Fine rollups serve the short lookbacks alone, so only those after *fine_after* are of use.
    """
    names = ((naming.events(FINE), naming.events(COARSE)), (naming.errors(FINE), naming.errors(COARSE)))
    lines: list[str] = []
    for (fine, coarse), query in zip(names, past_rollups(slo, style), strict=True):
        for series in ask(query, piece.start + FINE, piece.end, FINE):
            labels = {**series.labels, **style.identity(slo)}
            recent = {at: value for at, value in series.points.items() if at > fine_after}
            lines += _samples(coarse, labels, _by_coarse_step(series.points))
            lines += _samples(fine, labels, recent)
    return "".join(lines)


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
