"""Map each series to the SLOs that count it, and with which sign."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from sloctl.model import (
    CompositeIndicator,
    ConditionIndicator,
    ErrorRatioIndicator,
    LatencyIndicator,
    NativeLatencyIndicator,
    ProbeIndicator,
    QueryIndicator,
    Selector,
    Slo,
)
from sloctl.sidecar.sources import Group, UnsupportedSlo
from sloctl.sidecar.sources.counting.re2_patterns import UnsupportedPattern
from sloctl.sidecar.sources.counting.selector_index import SelectorIndex, fixed_labels, matches_labels
from sloctl.sidecar.sources.counting.series import LabelPair, SeriesId
from sloctl.slo.lowering import CounterPair, EventPair, lower_indicator

# All that can be counted without evaluating PromQL.
CountablePair: TypeAlias = CounterPair | ProbeIndicator
# An SLO's id, and one of its groups.
SloGroup: TypeAlias = tuple[str, Group]
# The labels of a series that tell the process that counts it from others.
ProcessIdentity: TypeAlias = tuple[LabelPair, ...]

_MAX_SERIES_REMEMBERED: Final = 200_000
_USE_PROMETHEUS: Final = "watch it through Prometheus (the source `prometheus`), with the compiled rules"
_UNSUPPORTED_REASONS: Final[Mapping[type[EventPair], str]] = {
    NativeLatencyIndicator: "a native histogram is not in the text a target exposes",
    ConditionIndicator: "a condition is PromQL, which the sidecar does not evaluate",
    QueryIndicator: "a query is PromQL, which the sidecar does not evaluate",
    ErrorRatioIndicator: "an error ratio is PromQL, which the sidecar does not evaluate",
    CompositeIndicator: "a journey has no series of its own",
}


def countable_pair(slo: Slo) -> CountablePair | UnsupportedSlo:
    """Lower *slo* to the pair that counts it, or say why series alone cannot count it."""
    pair = lower_indicator(slo.indicator)
    if not isinstance(pair, CounterPair | ProbeIndicator):
        return UnsupportedSlo(slo, f"{_UNSUPPORTED_REASONS[type(pair)]}: {_USE_PROMETHEUS}")
    for selector, *_ in _weighted_selectors(pair):
        try:
            matches_labels(selector, {})
        except UnsupportedPattern as wrong:
            return UnsupportedSlo(
                slo, f"a pattern of {selector.metric} cannot be matched here ({wrong}): {_USE_PROMETHEUS}"
            )
    return pair


def metric_names(pair: CountablePair) -> frozenset[str]:
    """Return the names of the metrics that *pair* reads."""
    return frozenset(selector.metric for selector, *_ in _weighted_selectors(pair))


class SeriesWeight(NamedTuple):
    """The weight of one series' increments among the errors and the events of one SLO: +1, 0 or -1.

    *contributor_labels* are those of its labels by which errors are broken down, *identity* those that tell
    its process from others. *bucket* is set where a histogram must prove that it has the bound.
    """

    key: SloGroup
    error: int
    total: int
    count_new_series: bool
    is_probe: bool
    contributor_labels: tuple[LabelPair, ...]
    identity: ProcessIdentity = ()
    bucket: "HistogramBucket | None" = None


class HistogramBucket(NamedTuple):
    """One bound of a histogram, None for its count, and the bound that an SLO needs, *threshold*."""

    histogram: tuple[LabelPair, ...]
    bound: float | None
    threshold: float


class _CountedSlo(NamedTuple):
    """All that is needed of an SLO when a new series appears."""

    id: str
    group_by: tuple[str, ...]
    pair: CountablePair
    ignored_labels: frozenset[str]
    identity_labels: frozenset[str]
    threshold: float | None


class SeriesWeights:
    """The weights of each series in each SLO, worked out once per series.

    Errors are broken down by *contributor_labels*; None is all labels but those that are the same everywhere.
    """

    def __init__(
        self, pairs: Iterable[tuple[Slo, CountablePair]], *, contributor_labels: Sequence[str] | None = None
    ) -> None:
        self._contributor_labels = contributor_labels
        indexed: list[tuple[Selector, tuple[_CountedSlo, int, int]]] = []
        for slo, pair in pairs:
            selectors = _weighted_selectors(pair)
            # A group's labels are known already, and some have one value in all series of a selector.
            ignored = frozenset({"le", *slo.group_by})
            if isinstance(pair, CounterPair):
                ignored |= pair.deciding_labels
            if contributor_labels is None:
                ignored = ignored.union(
                    label for selector, *_ in selectors for label, _ in fixed_labels(selector)
                )
            counted = _CountedSlo(
                slo.id, slo.group_by, pair, ignored, _identity_labels(pair), _latency_bound(slo)
            )
            indexed += [(buckets, (counted, 0, 0)) for buckets in _all_buckets(slo)]
            indexed += [(selector, (counted, error, total)) for selector, error, total in selectors]
        self._index = SelectorIndex(indexed)
        self._known: dict[SeriesId, tuple[SeriesWeight, ...]] = {}
        # One object for each key, which all its series share.
        self._keys: dict[SloGroup, SloGroup] = {}
        self._labels: dict[tuple[LabelPair, ...], tuple[LabelPair, ...]] = {}

    def weights_of(self, series: SeriesId) -> tuple[SeriesWeight, ...]:
        """Return one weight for each SLO that counts *series*."""
        weights = self._known.get(series)
        if weights is None:
            if len(self._known) >= _MAX_SERIES_REMEMBERED:
                self._known.clear()
                self._keys.clear()
                self._labels.clear()
            weights = self._known[series] = tuple(self._compute_weights(series))
        return weights

    def _compute_weights(self, series: SeriesId) -> Iterable[SeriesWeight]:
        matches: dict[str, tuple[_CountedSlo, list[tuple[int, int]]]] = {}
        for counted, error, total in self._index.find_matches(series):
            matches.setdefault(counted.id, (counted, []))[1].append((error, total))
        labels = dict(series.labels)
        allowed = self._contributor_labels
        for counted, sides in matches.values():
            key = (counted.id, tuple(labels.get(label, "") for label in counted.group_by))
            identity = tuple(pair for pair in series.labels if pair[0] in counted.identity_labels)
            yield SeriesWeight(
                key=self._keys.setdefault(key, key),
                error=sum(error for error, _ in sides),
                total=sum(total for _, total in sides),
                count_new_series=isinstance(counted.pair, CounterPair) and counted.pair.count_new_series,
                is_probe=isinstance(counted.pair, ProbeIndicator),
                contributor_labels=tuple(
                    pair
                    for pair in series.labels
                    if pair[0] not in counted.ignored_labels and (allowed is None or pair[0] in allowed)
                ),
                identity=self._labels.setdefault(identity, identity),
                bucket=self._bucket_of(series, counted),
            )

    def _bucket_of(self, series: SeriesId, counted: _CountedSlo) -> HistogramBucket | None:
        if counted.threshold is None:
            return None
        histogram = tuple(pair for pair in series.labels if pair[0] != "le")
        histogram = self._labels.setdefault(histogram, histogram)
        # The one counted is the bound itself, however it is spelled; others that cannot be read are none.
        try:
            bound = float(dict(series.labels)["le"]) if series.metric.endswith("_bucket") else None
        except (KeyError, ValueError):
            bound = float("nan")
        return HistogramBucket(histogram, bound, counted.threshold)


def _weighted_selectors(pair: CountablePair) -> list[tuple[Selector, int, int]]:
    """Return each selector with the weight of its increments among the errors, and among all events."""
    match pair:
        case CounterPair():
            return [
                *((selector, 1, 0) for selector in pair.error),
                *((selector, -1, 0) for selector in pair.minus),
                *((selector, 0, 1) for selector in pair.total),
            ]
        case ProbeIndicator():
            return [(pair.gauge, 0, 1)]


def _identity_labels(pair: CountablePair) -> frozenset[str]:
    return frozenset(pair.identity_labels if isinstance(pair, CounterPair) else ())


def _latency_bound(slo: Slo) -> float | None:
    return float(slo.indicator.bound) if isinstance(slo.indicator, LatencyIndicator) else None


def _all_buckets(slo: Slo) -> list[Selector]:
    """Return the buckets of every bound, where they are needed."""
    if not isinstance(slo.indicator, LatencyIndicator):
        return []
    name, matchers = slo.indicator.histogram.metric, slo.indicator.histogram.matchers
    return [Selector(f"{name}_bucket", matchers)]
