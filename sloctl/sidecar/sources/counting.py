"""The lowered pair of an SLO, counted in one scrape."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from sloctl.lower import CounterPair, EventPair, lower
from sloctl.model import (
    Condition,
    ErrorRatio,
    Labels,
    Matcher,
    MatchOp,
    NativeLatency,
    Probe,
    Query,
    Selector,
    Slo,
)
from sloctl.rollup import Counts
from sloctl.sidecar.sources import Group, Refusal
from sloctl.sidecar.sources.increases import Observed, Scrape

# What can be counted without evaluating PromQL.
Countable: TypeAlias = CounterPair | Probe


def countable(slo: Slo) -> Countable | Refusal:
    """The pair behind *slo*, or why a scrape alone cannot count it."""
    pair = lower(slo.indicator)
    if not isinstance(pair, CounterPair | Probe):
        return Refusal(slo, _needs_prometheus(pair))
    for selector in _selectors(pair):
        for matcher in selector.matchers:
            if matcher.op in {MatchOp.MATCH, MatchOp.NOT_MATCH} and not _is_pattern(matcher.value):
                return Refusal(
                    slo, f"the sidecar cannot read the pattern {matcher.value!r} of {matcher.label}"
                )
    return pair


def metrics(pair: Countable) -> frozenset[str]:
    """Names of the metrics that *pair* reads."""
    return frozenset(selector.metric for selector in _selectors(pair))


def count(slo: Slo, pair: Countable, scrape: Scrape) -> dict[Group, Counts]:
    """Events since the scrape before, per group; a group without a total is absent."""
    match pair:
        case CounterPair():
            return _increments(slo, pair, scrape)
        case Probe():
            return _samples(slo, pair, scrape)


def matches(selector: Selector, labels: Labels) -> bool:
    """Whether series of the selector's metric with *labels* are meant; an absent label is empty."""
    return all(_holds(matcher, labels.get(matcher.label, "")) for matcher in selector.matchers)


def _increments(slo: Slo, pair: CounterPair, scrape: Scrape) -> dict[Group, Counts]:
    total = _grown(slo, pair.total, scrape, pair)
    error = _grown(slo, pair.error, scrape, pair)
    minus = _grown(slo, pair.minus, scrape, pair)
    return {
        group: Counts(error=error.get(group, 0.0) - minus.get(group, 0.0), total=events)
        for group, events in total.items()
    }


def _grown(slo: Slo, selectors: Iterable[Selector], scrape: Scrape, pair: CounterPair) -> dict[Group, float]:
    grown: dict[Group, float] = {}
    for observed in _selected(selectors, scrape):
        if observed.increase is None or (observed.newborn and not pair.newborn):
            continue
        group = _group(slo, observed.labels)
        grown[group] = grown.get(group, 0.0) + observed.increase
    return grown


def _samples(slo: Slo, probe: Probe, scrape: Scrape) -> dict[Group, Counts]:
    counts: dict[Group, Counts] = {}
    for observed in _selected((probe.gauge,), scrape):
        group = _group(slo, observed.labels)
        seen = counts.get(group, Counts(0.0, 0.0))
        counts[group] = Counts(error=seen.error + 1 - observed.value, total=seen.total + 1)
    return counts


def _selected(selectors: Iterable[Selector], scrape: Scrape) -> Iterator[Observed]:
    for selector in selectors:
        for observed in scrape.get(selector.metric, ()):
            if matches(selector, observed.labels):
                yield observed


def _group(slo: Slo, labels: Labels) -> Group:
    return tuple(labels.get(label, "") for label in slo.group_by)


def _selectors(pair: Countable) -> tuple[Selector, ...]:
    match pair:
        case CounterPair():
            return (*pair.error, *pair.minus, *pair.total)
        case Probe():
            return (pair.gauge,)


def _holds(matcher: Matcher, value: str) -> bool:
    match matcher.op:
        case MatchOp.EQUAL:
            return value == matcher.value
        case MatchOp.NOT_EQUAL:
            return value != matcher.value
        case MatchOp.MATCH:
            return re.fullmatch(matcher.value, value, re.DOTALL) is not None
        case MatchOp.NOT_MATCH:
            return re.fullmatch(matcher.value, value, re.DOTALL) is None


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


_KINDS: Mapping[type[EventPair], str] = {
    NativeLatency: "a native histogram is not in the text a target exposes",
    Condition: "a condition is PromQL, which the sidecar does not evaluate",
    Query: "a query is PromQL, which the sidecar does not evaluate",
    ErrorRatio: "an error ratio is PromQL, which the sidecar does not evaluate",
}


def _needs_prometheus(pair: NativeLatency | Condition | Query | ErrorRatio) -> str:
    return f"{_KINDS[type(pair)]}: watch it through Prometheus, with the compiled rules"
