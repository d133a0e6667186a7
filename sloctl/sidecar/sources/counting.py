"""The lowered pairs of all SLOs, counted scrape by scrape.

Its one law: an SLO's counts are never negative, and of a pair that cannot be read whole nothing is told until
it can.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from sloctl.lower import CounterPair, EventPair, lower
from sloctl.model import Condition, ErrorRatio, NativeLatency, Probe, Query, Selector, Slo
from sloctl.rollup import Counts
from sloctl.sidecar.sources import Group, Refusal
from sloctl.sidecar.sources.exposition import Series
from sloctl.sidecar.sources.increases import Observed, Scrape
from sloctl.sidecar.sources.patterns import NotAPattern
from sloctl.sidecar.sources.selecting import Selecting, fixed_labels, matches

# What can be counted without evaluating PromQL.
Countable: TypeAlias = CounterPair | Probe
# An SLO's id, and one of its groups.
Key: TypeAlias = tuple[str, Group]

_MAX_SERIES_REMEMBERED: Final = 200_000
_PROMETHEUS: Final = "watch it through Prometheus (the source `prometheus`), with the compiled rules"


def countable(slo: Slo) -> Countable | Refusal:
    """The pair behind *slo*, or why a scrape alone cannot count it."""
    pair = lower(slo.indicator)
    if not isinstance(pair, CounterPair | Probe):
        return Refusal(slo, f"{_KINDS[type(pair)]}: {_PROMETHEUS}")
    for selector in _selectors(pair):
        try:
            matches(selector, {})
        except NotAPattern as wrong:
            return Refusal(
                slo, f"a pattern of {selector.metric} cannot be matched here ({wrong}): {_PROMETHEUS}"
            )
    return pair


def metrics(pair: Countable) -> frozenset[str]:
    """Names of the metrics that *pair* reads."""
    return frozenset(selector.metric for selector in _selectors(pair))


class Share(NamedTuple):
    """What one series is to one SLO: the weight of its increments among the errors and the events.

    *labels* are those that may tell what burns.
    """

    key: Key
    error: int
    total: int
    newborn: bool
    is_probe: bool
    labels: tuple[tuple[str, str], ...]


class Part(NamedTuple):
    """What one series added to one SLO in one scrape."""

    share: Share
    error: float
    total: float


class Shares:
    """What each series is to each SLO; worked out once per series.

    Only labels in *telling* may tell what burns; None for all but those that always say the same.
    """

    def __init__(
        self, pairs: Iterable[tuple[Slo, Countable]], *, telling: Sequence[str] | None = None
    ) -> None:
        self._telling = telling
        self._selecting = Selecting(
            [(selector, (slo, pair, side)) for slo, pair in pairs for selector, side in _sides(pair)]
        )
        self._known: dict[Series, tuple[Share, ...]] = {}

    def of(self, series: Series) -> tuple[Share, ...]:
        shares = self._known.get(series)
        if shares is None:
            if len(self._known) >= _MAX_SERIES_REMEMBERED:
                self._known.clear()
            shares = self._known[series] = tuple(self._worked_out(series))
        return shares

    def _worked_out(self, series: Series) -> Iterable[Share]:
        sides: dict[str, tuple[Slo, Countable, list[tuple[int, int]]]] = {}
        for slo, pair, side in self._selecting.of(series):
            sides.setdefault(slo.id, (slo, pair, []))[2].append(side)
        labels = dict(series.labels)
        for slo, pair, found in sides.values():
            yield Share(
                key=(slo.id, tuple(labels.get(label, "") for label in slo.group_by)),
                error=sum(error for error, _ in found),
                total=sum(total for _, total in found),
                newborn=isinstance(pair, CounterPair) and pair.newborn,
                is_probe=isinstance(pair, Probe),
                labels=self._telling_labels(slo, pair, series),
            )

    def _telling_labels(self, slo: Slo, pair: Countable, series: Series) -> tuple[tuple[str, str], ...]:
        silent = {"le", *slo.group_by}
        if self._telling is None:
            silent |= {label for selector in _selectors(pair) for label, _ in fixed_labels(selector)}
        return tuple(
            (label, value)
            for label, value in series.labels
            if label not in silent and (self._telling is None or label in self._telling)
        )


@dataclass(slots=True)
class _Sum:
    error: float = 0.0
    total: float = 0.0
    has_total: bool = False
    # The increase of a series whose baseline is not known is at most its value.
    bounded: bool = False


# Counts of one target held back while a series of theirs cannot be read.
Owed: TypeAlias = Mapping[Key, Counts]


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

    def add(self, share: Share, observed: Observed) -> None:
        if share.is_probe:
            self._add_probe(share, observed)
        elif observed.value is None:
            self.unreadable.add(share.key)
        elif observed.increase is None:
            if share.error < 0:
                self._bound(share, observed.value)
        elif share.newborn or not observed.newborn:
            self._count(share, share.error * observed.increase, share.total * observed.increase)

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

    def _bound(self, share: Share, value: float) -> None:
        """Good events of which nobody knows how many are new: all may be, and no error is invented."""
        sums = self.sums.setdefault(share.key, _Sum())
        sums.error += share.error * value
        sums.bounded = True

    def told(self, owed: Owed) -> Tally:
        held: dict[Key, Counts] = {}
        for key, before in owed.items():
            sums = self.sums.setdefault(key, _Sum())
            sums.error += before.error
            sums.total += before.total
            sums.has_total |= before.total > 0
        for key in self.unreadable:
            sums = self.sums.pop(key, _Sum())
            held[key] = Counts(error=sums.error, total=sums.total)
        parts = [part for part in self.parts if part.share.key not in held] if held else self.parts
        return Tally(self.sums, parts, held)


def settle(
    tallies: Iterable[Tally], debts: Mapping[Key, float]
) -> tuple[dict[Key, Counts], dict[Key, float]]:
    """Counts over all targets, and the debts for the next time; without a total there are none.

    A target writes its metrics one after the other: an event may be among the good ones a scrape before it is
    among all. Errors below zero are such a debt; the next scrape pays it, or it is forgiven.
    """
    sums: dict[Key, _Sum] = {}
    for each in tallies:
        for key, counted in each.sums.items():
            _add(sums.setdefault(key, _Sum()), counted)
    counts = {
        key: Counts(error=max(0.0, counted.error + debts.get(key, 0.0)), total=counted.total)
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


def _sides(pair: Countable) -> list[tuple[Selector, tuple[int, int]]]:
    """Each selector with the weight of its increments: (among the errors, among all events)."""
    match pair:
        case CounterPair():
            return [
                *((selector, (1, 0)) for selector in pair.error),
                *((selector, (-1, 0)) for selector in pair.minus),
                *((selector, (0, 1)) for selector in pair.total),
            ]
        case Probe():
            return [(pair.gauge, (0, 1))]


def _selectors(pair: Countable) -> list[Selector]:
    return [selector for selector, _ in _sides(pair)]


_KINDS: Mapping[type[EventPair], str] = {
    NativeLatency: "a native histogram is not in the text a target exposes",
    Condition: "a condition is PromQL, which the sidecar does not evaluate",
    Query: "a query is PromQL, which the sidecar does not evaluate",
    ErrorRatio: "an error ratio is PromQL, which the sidecar does not evaluate",
}
