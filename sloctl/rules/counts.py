"""Events and errors of the last minute, from the raw series: the only rules that read those every minute.

Law: a rollup counts each event in exactly one step, and no event is no sample, never NaN.

An increase over one minute would see only the differences between the scrapes inside that minute. Rollups
therefore look back one scrape further, R = step + scrape interval, and scale by K = step / R.
"""

from collections.abc import Callable
from typing import assert_never

from sloctl.decimals import decimal
from sloctl.duration import format_duration
from sloctl.lower import CounterPair, EventPair, lower
from sloctl.model import (
    Condition,
    Counted,
    ErrorRatio,
    NativeLatency,
    Probe,
    PromQL,
    Query,
    Selector,
    WhenAbsent,
)
from sloctl.promql import aggregate, selector
from sloctl.rollup import FINE
from sloctl.rules.scope import Scope, last, lines, ranged


def events_and_errors(scope: Scope) -> tuple[PromQL, PromQL]:
    """Expressions of the fine rollups; the second may read what the first has just recorded."""
    pair: EventPair = lower(scope.slo.indicator)
    match pair:
        case CounterPair():
            return _increase(scope, pair.total), _counter_errors(scope, pair)
        case NativeLatency():
            return _native_latency(scope, pair)
        case Condition():
            return _condition(scope, pair)
        case Probe():
            return _probe(scope, pair)
        case Query():
            return _query(scope, pair)
        case ErrorRatio():
            return _error_ratio(scope, pair)
        case _:
            assert_never(pair)


def each(counters: tuple[Selector, ...], expression: Callable[[Selector], PromQL]) -> PromQL:
    """The union over several metrics, told apart by a label lest equal label sets hide each other."""
    if len(counters) == 1:
        return expression(counters[0])
    return lines(
        (
            f'label_replace({expression(counter)}, "slo_part", "{number}", "", "")'
            for number, counter in enumerate(counters, start=1)
        ),
        "or",
    )


def seen(total: tuple[Selector, ...], seconds: int) -> PromQL:
    """Counters of events as they were *seconds* ago: the targets that were scraped then."""
    before = lines((f"{selector(counter)} offset {format_duration(seconds)}" for counter in total), "or")
    return f"({before})" if len(total) > 1 else before


def native_growth(scope: Scope, latency: NativeLatency, reach: str) -> tuple[PromQL, PromQL]:
    """Observations, and those above the threshold, of a native histogram in a range (or subquery) *reach*."""
    observed = scope.sum(f"increase({selector(latency.histogram)}[{reach}])")
    count = f"histogram_count({observed})"
    fast = f"histogram_fraction(-Inf, {decimal(latency.threshold)}, {observed})"
    # Without observations the fraction is NaN, which the comparison drops.
    return count, f"({count} * (1 - {fast}) >= 0)"


def _reach(scope: Scope) -> int:
    return FINE + scope.slo.scrape_interval


def _scaled(scope: Scope, expression: PromQL) -> PromQL:
    return f"{expression} * {FINE} / {_reach(scope)}"


def _increase(scope: Scope, counters: tuple[Selector, ...]) -> PromQL:
    """Increments of all counters together, per group; of several metrics whatever is there."""
    reach = _reach(scope)
    grown = scope.sum(each(counters, lambda counter: f"increase({ranged(selector(counter), reach)})"))
    return _scaled(scope, grown)


def _counter_errors(scope: Scope, pair: CounterPair) -> PromQL:
    if pair.minus:
        good = scope.or_zero(_increase(scope, pair.minus))
        terms = [scope.events_now, f"- {scope.on} {good}"]
        if pair.newborn:
            terms += [f"+ {scope.on} {_births(scope, pair.error, pair.total)}"]
            terms += [f"- {scope.on} {_births(scope, pair.minus, pair.total)}"]
        return "clamp_min(\n  " + "\n  ".join(terms) + ",\n  0\n)"
    terms = [scope.or_zero(_increase(scope, pair.error))]
    if pair.newborn:
        terms += [f"+ {scope.on} {_births(scope, pair.error, pair.total)}"]
    return "(\n  " + "\n  ".join(terms) + f"\n) and {scope.on} {scope.events_now}"


def _births(scope: Scope, counters: tuple[Selector, ...], total: tuple[Selector, ...]) -> PromQL:
    """First values of series born in this step, which increase() never sees.

    Born is what exists now and did not a step ago, at a target whose events were already scraped then: after
    a gap, at a new pod or after a failed scrape nothing is counted.
    """
    born = each(counters, lambda counter: _born(scope, selector(counter)))
    return scope.or_zero(scope.sum(f"({born}) and on (job, instance) {seen(total, FINE)}"))


def _born(scope: Scope, counter: PromQL) -> PromQL:
    return f"min_over_time({ranged(counter, _reach(scope))}) and {counter} unless {counter} offset 1m"


def _native_latency(scope: Scope, latency: NativeLatency) -> tuple[PromQL, PromQL]:
    count, slow = native_growth(scope, latency, format_duration(_reach(scope)))
    return _scaled(scope, count), f"{scope.or_zero(_scaled(scope, slow))} and {scope.on} {scope.events_now}"


def _condition(scope: Scope, condition: Condition) -> tuple[PromQL, PromQL]:
    """Good only when every series is; a minute without an answer counts as the spec says."""
    good = aggregate("min", scope.slo.group_by, condition.good)
    match condition.when_absent:
        case WhenAbsent.IGNORE:
            return f"0 * {good} + 1", f"1 - {good}"
        case WhenAbsent.BAD:
            return "vector(1)", f"1 - {good} or on () vector(1)"
        case WhenAbsent.GOOD:
            return "vector(1)", f"1 - {good} or on () vector(0)"
        case _:
            assert_never(condition.when_absent)


def _probe(scope: Scope, probe: Probe) -> tuple[PromQL, PromQL]:
    samples = last(selector(probe.gauge), FINE)
    good = scope.sum(f"sum_over_time({samples})")
    return scope.sum(f"count_over_time({samples})"), f"clamp_min({scope.events_now} - {scope.on} {good}, 0)"


def _query(scope: Scope, query: Query) -> tuple[PromQL, PromQL]:
    window = format_duration(_reach(scope))
    total = _scaled(scope, scope.sum(query.total.over(window)))
    part = scope.or_zero(_scaled(scope, scope.sum(query.part.over(window))))
    if query.counted is Counted.GOOD:
        return total, f"clamp_min({scope.events_now} - {scope.on} {part}, 0)"
    return total, f"{part} and {scope.on} {scope.events_now}"


def _error_ratio(scope: Scope, indicator: ErrorRatio) -> tuple[PromQL, PromQL]:
    """A minute whose ratio is not known (absent or NaN) is no event."""
    ratio = indicator.ratio.over(format_duration(_reach(scope)))
    bad = aggregate("avg", scope.slo.group_by, f"clamp({ratio}, 0, 1) >= 0")
    return f"0 * {bad} + 1", bad
