"""Events and errors of the last minute, counted from the raw series every minute.

No other rule reads raw series that often. A rollup counts each event in exactly one step, and where nothing
happened there is no sample, never NaN.

An increase over one minute would see only the differences between the scrapes inside that minute. Rollups
therefore look back one scrape further, R = step + scrape interval, and scale by K = step / R.
"""

from collections.abc import Callable
from typing import assert_never

from sloctl.duration import format_duration
from sloctl.model import (
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    NativeLatencyIndicator,
    ProbeIndicator,
    PromQL,
    QueryIndicator,
    Selector,
    WhenAbsent,
)
from sloctl.promql import (
    aggregate_by,
    fill_window,
    format_number,
    format_selector,
    join_operands,
    last_range,
    range_selector,
)
from sloctl.rules.scope import Scope
from sloctl.slo.lowering import CounterPair, EventPair, lower_indicator
from sloctl.slo.resolutions import FINE_STEP


def events_and_errors(scope: Scope) -> tuple[PromQL, PromQL]:
    """Build the expressions of the fine rollups; the second may read what the first has just recorded."""
    pair: EventPair = lower_indicator(scope.slo.indicator)
    match pair:
        case CounterPair():
            return _counter_increase(scope, pair.total), _counter_errors(scope, pair)
        case NativeLatencyIndicator():
            return _native_latency(scope, pair)
        case ConditionIndicator():
            return _condition_counts(scope, pair)
        case ProbeIndicator():
            return _probe(scope, pair)
        case QueryIndicator():
            return _query(scope, pair)
        case ErrorRatioIndicator():
            return _error_ratio(scope, pair)
        case _:
            assert_never(pair)


def union_counters(counters: tuple[Selector, ...], expression: Callable[[Selector], PromQL]) -> PromQL:
    """Join several metrics with `or`, under a label of their own, lest equal label sets hide each other."""
    if len(counters) == 1:
        return expression(counters[0])
    return join_operands(
        (
            f'label_replace({expression(counter)}, "slo_part", "{number}", "", "")'
            for number, counter in enumerate(counters, start=1)
        ),
        "or",
    )


def scraped_before(total: tuple[Selector, ...], seconds: int) -> PromQL:
    """Select the counters of events as they were *seconds* ago: the targets that were scraped then."""
    before = join_operands(
        (f"{format_selector(counter)} offset {format_duration(seconds)}" for counter in total), "or"
    )
    return f"({before})" if len(total) > 1 else before


def native_increase(scope: Scope, latency: NativeLatencyIndicator, reach: str) -> tuple[PromQL, PromQL]:
    """Count the observations of a native histogram, and those above the threshold.

    *reach* is the range, or the subquery, that increase() reads.
    """
    observed = scope.sum_by_group(f"increase({format_selector(latency.histogram)}[{reach}])")
    count = f"histogram_count({observed})"
    fast = f"histogram_fraction(-Inf, {format_number(latency.threshold)}, {observed})"
    # Without observations the fraction is NaN, which the comparison drops.
    return count, f"({count} * (1 - {fast}) >= 0)"


def _increase_range(scope: Scope) -> int:
    return FINE_STEP + scope.slo.scrape_interval


def _scale_to_step(scope: Scope, expression: PromQL) -> PromQL:
    return f"{expression} * {FINE_STEP} / {_increase_range(scope)}"


def _counter_increase(scope: Scope, counters: tuple[Selector, ...]) -> PromQL:
    """Sum the increments of all counters per group; of several metrics whatever is there."""
    reach = _increase_range(scope)
    increments = scope.sum_by_group(
        union_counters(
            counters, lambda counter: f"increase({range_selector(format_selector(counter), reach)})"
        )
    )
    return _scale_to_step(scope, increments)


