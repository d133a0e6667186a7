"""The lowering step: every indicator becomes a pair of event counts, (error, total)."""

from functools import lru_cache
from typing import TypeAlias, assert_never

from msgspec import Struct, structs

from sloctl.duration import MINUTE
from sloctl.model import (
    IDENTITY_LABELS,
    CompositeIndicator,
    CompositeRule,
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    Indicator,
    JourneyPart,
    LabelMatcher,
    LatencyIndicator,
    NativeLatencyIndicator,
    ProbeIndicator,
    QueryIndicator,
    RatioIndicator,
    Selector,
    Slo,
    SloName,
)
from sloctl.slo.bucket_bounds import equal_bound, lower_bounds, near_bounds


class BucketProof(Struct, frozen=True):
    """Proof that a histogram has the threshold as a bound, so that a missing bucket is no data.

    Either *bound* is there. Or its client makes a bucket only once it counts, and has not made this one: all
    bounds *above* it (up to ten times) count, and there is none *below* it.
    """

    bound: Selector
    above: Selector
    below: Selector


class CounterPair(Struct, frozen=True):
    """Counters whose increments are the events: those of *error* less those of *minus* are the bad ones.

    With *count_new_series*, a series that is new at a process that was there before, and went on, was born
    with the events it shows; *identity_labels* tell processes apart. With *bucket_proof* only those series of
    *total* count whose histogram has the bound.
    """

    error: tuple[Selector, ...]
    minus: tuple[Selector, ...]
    total: tuple[Selector, ...]
    count_new_series: bool
    identity_labels: tuple[str, ...] = IDENTITY_LABELS
    bucket_proof: BucketProof | None = None

    @property
    def deciding_labels(self) -> frozenset[str]:
        """The labels by which the pair itself tells bad events from others: naming them explains nothing."""
        of_all = {matcher for selector in self.total for matcher in selector.matchers}
        return frozenset(
            matcher.label for it in self.beside_total for matcher in it.matchers if matcher not in of_all
        )

    @property
    def beside_total(self) -> tuple[Selector, ...]:
        """The counters that tell bad events from all: the good ones where the rest is bad."""
        return self.minus or self.error if self.error == self.total else self.error + self.minus

    @property
    def shares_new_series(self) -> bool:
        """Whether what is born among the errors, or the good ones, is found among the births of *total*."""
        if not self.count_new_series or self.bucket_proof is not None:
            return False
        return all(any(part.refines(whole) for whole in self.total) for part in self.beside_total)


EventPair: TypeAlias = (
    CounterPair
    | NativeLatencyIndicator
    | ConditionIndicator
    | ProbeIndicator
    | QueryIndicator
    | ErrorRatioIndicator
    | CompositeIndicator
)


@lru_cache(maxsize=64)  # asked for five times an SLO
def lower_indicator(indicator: Indicator) -> EventPair:
    """Return the event counts behind an indicator; one that no counters hold is its own pair."""
    match indicator:
        case RatioIndicator():
            return _ratio_pair(indicator)
        case LatencyIndicator():
            return _latency_pair(indicator)
        case (
            NativeLatencyIndicator()
            | ConditionIndicator()
            | ProbeIndicator()
            | QueryIndicator()
            | ErrorRatioIndicator()
            | CompositeIndicator()
        ):
            return indicator
        case _:
            assert_never(indicator)


def counts_are_events(pair: EventPair) -> bool:
    """Return whether a count is a number of events rather than of minutes, so that a floor on errors fits."""
    if isinstance(pair, CompositeIndicator):
        return pair.rule is CompositeRule.SUM
    return not isinstance(pair, ConditionIndicator | ErrorRatioIndicator)


def part_slo(journey: Slo, part: JourneyPart) -> Slo:
    """Return a part of *journey* as an SLO, to count it; an id with a colon is no other SLO's."""
    of_journey = SloName(journey.service, f"{journey.name}:{part.name}")
    name = of_journey if part.slo is None else part.slo
    return structs.replace(
        journey,
        service=name.service,
        name=name.name,
        indicator=part.indicator,
        time_slice=part.time_slice,
        group_by=part.group_by,
        exclusions=(),
        active_hours=(),
    )


def recorded_after(slo: Slo) -> int:
    """Return how many seconds more than others a rollup of *slo* comes after what it counts: a journey's.

    Half a minute, and as long as its parts' minutes may end before that one.
    """
    if not isinstance(slo.indicator, CompositeIndicator):
        return 0
    return MINUTE // 2 + slo.indicator.minutes_behind * MINUTE


def event_seconds(slo: Slo) -> int | None:
    """Return the seconds that one event of *slo* is, a minute or a slice; None where events are counted."""
    if slo.time_slice is not None:
        return slo.time_slice.seconds
    return None if counts_are_events(lower_indicator(slo.indicator)) else MINUTE


def _ratio_pair(ratio: RatioIndicator) -> CounterPair:
    counts_errors = ratio.counted is CountedSide.ERROR
    return CounterPair(
        error=ratio.numerator if counts_errors else ratio.total,
        minus=ratio.minus if counts_errors else ratio.numerator,
        total=ratio.total,
        count_new_series=ratio.count_new_series
        and _are_scraped(*ratio.numerator, *ratio.minus, *ratio.total),
        identity_labels=ratio.identity_labels,
    )


def _latency_pair(latency: LatencyIndicator) -> CounterPair:
    name, matchers, bound = latency.histogram.metric, latency.histogram.matchers, latency.bound
    count, buckets = Selector(f"{name}_count", matchers), Selector(f"{name}_bucket", matchers)
    proof = BucketProof(
        bound=_narrow_selector(buckets, equal_bound(bound)),
        above=_narrow_selector(buckets, *near_bounds(bound)),
        below=_narrow_selector(buckets, *lower_bounds(bound)),
    )
    return CounterPair(
        error=(count,),
        minus=(proof.bound,),
        total=(count,),
        count_new_series=latency.count_new_series and _are_scraped(count),
        identity_labels=latency.identity_labels,
        bucket_proof=proof,
    )


def _are_scraped(*counters: Selector) -> bool:
    # A recorded series (a colon in its name) has as a rule lost the labels of its target.
    return not any(":" in counter.metric for counter in counters)


def _narrow_selector(selector: Selector, *matchers: LabelMatcher) -> Selector:
    return Selector(selector.metric, (*selector.matchers, *matchers))
