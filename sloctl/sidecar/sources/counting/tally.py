"""Sum the increases of one scrape per SLO and group, and the tallies of all targets into counts.

An SLO's counts are never negative, and of a pair that cannot be read whole nothing is given until it can.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from sloctl.sidecar.sources.counting.counter_increases import ScrapeIncreases, SeriesIncrease
from sloctl.sidecar.sources.counting.series_weights import SeriesWeight, SeriesWeights, SloGroup
from sloctl.slo.resolutions import EventCounts

# Counts of one target, held back while a series of the SLO cannot be read.
HeldCounts: TypeAlias = Mapping[SloGroup, EventCounts]


class SeriesCounts(NamedTuple):
    """Counts that one series added to one SLO in one scrape."""

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


@dataclass(frozen=True, slots=True)
class Tally:
    """One scrape of one target, counted; *held_counts* go into the tally after this one."""

    sums: Mapping[SloGroup, _RunningSum]
    series_counts: Sequence[SeriesCounts]
    held_counts: HeldCounts


def tally_samples(scrape: ScrapeIncreases, weights: SeriesWeights, held_counts: HeldCounts) -> Tally:
    """Count the increases of one scrape; a pair with a series that is NaN or negative waits until it is not.

    Such a series keeps its baseline, so nothing of it is lost: what the rest of the pair counts meanwhile is
    held back and given together with it.
    """
    builder = _TallyBuilder()
    for increase in scrape:
        for weight in weights.weights_of(increase.series):
            builder.add_increase(weight, increase)
    return builder.build_tally(held_counts)


@dataclass(slots=True)
class _TallyBuilder:
    sums: dict[SloGroup, _RunningSum] = field(default_factory=dict)
    series_counts: list[SeriesCounts] = field(default_factory=list)
    unreadable: set[SloGroup] = field(default_factory=set)
    reset: set[SloGroup] = field(default_factory=set)
    # Series that take from the errors, with value and increase: counted when all resets are known.
    good_samples: list[tuple[SeriesWeight, float, float | None]] = field(default_factory=list)

    def add_increase(self, weight: SeriesWeight, sample: SeriesIncrease) -> None:
        value, increase = sample.value, sample.increase
        if weight.is_probe:
            # A sample that is neither 0 nor 1 nor between is none.
            if value is not None and value <= 1 and not sample.repeated:
                self.add_counts(weight, 1 - value, 1.0)
        elif value is None:
            self.unreadable.add(weight.key)
        elif sample.is_new_series and not weight.count_new_series:
            return
        elif weight.error < 0:
            self.good_samples.append((weight, value, increase))
        elif increase is not None:
            self.add_counts(weight, weight.error * increase, weight.total * increase)
        if sample.reset:
            self.reset.add(weight.key)

    def add_counts(self, weight: SeriesWeight, error: float, total: float) -> None:
        sums = self.sums.setdefault(weight.key, _RunningSum())
        if weight.total:
            sums.has_total = True
        if error or total:
            sums.error += error
            sums.total += total
            self.series_counts.append(SeriesCounts(weight, error, total))

    def build_tally(self, held_counts: HeldCounts) -> Tally:
        for weight, value, increase in self.good_samples:
            if increase is not None and weight.key not in self.reset:
                self.add_counts(weight, weight.error * increase, weight.total * increase)
            else:
                # Nobody knows how many are new where there is no baseline, or where others of the pair were
                # reset. All that the counter shows may be; no error is invented.
                self.add_counts(weight, weight.error * value, weight.total * (increase or 0.0))
                self.sums[weight.key].is_bounded = True
        for key, before in held_counts.items():
            sums = self.sums.setdefault(key, _RunningSum())
            sums.error += before.error
            sums.total += before.total
            sums.has_total |= before.total > 0
        held: dict[SloGroup, EventCounts] = {}
        for key in self.unreadable:
            sums = self.sums.pop(key, _RunningSum())
            held[key] = EventCounts(error=sums.error, total=sums.total)
        if held:
            self.series_counts = [each for each in self.series_counts if each.weight.key not in held]
        return Tally(self.sums, self.series_counts, held)


def merge_tallies(
    tallies: Iterable[Tally], overdrawn: Mapping[SloGroup, float]
) -> tuple[dict[SloGroup, EventCounts], dict[SloGroup, float]]:
    """Sum the tallies of all targets; return the counts, and the errors below zero for the next time.

    A target writes its metrics one after the other: an event may be among the good ones a scrape before it is
    among all. Errors below zero, *overdrawn* the last time, are taken from this scrape's, or dropped. Without
    a total there are no counts.
    """
    sums: dict[SloGroup, _RunningSum] = {}
    for tally in tallies:
        for key, counted in tally.sums.items():
            merged = sums.setdefault(key, _RunningSum())
            merged.error += counted.error
            merged.total += counted.total
            merged.has_total |= counted.has_total
            merged.is_bounded |= counted.is_bounded
    counts = {
        key: EventCounts(error=max(0.0, merged.error + overdrawn.get(key, 0.0)), total=merged.total)
        for key, merged in sums.items()
        if merged.has_total
    }
    return counts, {
        key: merged.error for key, merged in sums.items() if merged.error < 0 and not merged.is_bounded
    }
