"""The lowered pairs of all SLOs, counted scrape by scrape.

Its one law: an SLO's counts are never negative, and of a pair that cannot be read whole nothing is told until
it can.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from sloctl.rollup import EventCounts
from sloctl.sidecar.sources.increases import Observed, Scrape
from sloctl.sidecar.sources.shares import Countable, Key, Share, Shares, countable, metrics

__all__ = ["Countable", "Key", "Owed", "Part", "Shares", "Tally", "countable", "metrics", "settle", "tally"]


class Part(NamedTuple):
    """What one series added to one SLO in one scrape."""

    share: Share
    error: float
    total: float


@dataclass(slots=True)
class _Sum:
    error: float = 0.0
    total: float = 0.0
    has_total: bool = False
    # Good events were assumed to be as many as there can be.
    bounded: bool = False


# Counts of one target held back while a series of theirs cannot be read.
Owed: TypeAlias = Mapping[Key, EventCounts]


@dataclass(frozen=True, slots=True)
class Tally:
    """One scrape of one target, counted. *parts* tell what burns; *owed* is for the tally after this."""

    sums: Mapping[Key, _Sum]
    parts: Sequence[Part]
    owed: Owed


def tally(scrape: Scrape, shares: Shares, owed: Owed) -> Tally:
    """Counts what can be counted; a pair with a series that is NaN or negative waits until it is not.

    Such a series keeps its baseline, so nothing of it is lost: what the rest of the pair counts meanwhile is
    held back and told together with it.
    """
    counting = _Counting()
    for observed in scrape:
        for share in shares.of(observed.series):
            counting.add(share, observed)
    return counting.told(owed)


@dataclass(slots=True)
class _Counting:
    sums: dict[Key, _Sum] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    unreadable: set[Key] = field(default_factory=set)
    reset: set[Key] = field(default_factory=set)
    # Series that take from the errors, with value and increase: counted when all resets are known.
    good: list[tuple[Share, float, float | None]] = field(default_factory=list)

    def add(self, share: Share, observed: Observed) -> None:
        if share.is_probe:
            self._add_probe(share, observed)
        elif observed.value is None:
            self.unreadable.add(share.key)
        elif observed.newborn and not share.newborn:
            return
        elif share.error < 0:
            self.good.append((share, observed.value, observed.increase))
        elif observed.increase is not None:
            self._count(share, share.error * observed.increase, share.total * observed.increase)
        if observed.reset:
            self.reset.add(share.key)

    def _add_probe(self, share: Share, observed: Observed) -> None:
        """A sample that is neither 0 nor 1 nor between is none."""
        value = observed.value
        if value is not None and value <= 1 and not observed.repeated:
            self._count(share, 1 - value, 1.0)

    def _count(self, share: Share, error: float, total: float) -> None:
        sums = self.sums.setdefault(share.key, _Sum())
        if share.total:
            sums.has_total = True
        if error or total:
            sums.error += error
            sums.total += total
            self.parts.append(Part(share, error, total))

    def _count_good(self, share: Share, value: float, increase: float | None) -> None:
        """Nobody knows how many are new where there is no baseline, or where others of the pair were reset.

        All that the counter shows may be; no error is invented.
        """
        if increase is not None and share.key not in self.reset:
            self._count(share, share.error * increase, share.total * increase)
            return
        self._count(share, share.error * value, share.total * (increase or 0.0))
        self.sums[share.key].bounded = True

    def told(self, owed: Owed) -> Tally:
        for share, value, increase in self.good:
            self._count_good(share, value, increase)
        held: dict[Key, EventCounts] = {}
        for key, before in owed.items():
            sums = self.sums.setdefault(key, _Sum())
            sums.error += before.error
            sums.total += before.total
            sums.has_total |= before.total > 0
        for key in self.unreadable:
            sums = self.sums.pop(key, _Sum())
            held[key] = EventCounts(error=sums.error, total=sums.total)
        parts = [part for part in self.parts if part.share.key not in held] if held else self.parts
        return Tally(self.sums, parts, held)


def settle(
    tallies: Iterable[Tally], debts: Mapping[Key, float]
) -> tuple[dict[Key, EventCounts], dict[Key, float]]:
    """Counts over all targets, and the debts for the next time; without a total there are none.

    A target writes its metrics one after the other: an event may be among the good ones a scrape before it is
    among all. Errors below zero are such a debt; the next scrape pays it, or it is forgiven.
    """
    sums: dict[Key, _Sum] = {}
    for each in tallies:
        for key, counted in each.sums.items():
            _add(sums.setdefault(key, _Sum()), counted)
    counts = {
        key: EventCounts(error=max(0.0, counted.error + debts.get(key, 0.0)), total=counted.total)
        for key, counted in sums.items()
        if counted.has_total
    }
    return counts, {
        key: counted.error for key, counted in sums.items() if counted.error < 0 and not counted.bounded
    }


def _add(sums: _Sum, more: _Sum) -> None:
    sums.error += more.error
    sums.total += more.total
    sums.has_total |= more.has_total
    sums.bounded |= more.bounded
