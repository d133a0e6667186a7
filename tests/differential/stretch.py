"""A long stretch of one target: what happened, and what the rules counted of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from msgspec import structs

from sloctl.duration import MINUTE
from sloctl.model import Slo
from sloctl.naming import NATIVE_STYLE, NEW_SERIES, error_count_metric, event_count_metric
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import RecordingRule, Rule, RuleGroup
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, EventCounts
from tests.differential.engine import DOWN, Recording, Story, record
from tests.differential.kinds import RATIO
from tests.differential.scraped import Scraped
from tests.differential.streams import Target

_EVENTS: Final = "slo:sli_total:increase5m"
_ERRORS: Final = "slo:sli_error:increase5m"


@dataclass(frozen=True, slots=True)
class Hole:
    """Seconds in which Prometheus was down: nothing scraped, nothing evaluated."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What five-minute rollups add up to, and each repair by the second at which it was made."""

    rollups: EventCounts
    repairs: dict[int, EventCounts]

    @property
    def all(self) -> EventCounts:
        return _sum([self.rollups, *self.repairs.values()])

    def repaired(self, start: int, end: int) -> EventCounts:
        return _sum(counts for at, counts in self.repairs.items() if start <= at <= end)


def count(
    directory: Path,
    targets: Sequence[Target],
    *,
    horizon: int,
    slo: Slo | None = None,
    holes: Sequence[Hole] = (),
    missed: Iterable[int] = (),
) -> Counted:
    """Run the rules that count (no windows, no alerts); at the seconds *missed* no group gets its turn."""
    series = RATIO.world([unseen_in(target, holes) for target in targets], horizon)
    down = sorted({at for hole in holes for at in range(hole.start, hole.end, MINUTE)} | set(missed))
    series += [down_series(down)] if down else []
    story = Story(series, horizon, range(0, horizon + 1, COARSE_STEP))
    [recording] = record(directory, rollup_groups(slo or RATIO.slo()), [story])
    return _counted(recording)


def happened(target: Target, start: int, end: int) -> EventCounts:
    """Events of all children that the scrapes in (start, end] could have seen."""
    scrapes = range(
        (start - target.phase) // target.interval + 1, (end - target.phase) // target.interval + 1
    )
    ok = sum(child.ok[number % len(child.ok)] for child in target.children for number in scrapes)
    bad = sum(child.bad[number % len(child.bad)] for child in target.children for number in scrapes)
    return EventCounts(error=bad, total=ok + bad)


def rollup_groups(slo: Slo) -> list[RuleGroup]:
    """The rules that count, in their groups."""
    groups = [
        structs.replace(group, rules=tuple(filter(_is_count, group.rules)))
        for group in rule_groups(slo, NATIVE_STYLE)
    ]
    return [group for group in groups if group.rules]


def _is_count(rule: Rule) -> bool:
    metrics = (error_count_metric, event_count_metric)
    counts = {metric(step) for metric in metrics for step in (FINE_STEP, COARSE_STEP)}
    return isinstance(rule, RecordingRule) and rule.record in {NEW_SERIES, *counts}


def unseen_in(target: Target, holes: Sequence[Hole]) -> Target:
    """The same target, of which Prometheus scrapes nothing in *holes*."""
    unseen = (
        number
        for hole in holes
        for number in range(
            (hole.start - target.phase) // target.interval + 1,
            (hole.end - target.phase) // target.interval + 1,
        )
    )
    return replace(target, unseen=target.unseen | frozenset(unseen))


def down_series(moments: Iterable[int]) -> Scraped:
    """A series that is there at each moment, and is marked stale a minute after the last of them in a row."""
    moments = list(moments)
    samples = {at + MINUTE: None for at in moments} | dict.fromkeys(moments, 1.0)
    return Scraped(DOWN, {}, tuple(sorted(samples)), tuple(samples[at] for at in sorted(samples)))


def _counted(recording: Recording) -> Counted:
    rollups: list[EventCounts] = []
    repairs: dict[int, EventCounts] = {}
    for at, samples in recording.items():
        values = {
            (sample.labels["__name__"], sample.labels.get("slo_part")): sample.value for sample in samples
        }
        rollups.append(_counts(values.get((_ERRORS, None)), values.get((_EVENTS, None))))
        if (_EVENTS, "repair") in values:
            repairs[at] = _counts(values.get((_ERRORS, "repair")), values[_EVENTS, "repair"])
    return Counted(_sum(rollups), repairs)


def _counts(error: float | None, total: float | None) -> EventCounts:
    return EventCounts(error=error or 0.0, total=total or 0.0)


def _sum(counts: Iterable[EventCounts]) -> EventCounts:
    known = list(counts)
    return EventCounts(error=sum(it.error for it in known), total=sum(it.total for it in known))
