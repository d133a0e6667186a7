"""The lowered pairs of all SLOs, counted scrape by scrape.

Its one law: an SLO's counts are never negative, and of a pair that cannot be read whole nothing is told until
it can.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from sloctl.sidecar.sources.counting.counter_increases import ScrapeIncreases, SeriesIncrease
from sloctl.sidecar.sources.counting.series_weights import (
    CountablePair,
    SeriesWeight,
    SeriesWeights,
    SloGroup,
    countable_pair,
    metric_names,
)
from sloctl.slo.resolutions import EventCounts

__all__ = [
    "CountablePair",
    "HeldCounts",
    "SeriesCounts",
    "SeriesWeights",
    "SloGroup",
    "Tally",
    "countable_pair",
    "merge_tallies",
    "metric_names",
    "tally_samples",
]


class SeriesCounts(NamedTuple):
    """What one series added to one SLO in one scrape."""

    weight: SeriesWeight
    error: float
    total: float


@dataclass(slots=True)
class _RunningSum:
    error: float = 0.0
    total: float = 0.0
    has_total: bool = False
    # Good events were assumed to be as many as there can be.
    is_bounded: bool = False


# Counts of one target held back while a series of theirs cannot be read.
HeldCounts: TypeAlias = Mapping[SloGroup, EventCounts]


@dataclass(frozen=True, slots=True)
class Tally:
    """One scrape of one target, counted. *parts* tell what burns; *owed* is for the tally after this."""

    sums: Mapping[SloGroup, _RunningSum]
    series_counts: Sequence[SeriesCounts]
    held_counts: HeldCounts


def tally_samples(scrape: ScrapeIncreases, shares: SeriesWeights, owed: HeldCounts) -> Tally:
    """Counts what can be counted; a pair with a series that is NaN or negative waits until it is not.

    Such a series keeps its baseline, so nothing of it is lost: what the rest of the pair counts meanwhile is
    held back and told together with it.
    """
    counting = _TallyBuilder()
    for observed in scrape:
        for share in shares.weights_of(observed.series):
            counting.add_sample(share, observed)
    return counting.build_tally(owed)


@dataclass(slots=True)
class _TallyBuilder:
    sums: dict[SloGroup, _RunningSum] = field(default_factory=dict)
    series_counts: list[SeriesCounts] = field(default_factory=list)
    unreadable: set[SloGroup] = field(default_factory=set)
    reset: set[SloGroup] = field(default_factory=set)
    # Series that take from the errors, with value and increase: counted when all resets are known.
    good_samples: list[tuple[SeriesWeight, float, float | None]] = field(default_factory=list)

    def add_sample(self, share: SeriesWeight, observed: SeriesIncrease) -> None:
        if share.is_probe:
            self._add_probe(share, observed)
        elif observed.value is None:
            self.unreadable.add(share.key)
        elif observed.is_new_series and not share.count_new_series:
            return
        elif share.error < 0:
            self.good_samples.append((share, observed.value, observed.increase))
        elif observed.increase is not None:
            self._add_counts(share, share.error * observed.increase, share.total * observed.increase)
        if observed.reset:
            self.reset.add(share.key)

    def _add_probe(self, share: SeriesWeight, observed: SeriesIncrease) -> None:
        """A sample that is neither 0 nor 1 nor between is none."""
        value = observed.value
        if value is not None and value <= 1 and not observed.repeated:
            self._add_counts(share, 1 - value, 1.0)

    def _add_counts(self, share: SeriesWeight, error: float, total: float) -> None:
        sums = self.sums.setdefault(share.key, _RunningSum())
        if share.total:
            sums.has_total = True
        if error or total:
            sums.error += error
            sums.total += total
            self.series_counts.append(SeriesCounts(share, error, total))

    def _count_good(self, share: SeriesWeight, value: float, increase: float | None) -> None:
        """Nobody knows how many are new where there is no baseline, or where others of the pair were reset.

        All that the counter shows may be; no error is invented.
        """
        if increase is not None and share.key not in self.reset:
            self._add_counts(share, share.error * increase, share.total * increase)
            return
        self._add_counts(share, share.error * value, share.total * (increase or 0.0))
        self.sums[share.key].is_bounded = True

    def build_tally(self, owed: HeldCounts) -> Tally:
        for share, value, increase in self.good_samples:
            self._count_good(share, value, increase)
        held: dict[SloGroup, EventCounts] = {}
        for key, before in owed.items():
            sums = self.sums.setdefault(key, _RunningSum())
            sums.error += before.error
            sums.total += before.total
            sums.has_total |= before.total > 0
        for key in self.unreadable:
            sums = self.sums.pop(key, _RunningSum())
            held[key] = EventCounts(error=sums.error, total=sums.total)
        parts = (
            [part for part in self.series_counts if part.weight.key not in held]
            if held
            else self.series_counts
        )
        return Tally(self.sums, parts, held)


def merge_tallies(
    tallies: Iterable[Tally], debts: Mapping[SloGroup, float]
) -> tuple[dict[SloGroup, EventCounts], dict[SloGroup, float]]:
    """Counts over all targets, and the debts for the next time; without a total there are none.

    A target writes its metrics one after the other: an event may be among the good ones a scrape before it is
    among all. Errors below zero are such a debt; the next scrape pays it, or it is forgiven.
    """
    sums: dict[SloGroup, _RunningSum] = {}
    for each in tallies:
        for key, counted in each.sums.items():
            _add(sums.setdefault(key, _RunningSum()), counted)
    counts = {
        key: EventCounts(error=max(0.0, counted.error + debts.get(key, 0.0)), total=counted.total)
        for key, counted in sums.items()
        if counted.has_total
    }
    return counts, {
        key: counted.error for key, counted in sums.items() if counted.error < 0 and not counted.is_bounded
    }


def _add(sums: _RunningSum, more: _RunningSum) -> None:
    sums.error += more.error
    sums.total += more.total
    sums.has_total |= more.has_total
    sums.is_bounded |= more.is_bounded
