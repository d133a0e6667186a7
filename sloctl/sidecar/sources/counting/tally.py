"""Sum the increases of one scrape per SLO and group, and the tallies of all targets into counts.

An SLO's counts are never negative, and of a pair that cannot be read whole nothing is given until it can.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

import msgspec

from sloctl.sidecar.sources import Group
from sloctl.sidecar.sources.counting.counter_increases import ScrapeIncreases, SeriesIncrease
from sloctl.sidecar.sources.counting.histogram_bounds import HistogramBounds
from sloctl.sidecar.sources.counting.series import LabelPair
from sloctl.sidecar.sources.counting.series_weights import (
    HistogramBucket,
    ProcessIdentity,
    SeriesWeight,
    SeriesWeights,
    SloGroup,
)
from sloctl.slo.resolutions import EventCounts

# Counts of one target, held back while a series of the SLO cannot be read.
HeldCounts: TypeAlias = Mapping[SloGroup, EventCounts]
# Each may be new, and its weights take 20 microseconds.
_SERIES_PER_PIECE: Final = 1000


class SeriesCounts(msgspec.Struct, frozen=True, gc=False):
    """Counts that one series added to one SLO in one scrape."""

    weight: SeriesWeight
    error: float
    total: float


class _RunningSum(msgspec.Struct, gc=False):
    error: float = 0.0
    total: float = 0.0
    has_total: bool = False
    # Good events were assumed to be as many as there can be.
    is_bounded: bool = False


class NewSeries(NamedTuple):
    """Counts of a new series whose process has not been seen among the series of its own target."""

    weight: SeriesWeight
    value: float


@dataclass(frozen=True, slots=True)
class Tally:
    """One scrape of one target, counted; *held_counts* go into the tally after this one.

    *established* are series whose processes were there a minute ago and still are: of other processes no new
    series counts. *missing_bounds*, by SLO id, say why a histogram is not counted.
    """

    sums: Mapping[SloGroup, _RunningSum]
    series_counts: list[SeriesCounts]
    held_counts: HeldCounts
    established: Sequence[SeriesWeight] = ()
    unproven_series: Sequence[NewSeries] = ()
    missing_bounds: Mapping[str, str] = field(default_factory=dict)


def tally_samples(scrape: ScrapeIncreases, weights: SeriesWeights, held_counts: HeldCounts) -> Tally:
    """Count the increases of one scrape at once, as `tally_in_pieces` does."""
    return next(tally for tally in tally_in_pieces(scrape, weights, held_counts) if tally is not None)


def tally_in_pieces(
    scrape: ScrapeIncreases, weights: SeriesWeights, held_counts: HeldCounts
) -> Iterator[Tally | None]:
    """Count the increases of one scrape in pieces of some ten milliseconds: None while it goes on, then all.

    A pair with a series that is NaN or negative waits until it is not. Such a series keeps its baseline, so
    nothing of it is lost: what the rest of the pair counts meanwhile is held back and given together with it.
    """
    builder = _TallyBuilder()
    for start in range(0, len(scrape), _SERIES_PER_PIECE):
        if start:
            yield None
        for increase in scrape[start : start + _SERIES_PER_PIECE]:
            if not increase.is_other_process:
                for weight in weights.weights_of(increase.series):
                    builder.add_sample(weight, increase)
    yield builder.build_tally(held_counts)


@dataclass(slots=True)
class _TallyBuilder:
    sums: dict[SloGroup, _RunningSum] = field(default_factory=dict)
    series_counts: list[SeriesCounts] = field(default_factory=list)
    unreadable: set[SloGroup] = field(default_factory=set)
    reset: set[SloGroup] = field(default_factory=set)
    # Series that take from the errors, with value and increase: counted when all resets are known.
    good_samples: list[tuple[SeriesWeight, float, float | None]] = field(default_factory=list)
    new_series: list[NewSeries] = field(default_factory=list)
    established: list[SeriesWeight] = field(default_factory=list)
    histograms: dict[tuple[str, tuple[LabelPair, ...]], HistogramBounds] = field(default_factory=dict)
    # Samples of histograms' counts: counted when all their bounds are known.
    histogram_counts: list[tuple[SeriesWeight, HistogramBucket, SeriesIncrease]] = field(default_factory=list)

    def add_sample(self, weight: SeriesWeight, sample: SeriesIncrease) -> None:
        """Count *sample*, or keep it until all of its histogram is known."""
        if weight.is_probe:
            # A sample that is neither 0 nor 1 nor between is none.
            if sample.value is not None and sample.value <= 1 and not sample.repeated:
                self.add_counts(weight, 1 - sample.value, 1.0)
            return None
        if weight.bucket is None:
            return self.add_increase(weight, sample)
        if weight.bucket.bound is None:
            self.histogram_counts.append((weight, weight.bucket, sample))
            return None
        key = weight.key[0], weight.bucket.histogram
        bounds = self.histograms.setdefault(key, HistogramBounds(weight.bucket.threshold))
        bounds.add_bound(weight.bucket.bound, sample.value, is_threshold=weight.error < 0)
        return self.add_increase(weight, sample) if weight.error else None

    def add_increase(self, weight: SeriesWeight, sample: SeriesIncrease) -> None:
        value, increase = sample.value, sample.increase
        if value is None:
            self.unreadable.add(weight.key)
        elif sample.is_new_series:
            if weight.count_new_series:
                self.new_series.append(NewSeries(weight, value))
        elif weight.error < 0:
            self.good_samples.append((weight, value, increase))
        elif increase is not None:
            self.add_counts(weight, weight.error * increase, weight.total * increase)
        if sample.is_established and weight.total:
            self.established.append(weight)
        if sample.reset:
            self.reset.add(weight.key)

    def add_counts(self, weight: SeriesWeight, error: float, total: float) -> None:
        sums = self.sums.get(weight.key)
        if sums is None:
            sums = self.sums[weight.key] = _RunningSum()
        if weight.total:
            sums.has_total = True
        if error or total:
            sums.error += error
            sums.total += total
            self.series_counts.append(SeriesCounts(weight, error, total))

    def build_tally(self, held_counts: HeldCounts) -> Tally:
        missing_bounds = self._count_histograms()
        unproven = self._count_new_series()
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
        return Tally(self.sums, self.series_counts, held, self.established, unproven, missing_bounds)

    def _count_histograms(self) -> dict[str, str]:
        """Count histograms that have the bound; say by SLO id what one that has not lacks."""
        missing: dict[str, str] = {}
        for weight, bucket, sample in self.histogram_counts:
            bounds = self.histograms.get((weight.key[0], bucket.histogram)) or HistogramBounds(
                bucket.threshold
            )
            if bounds.has_threshold:
                self.add_increase(weight, sample)
            else:
                missing.setdefault(weight.key[0], str(bounds))
        return missing

    def _count_new_series(self) -> list[NewSeries]:
        """Count those of processes that were there before; return the others."""
        unproven: list[NewSeries] = []
        # Of thousands of series, so only where one is new.
        asked = self.established if self.new_series else ()
        established = {(each.key[0], each.identity) for each in asked}
        for new in self.new_series:
            weight, value = new
            is_proven = (weight.key[0], weight.identity) in established
            if weight.error < 0:
                self.good_samples.append((weight, value, value if is_proven else None))
            elif is_proven:
                self.add_counts(weight, weight.error * value, weight.total * value)
            else:
                unproven.append(new)
        return unproven


def merge_tallies(
    tallies: Iterable[Tally], overdrawn: Mapping[SloGroup, float]
) -> tuple[dict[SloGroup, EventCounts], dict[SloGroup, float]]:
    """Sum the tallies of all targets; return the counts, and the errors below zero for the next time.

    A target writes its metrics one after the other: an event may be among the good ones, or among the bad, a
    scrape before it is among all. Errors below zero or above all events, *overdrawn* the last time, are added
    to this scrape's, or dropped: errors lie within 0 and the events. Without a total there are no counts, and
    none where a label of `groupBy` stands on one side alone: no group would ever have its errors.
    """
    given = list(tallies)
    established = _established_processes(given)
    sums: dict[SloGroup, _RunningSum] = {}
    for tally in given:
        for key, counted in tally.sums.items():
            merged = sums.setdefault(key, _RunningSum())
            # Good events that may be too many take nothing from the errors of other targets.
            merged.error += max(0.0, counted.error) if counted.is_bounded else counted.error
            merged.total += counted.total
            merged.has_total |= counted.has_total
        for weight, value in tally.unproven_series:
            if (weight.key[0], weight.identity) in established:
                merged = sums.setdefault(weight.key, _RunningSum())
                merged.error += weight.error * value
                merged.total += weight.total * value
                merged.has_total |= weight.total > 0
    counts: dict[SloGroup, EventCounts] = {}
    carried: dict[SloGroup, float] = {}
    lost = _find_one_sided_labels(sums)
    for key, merged in sums.items():
        if merged.has_total and key[0] not in lost:
            error = min(max(0.0, merged.error + overdrawn.get(key, 0.0)), merged.total)
            counts[key] = EventCounts(error=error, total=merged.total)
            # Of this scrape alone: what is not made up for by the next one is dropped.
            if surplus := min(0.0, merged.error) or max(0.0, merged.error - merged.total):
                carried[key] = surplus
    return counts, carried


def _established_processes(tallies: Sequence[Tally]) -> Set[tuple[str, ProcessIdentity]]:
    """Return the processes of all targets that were there before; none where no new series asks for them."""
    if not any(tally.unproven_series for tally in tallies):
        return frozenset()
    return {(weight.key[0], weight.identity) for tally in tallies for weight in tally.established}


def _find_one_sided_labels(sums: Mapping[SloGroup, _RunningSum]) -> Set[str]:
    """Return the ids of SLOs of which either events or errors alone have a label of `groupBy`."""
    errors_alone: dict[str, list[Group]] = {}
    for (slo_id, group), counted in sums.items():
        if group and not counted.has_total:
            errors_alone.setdefault(slo_id, []).append(group)
    with_events: dict[str, list[Group]] = {slo_id: [] for slo_id in errors_alone}
    if errors_alone:
        for (slo_id, group), counted in sums.items():
            if counted.has_total and slo_id in with_events:
                with_events[slo_id].append(group)
    # An SLO without any events has no labels to compare.
    return {
        slo_id
        for slo_id, groups in errors_alone.items()
        if any(
            (not all(mine) and all(theirs)) or (all(mine) and not any(theirs))
            for mine, theirs in zip(
                zip(*groups, strict=True), zip(*with_events[slo_id], strict=True), strict=False
            )
        )
    }
