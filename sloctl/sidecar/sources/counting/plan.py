"""The SLOs that can be counted from raw series, and the counts of one tick as the engine takes them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sloctl.model import CompositeIndicator, Slo
from sloctl.sidecar.sources import Group, SloCounts, UnsupportedSlo
from sloctl.sidecar.sources.counting.journeys import find_uncounted_journeys, separate_journeys
from sloctl.sidecar.sources.counting.series import LabelPair
from sloctl.sidecar.sources.counting.series_weights import (
    CountablePair,
    SloGroup,
    countable_pair,
    metric_names,
)
from sloctl.slo.resolutions import EventCounts


@dataclass(frozen=True, slots=True)
class CountingPlan:
    """The pair of each SLO, the metrics they read, and the SLOs that only PromQL could count.

    *pairs* are also of the parts of *journeys* that are no SLOs of their own; those are not in *slos*.
    """

    pairs: tuple[tuple[Slo, CountablePair], ...]
    metric_names: frozenset[str]
    unsupported: tuple[UnsupportedSlo, ...]
    journeys: tuple[tuple[Slo, CompositeIndicator], ...] = ()
    slos: tuple[Slo, ...] = ()

    @property
    def counted_slos(self) -> tuple[Slo, ...]:
        """What is counted from series: SLOs, and parts of journeys."""
        return tuple(slo for slo, _ in self.pairs)

    def unchanged_slos(self, other: "CountingPlan") -> frozenset[str]:
        """Return the ids of the SLOs that count the same in both."""
        theirs = {slo.id: (pair, slo.group_by) for slo, pair in other.pairs}
        return frozenset(slo.id for slo, pair in self.pairs if theirs.get(slo.id) == (pair, slo.group_by))


def plan_counting(
    slos: Iterable[Slo], pair_of: Callable[[Slo], CountablePair | UnsupportedSlo] = countable_pair
) -> CountingPlan:
    """Find the pair of each SLO, by *pair_of*."""
    every = tuple(slos)
    counted, journeys = separate_journeys(every)
    outcomes = [(slo, pair_of(slo)) for slo in counted]
    pairs = tuple((slo, pair) for slo, pair in outcomes if not isinstance(pair, UnsupportedSlo))
    unsupported = [pair for _, pair in outcomes if isinstance(pair, UnsupportedSlo)]
    unsupported += find_uncounted_journeys(journeys, {each.slo.id: each.reason for each in unsupported})
    never = {each.slo.id for each in unsupported}
    named = {slo.id for slo in every}
    return CountingPlan(
        pairs=pairs,
        metric_names=frozenset[str]().union(*(metric_names(pair) for _, pair in pairs)),
        unsupported=tuple(each for each in unsupported if each.slo.id in named),
        journeys=tuple(each for each in journeys if each[0].id not in never),
        slos=tuple(slo for slo in every if slo.id not in never),
    )


def counts_by_slo(
    counts: Mapping[SloGroup, EventCounts], by_label: Mapping[str, Mapping[LabelPair, EventCounts]]
) -> dict[str, SloCounts]:
    """Collect counts by SLO and group, and counts by label of each SLO, into one value per SLO id."""
    groups: dict[str, dict[Group, EventCounts]] = {}
    for (slo, group), counted in counts.items():
        groups.setdefault(slo, {})[group] = counted
    return {slo: SloCounts(counted, by_label.get(slo, {})) for slo, counted in groups.items()}
