"""What each series is to each SLO: the weight of its increments among the errors and the events."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from sloctl.model import (
    ConditionIndicator,
    ErrorRatioIndicator,
    NativeLatencyIndicator,
    ProbeIndicator,
    QueryIndicator,
    Selector,
    Slo,
)
from sloctl.sidecar.sources import Group, UnsupportedSlo
from sloctl.sidecar.sources.counting.re2_patterns import UnsupportedPattern
from sloctl.sidecar.sources.counting.selector_index import SelectorIndex, fixed_labels, matches_labels
from sloctl.sidecar.sources.scrape.exposition import SeriesId
from sloctl.slo.lowering import CounterPair, EventPair, lower_indicator

# What can be counted without evaluating PromQL.
CountablePair: TypeAlias = CounterPair | ProbeIndicator
# An SLO's id, and one of its groups.
SloGroup: TypeAlias = tuple[str, Group]

_MAX_SERIES_REMEMBERED: Final = 200_000
_USE_PROMETHEUS: Final = "watch it through Prometheus (the source `prometheus`), with the compiled rules"


def countable_pair(slo: Slo) -> CountablePair | UnsupportedSlo:
    """The pair behind *slo*, or why a scrape alone cannot count it."""
    pair = lower_indicator(slo.indicator)
    if not isinstance(pair, CounterPair | ProbeIndicator):
        return UnsupportedSlo(slo, f"{_UNSUPPORTED_REASONS[type(pair)]}: {_USE_PROMETHEUS}")
    for selector in _pair_selectors(pair):
        try:
            matches_labels(selector, {})
        except UnsupportedPattern as wrong:
            return UnsupportedSlo(
                slo, f"a pattern of {selector.metric} cannot be matched here ({wrong}): {_USE_PROMETHEUS}"
            )
    return pair


def metric_names(pair: CountablePair) -> frozenset[str]:
    """Names of the metrics that *pair* reads."""
    return frozenset(selector.metric for selector in _pair_selectors(pair))


class SeriesWeight(NamedTuple):
    """What one series is to one SLO: the weight of its increments among the errors and the events.

    *labels* are those that may tell what burns.
    """

    key: SloGroup
    error: int
    total: int
    count_new_series: bool
    is_probe: bool
    contributor_labels: tuple[tuple[str, str], ...]


class _CountedSlo(NamedTuple):
    """What there is to know of an SLO when a series is new."""

    id: str
    group_by: tuple[str, ...]
    pair: CountablePair
    ignored_labels: frozenset[str]


class SeriesWeights:
    """What each series is to each SLO; worked out once per series.

    Only labels in *telling* may tell what burns; None for all but those that always say the same.
    """

    def __init__(
        self, pairs: Iterable[tuple[Slo, CountablePair]], *, telling: Sequence[str] | None = None
    ) -> None:
        self._telling = telling
        counted = [
            _CountedSlo(slo.id, slo.group_by, pair, _silent(slo, pair, telling)) for slo, pair in pairs
        ]
        self._selecting = SelectorIndex(
            [
                (selector, (each, side))
                for each in counted
                for selector, side in _weighted_selectors(each.pair)
            ]
        )
        self._known: dict[SeriesId, tuple[SeriesWeight, ...]] = {}
        # One object for each key, which all its series share.
        self._keys: dict[SloGroup, SloGroup] = {}

    def weights_of(self, series: SeriesId) -> tuple[SeriesWeight, ...]:
        shares = self._known.get(series)
        if shares is None:
            if len(self._known) >= _MAX_SERIES_REMEMBERED:
                self._known.clear()
                self._keys.clear()
            shares = self._known[series] = tuple(self._compute_weights(series))
        return shares

    def _compute_weights(self, series: SeriesId) -> Iterable[SeriesWeight]:
        sides: dict[str, tuple[_CountedSlo, list[tuple[int, int]]]] = {}
        for counted, side in self._selecting.find_matches(series):
            sides.setdefault(counted.id, (counted, []))[1].append(side)
        labels = dict(series.labels)
        for counted, found in sides.values():
            key = (counted.id, tuple(labels.get(label, "") for label in counted.group_by))
            yield SeriesWeight(
                key=self._keys.setdefault(key, key),
                error=sum(error for error, _ in found),
                total=sum(total for _, total in found),
                count_new_series=isinstance(counted.pair, CounterPair) and counted.pair.count_new_series,
                is_probe=isinstance(counted.pair, ProbeIndicator),
                contributor_labels=tuple(label for label in series.labels if self._tells(counted, label[0])),
            )

    def _tells(self, counted: _CountedSlo, label: str) -> bool:
        return label not in counted.ignored_labels and (self._telling is None or label in self._telling)


def _silent(slo: Slo, pair: CountablePair, telling: Sequence[str] | None) -> frozenset[str]:
    """Labels that never tell what burns: a group's are known, and some always say the same."""
    silent = frozenset({"le", *slo.group_by})
    if telling is not None:
        return silent
    return silent.union(label for selector in _pair_selectors(pair) for label, _ in fixed_labels(selector))


def _weighted_selectors(pair: CountablePair) -> list[tuple[Selector, tuple[int, int]]]:
    """Each selector with the weight of its increments: (among the errors, among all events)."""
    match pair:
        case CounterPair():
            return [
                *((selector, (1, 0)) for selector in pair.error),
                *((selector, (-1, 0)) for selector in pair.minus),
                *((selector, (0, 1)) for selector in pair.total),
            ]
        case ProbeIndicator():
            return [(pair.gauge, (0, 1))]


def _pair_selectors(pair: CountablePair) -> list[Selector]:
    return [selector for selector, _ in _weighted_selectors(pair)]


_UNSUPPORTED_REASONS: Mapping[type[EventPair], str] = {
    NativeLatencyIndicator: "a native histogram is not in the text a target exposes",
    ConditionIndicator: "a condition is PromQL, which the sidecar does not evaluate",
    QueryIndicator: "a query is PromQL, which the sidecar does not evaluate",
    ErrorRatioIndicator: "an error ratio is PromQL, which the sidecar does not evaluate",
}
