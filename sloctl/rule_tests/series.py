"""Concrete series that selectors take, and how many of a pair's events they are."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from sloctl.model import LabelMatcher, MatchOp, Selector
from sloctl.promql import metric_selector
from sloctl.slo.lowering import CounterPair

_USUAL_VALUES: Final = ("200", "500", "GET", "a", "x", "1", "test", "/", "true", "OK", "other")
# One text that each part of a simple regular expression matches.
_SAMPLES: Final = (
    (re.compile(r"\\\."), "\0"),
    (re.compile(r"\[\^[^\]]*\][+*]?"), "x"),
    (re.compile(r"\[([^\]\-\\])[^\]]*\][+*]?"), r"\1"),
    (re.compile(r"\\d[+*]?"), "1"),
    (re.compile(r"\.[+]"), "x"),
    (re.compile(r"\.[*]"), ""),
    (re.compile(r"\."), "0"),
    (re.compile(r"[()^$?]"), ""),
    (re.compile("\0"), "."),
)


class TestedSeries(Struct, frozen=True):
    """A series to be made up: its metric and labels, and how many times a minute it grows by one event."""

    metric: str
    labels: Mapping[str, str]

    @property
    def written(self) -> str:
        return metric_selector(self.metric, self.labels)

    def is_selected(self, selector: Selector) -> bool:
        return selector.metric == self.metric and all(
            _lets_through(matcher, self.labels.get(matcher.label, "")) for matcher in selector.matchers
        )


class TestedPair(Struct, frozen=True):
    """Series of which some are only events, and others are bad ones too."""

    fine: tuple[TestedSeries, ...]
    bad: tuple[TestedSeries, ...]


def build_series(pair: CounterPair, group: Mapping[str, str]) -> TestedPair | None:
    """Make up series for a pair of counters, with the labels of a group; None where none can be found."""
    process = {"job": "test", "instance": "one:80"}
    try:
        if pair.minus and pair.error == pair.total:
            return _series_of_good(pair, {**process, **group})
        fine = tuple(
            _find_series(selector, process, group, avoided=pair.beside_total) for selector in pair.total
        )
        bad = []
        for selector in pair.error:
            wider = next(
                (each for each in pair.total if each.metric == selector.metric), Selector(selector.metric)
            )
            both = Selector(selector.metric, (*selector.matchers, *wider.matchers))
            bad.append(_find_series(both, process, group, avoided=pair.minus))
        return TestedPair(fine, tuple(bad))
    except LookupError:
        return None


def _series_of_good(pair: CounterPair, fixed: Mapping[str, str]) -> TestedPair:
    """Make up series where good events are named: the good ones, and events that are none of them."""
    process = {label: fixed[label] for label in ("job", "instance")}
    group = {label: value for label, value in fixed.items() if label not in process}
    good = tuple(_find_series(selector, process, group, avoided=()) for selector in pair.minus)
    events = tuple(_find_series(selector, process, group, avoided=pair.minus) for selector in pair.total)
    return TestedPair(good, events)


def times_selected(series: TestedSeries, selectors: Iterable[Selector]) -> int:
    """Return how many of *selectors* take a series: it counts once for each."""
    return sum(series.is_selected(selector) for selector in selectors)


def find_label_value(matchers: list[LabelMatcher], *, preferred: str) -> str:
    """Find a value that all *matchers* of a label let through, rather the preferred; raises LookupError."""
    for value in (preferred, *_candidates(matchers)):
        if value and all(_lets_through(matcher, value) for matcher in matchers):
            return value
    if all(_lets_through(matcher, "") for matcher in matchers):
        return ""
    raise LookupError(matchers[0].label)


def _find_series(
    selector: Selector, process: Mapping[str, str], group: Mapping[str, str], *, avoided: Iterable[Selector]
) -> TestedSeries:
    """Find labels that *selector* takes and none of *avoided* does; raises LookupError."""
    labels = {**process, **group}
    for label in dict.fromkeys(matcher.label for matcher in selector.matchers):
        matchers = [matcher for matcher in selector.matchers if matcher.label == label]
        labels[label] = find_label_value(matchers, preferred=labels.get(label, ""))
    for other in avoided:
        if TestedSeries(selector.metric, labels).is_selected(other):
            labels = _step_aside(selector, labels, other)
    return TestedSeries(selector.metric, {label: value for label, value in labels.items() if value})


def _step_aside(selector: Selector, labels: Mapping[str, str], other: Selector) -> dict[str, str]:
    """Change one label so that *other* no longer takes the series; raises LookupError."""
    for matcher in other.matchers:
        own = [each for each in selector.matchers if each.label == matcher.label]
        for value in _candidates(own):
            fits = all(_lets_through(each, value) for each in own)
            if fits and not _lets_through(matcher, value):
                return {**labels, matcher.label: value}
    raise LookupError(other.metric)


def _candidates(matchers: Iterable[LabelMatcher]) -> Iterator[str]:
    for matcher in matchers:
        if matcher.op is MatchOp.EQUAL:
            yield matcher.value
        elif matcher.op is MatchOp.MATCH:
            for alternative in matcher.value.split("|"):
                sample = alternative
                for pattern, replacement in _SAMPLES:
                    sample = pattern.sub(replacement, sample)
                yield sample
    yield from _USUAL_VALUES


def _lets_through(matcher: LabelMatcher, value: str) -> bool:
    if matcher.op in {MatchOp.EQUAL, MatchOp.NOT_EQUAL}:
        return (matcher.value == value) == (matcher.op is MatchOp.EQUAL)
    try:
        found = re.fullmatch(matcher.value, value) is not None
    except re.error:
        return False
    return found == (matcher.op is MatchOp.MATCH)