def _counter_errors(scope: Scope, pair: CounterPair) -> PromQL:
    if pair.minus:
        good = scope.or_zero(_counter_increase(scope, pair.minus))
        terms = [scope.events_now, f"- {scope.match_group} {good}"]
        if pair.count_new_series:
            terms += [f"+ {scope.match_group} {_new_series_values(scope, pair.error, pair.total)}"]
            terms += [f"- {scope.match_group} {_new_series_values(scope, pair.minus, pair.total)}"]
        return "clamp_min(\n  " + "\n  ".join(terms) + ",\n  0\n)"
    terms = [scope.or_zero(_counter_increase(scope, pair.error))]
    if pair.count_new_series:
        terms += [f"+ {scope.match_group} {_new_series_values(scope, pair.error, pair.total)}"]
    return "(\n  " + "\n  ".join(terms) + f"\n) and {scope.match_group} {scope.events_now}"


def _new_series_values(scope: Scope, counters: tuple[Selector, ...], total: tuple[Selector, ...]) -> PromQL:
    """Sum the first values of the series that are new in this step, which increase() never sees.

    New is what exists now and did not a step ago, at a target whose events were already scraped then: after
    a gap, at a new pod or after a failed scrape nothing is counted.
    """
    new = union_counters(counters, lambda counter: _new_series(scope, format_selector(counter)))
    return scope.or_zero(
        scope.sum_by_group(f"({new}) and on (job, instance) {scraped_before(total, FINE_STEP)}")
    )


def _new_series(scope: Scope, counter: PromQL) -> PromQL:
    least = f"min_over_time({range_selector(counter, _increase_range(scope))})"
    return f"{least} and {counter} unless {counter} offset 1m"


def _native_latency(scope: Scope, latency: NativeLatencyIndicator) -> tuple[PromQL, PromQL]:
    count, slow = native_increase(scope, latency, format_duration(_increase_range(scope)))
    return _scale_to_step(
        scope, count
    ), f"{scope.or_zero(_scale_to_step(scope, slow))} and {scope.match_group} {scope.events_now}"


def _condition_counts(scope: Scope, condition: ConditionIndicator) -> tuple[PromQL, PromQL]:
    """Count a minute as good only when every series is; one without an answer as the spec says."""
    good = aggregate_by("min", scope.slo.group_by, condition.good)
    match condition.when_absent:
        case WhenAbsent.IGNORE:
            return f"0 * {good} + 1", f"1 - {good}"
        case WhenAbsent.BAD:
            return "vector(1)", f"1 - {good} or on () vector(1)"
        case WhenAbsent.GOOD:
            return "vector(1)", f"1 - {good} or on () vector(0)"
        case _:
            assert_never(condition.when_absent)


def _probe(scope: Scope, probe: ProbeIndicator) -> tuple[PromQL, PromQL]:
    samples = last_range(format_selector(probe.gauge), FINE_STEP)
    good = scope.sum_by_group(f"sum_over_time({samples})")
    return scope.sum_by_group(
        f"count_over_time({samples})"
    ), f"clamp_min({scope.events_now} - {scope.match_group} {good}, 0)"


def _query(scope: Scope, query: QueryIndicator) -> tuple[PromQL, PromQL]:
    window = format_duration(_increase_range(scope))
    total = _scale_to_step(scope, scope.sum_by_group(fill_window(query.total, window)))
    part = scope.or_zero(_scale_to_step(scope, scope.sum_by_group(fill_window(query.numerator, window))))
    if query.counted is CountedSide.GOOD:
        return total, f"clamp_min({scope.events_now} - {scope.match_group} {part}, 0)"
    return total, f"{part} and {scope.match_group} {scope.events_now}"


def _error_ratio(scope: Scope, indicator: ErrorRatioIndicator) -> tuple[PromQL, PromQL]:
    """Count each minute whose ratio is known as one event, bad to the degree of the ratio."""
    ratio = fill_window(indicator.ratio, format_duration(_increase_range(scope)))
    bad = aggregate_by("avg", scope.slo.group_by, f"clamp({ratio}, 0, 1) >= 0")
    return f"0 * {bad} + 1", bad
