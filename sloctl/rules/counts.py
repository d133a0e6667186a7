"""Events and errors of the last minute, counted from the raw series every minute.

No other rule reads raw series that often. A rollup counts each event in exactly one step. Nothing but counts
leaves here: where nothing happened there is no sample, never NaN, and errors lie within 0 and the events.

An increase over one minute would see only the differences between the scrapes inside that minute. Rollups
therefore look back one scrape further, R = step + scrape interval, and scale by K = step / R.

`increase()` never sees the first value of a series. A series that is born counts with that value, in
`_new_series`: docs/decisions/births.md says what was tried and measured. Where the errors, or the good ones,
are some of the very series of all events, those that are born are recorded first, and both sides read them
there: most of the time there are none.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias, assert_never

from sloctl import naming
from sloctl.duration import MINUTE, format_duration
from sloctl.model import (
    CompositeIndicator,
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    LabelMatcher,
    MatchOp,
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
from sloctl.rules.rule import RecordingRule
from sloctl.rules.scope import Scope
from sloctl.slo.lowering import BucketProof, CounterPair, EventPair, lower_indicator
from sloctl.slo.resolutions import FINE_STEP
from sloctl.slo.window_queries import may_be_nan

# Seconds before now at which a born series was not there. Only a hole longer than the time between two looks
# fools both: what was away for up to four minutes is no birth, at every phase of its scrapes.
_LOOKS: Final = (MINUTE, 5 * MINUTE)
# NaN compares with nothing; one infinite count would stay in every window for as long as NaN would.
COUNTS_ALONE: Final = ">= 0 < Inf"

# Gives those series of a counter that were born in the step, with their first values.
_Births: TypeAlias = Callable[[Selector], PromQL]


def count_rules(scope: Scope) -> list[RecordingRule]:
    """Build the rules of the fine rollups, in order: each reads what those before have just recorded."""
    rules = []
    pair = lower_indicator(scope.slo.indicator)
    if isinstance(pair, CounterPair) and pair.shares_new_series:
        new = union_counters(pair.total, lambda counter: _new_series(counter, pair))
        rules.append(RecordingRule(naming.NEW_SERIES, new, _counted_by(scope)))
        events, errors = _counter_counts(scope, pair, lambda counter: _recorded_births(scope, pair, counter))
    else:
        events, errors = unbound_counts(scope)
    if not isinstance(pair, ConditionIndicator):
        errors = scope.bound_by_events(errors)
    rules.append(scope.rollup_rule(naming.event_count_metric(FINE_STEP), events))
    rules.append(scope.rollup_rule(naming.error_count_metric(FINE_STEP), errors))
    return rules


def unchained_count_rules(scope: Scope) -> list[RecordingRule]:
    """Build the fine rollups for an engine whose rules see no others of their turn: of raw series alone."""
    events, errors = unbound_counts(scope)
    if not isinstance(lower_indicator(scope.slo.indicator), ConditionIndicator):
        raw = Scope.from_slo(scope.slo, scope.style, raw_events=f"({events})")
        errors = raw.bound_by_events(unbound_counts(raw)[1])
    return [
        scope.rollup_rule(naming.event_count_metric(FINE_STEP), events),
        scope.rollup_rule(naming.error_count_metric(FINE_STEP), errors),
    ]


def unbound_counts(scope: Scope) -> tuple[PromQL, PromQL]:
    """Build events and errors from the raw series alone, which may be those of any time.

    Errors may be absent, negative or more than the events.
    """
    pair: EventPair = lower_indicator(scope.slo.indicator)
    match pair:
        case CounterPair():
            return _counter_counts(scope, pair, lambda counter: _new_series(counter, pair))
        case NativeLatencyIndicator():
            count, slow = native_increase(scope, pair, format_duration(_increase_range(scope)))
            return f"{_scale_to_step(scope, count)} >= 0", _scale_to_step(scope, slow)
        case ConditionIndicator():
            return _condition_counts(scope, pair)
        case ProbeIndicator():
            return _probe_counts(scope, pair)
        case QueryIndicator():
            return _query_counts(scope, pair)
        case ErrorRatioIndicator():
            return _error_ratio_counts(scope, pair)
        case CompositeIndicator():
            raise TypeError(f"{scope.slo.id} is a journey, whose parts are counted")
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


def with_proven_bucket(counted: PromQL, proof: BucketProof | None, lookback: str = "") -> PromQL:
    """Keep those of *counted*, series of a histogram's count, whose histogram has the threshold as a bound.

    With a *lookback*, a range or a subquery, also those whose histogram had it then.
    """
    if proof is None:
        return counted
    bound, above, below = (format_selector(selector) for selector in (proof.bound, proof.above, proof.below))
    if lookback:
        bound = f"last_over_time({bound}[{lookback}])"
    return (
        f"(\n{counted}\n) and ignoring (le) (\n"
        f"  {bound}\n"
        f"  or min without (le) ({above}) > 0 unless ignoring (le) {below}\n"
        ")"
    )


def without_unknown_histograms(
    counted: PromQL, pair: CounterPair, counters: tuple[Selector, ...], *, reach: str
) -> PromQL:
    """Drop from *counted*, those of *counters*, the histograms that do not say the other side.

    A bucket that is NaN or infinite in *reach*, what increase() reads, has no increase: all events would be
    errors. So has such a count: its good events would hide the errors of others.
    """
    if pair.bucket_proof is None:
        return counted
    other = [format_selector(it) for it in (pair.minus if counters == pair.total else pair.total)]
    return f"(\n{counted}\n) unless ignoring (le) ({_find_no_numbers(other, other, reach)})"


def without_unknown_processes(counted: PromQL, pair: CounterPair, *, reach: str) -> PromQL:
    """Drop from *counted* the series of a process that does not say what else it counted.

    A counter that is NaN or infinite in *reach*, what increase() reads, has no increase. Where good or bad
    events are counted by a metric of their own, they would be none: a total outage, or a silent one. Good
    events of an unknown total would hide the errors of others; that is asked of this moment alone, as more
    would cost more than a series may.
    """
    other = [format_selector(counter) for counter in _counters_of_their_own(pair)]
    if not other:
        return counted
    if pair.minus:
        total = [format_selector(counter) for counter in pair.total]
        unknown = _find_no_numbers([*other, *total], other, reach)
    else:
        # Of bad events that have no increase there are none, whatever the range holds.
        unknown = _find_no_numbers(other, [], reach)
    return f"(\n{counted}\n) unless on ({', '.join(pair.identity_labels)}) ({unknown})"


def _find_no_numbers(now: Iterable[PromQL], in_range: Iterable[PromQL], reach: str) -> PromQL:
    """Find which series are NaN or infinite *now*, and which *in_range*, in what increase() reads.

    NaN at an end of it, or Inf anywhere, makes an increase that is no number.
    """
    looks = [*now, *(f"increase({series}[{reach}])" for series in in_range)]
    return " or ".join(f"0 * {look} != 0" for look in looks)


def without_lost_groups(scope: Scope, pair: CounterPair, events: PromQL) -> PromQL:
    """Drop all events while a label of `groupBy` stands on one side alone: no group would have its errors.

    Where both sides have the label everywhere, the first two selectors find nothing.
    """
    lost = [
        f"({_join_series(other, label, '=')} unless on () {_join_series(pair.total, label, '=')})"
        f" or ({_join_series(pair.total, label, '=')} and on () {_join_series(other, label, '!=')}"
        f" unless on () ({_join_series(other, label, '=')} or {_join_series(pair.total, label, '!=')}))"
        for other in [_counters_of_their_own(pair)]
        if other
        for label in scope.slo.group_by
    ]
    # In brackets: a difference binds tighter than unless.
    return f"(({events}) unless on () ({' or '.join(lost)}))" if lost else events


def _counters_of_their_own(pair: CounterPair) -> list[Selector]:
    """Return the counters of good or bad events whose metric is none of the total's."""
    if pair.bucket_proof is not None:
        return []
    every = {counter.metric for counter in pair.total}
    return [counter for counter in pair.beside_total if counter.metric not in every]


def _join_series(counters: Iterable[Selector], label: str, operator: str) -> PromQL:
    """Select the series that have *label* (`!=`), or have it not (`=`)."""
    matcher = LabelMatcher(label, MatchOp(operator), "")
    series = (format_selector(Selector(it.metric, (*it.matchers, matcher))) for it in counters)
    return f"({' or '.join(series)})"


def native_increase(scope: Scope, latency: NativeLatencyIndicator, reach: str) -> tuple[PromQL, PromQL]:
    """Count the observations of a native histogram, and those above the threshold.

    *reach* is the range, or the subquery, that increase() reads.
    """
    observed = scope.sum_by_group(f"increase({format_selector(latency.histogram)}[{reach}])")
    count = f"histogram_count({observed})"
    fast = f"histogram_fraction(-Inf, {format_number(latency.bound)}, {observed})"
    # Without observations the fraction is NaN, which the comparison drops.
    return count, f"({count} * (1 - {fast}) >= 0)"


def _increase_range(scope: Scope) -> int:
    return FINE_STEP + scope.slo.scrape_interval


def _scale_to_step(scope: Scope, expression: PromQL) -> PromQL:
    return f"{expression} * {FINE_STEP} / {_increase_range(scope)}"


def _counter_counts(scope: Scope, pair: CounterPair, births: _Births) -> tuple[PromQL, PromQL]:
    def grown(counters: tuple[Selector, ...]) -> PromQL:
        return union_counters(counters, lambda counter: _grown_counter(scope, pair, counter, births))

    proven = with_proven_bucket(grown(pair.total), pair.bucket_proof)
    events = without_lost_groups(scope, pair, _sum_counts(scope, pair, pair.total, proven))
    if not pair.minus:
        return events, _sum_counts(scope, pair, pair.error, grown(pair.error))
    less = _sum_counts(scope, pair, pair.minus, grown(pair.minus))
    if pair.error == pair.total:
        return events, _rest_of_events(scope, less)
    errors = _sum_counts(scope, pair, pair.error, grown(pair.error))
    return events, f"{errors} - {scope.match_group} ({scope.or_zero(less)})"


def _sum_counts(scope: Scope, pair: CounterPair, counters: tuple[Selector, ...], counts: PromQL) -> PromQL:
    """Sum per group what is a number among *counts* of *counters*, of processes that say all they count."""
    reach = format_duration(_increase_range(scope))
    known = without_unknown_histograms(counts, pair, counters, reach=reach)
    known = without_unknown_processes(known, pair, reach=reach)
    return scope.sum_by_group(f"(\n{known}\n) {COUNTS_ALONE}")


def _rest_of_events(scope: Scope, good: PromQL) -> PromQL:
    return f"{scope.events_now} - {scope.match_group} ({scope.or_zero(good)})"


def _grown_counter(scope: Scope, pair: CounterPair, counter: Selector, births: _Births) -> PromQL:
    """Give of each series its increments in the step, or the first value of one that was born."""
    samples = range_selector(format_selector(counter), _increase_range(scope))
    increase = _scale_to_step(scope, f"increase({samples})")
    if not pair.count_new_series:
        return increase
    added = [naming.NEW_SERIES_LABEL, *(["slo_part"] if len(pair.total) > 1 else [])]
    # Of births that are recorded; others have no such label.
    matching = f"ignoring ({', '.join(added)}) " if pair.shares_new_series else ""
    return f"{births(counter)}\nor {matching}{increase}"


def _recorded_births(scope: Scope, pair: CounterPair, counter: Selector) -> PromQL:
    """Read what this very turn recorded of the births of a counter, which is a part of one of all events."""
    part, whole = next((part, each) for part, each in enumerate(pair.total, start=1) if counter.refines(each))
    labels = _counted_by(scope) | ({"slo_part": str(part)} if len(pair.total) > 1 else {})
    own = tuple(LabelMatcher(label, MatchOp.EQUAL, value) for label, value in labels.items())
    narrower = tuple(matcher for matcher in counter.matchers if matcher not in whole.matchers)
    recorded = format_selector(Selector(naming.NEW_SERIES, own + narrower))
    return f"last_over_time({range_selector(recorded, FINE_STEP // 2)})"


def _counted_by(scope: Scope) -> dict[str, str]:
    return {naming.NEW_SERIES_LABEL: scope.style.slo_id(scope.slo)}


def _new_series(counter: Selector, pair: CounterPair) -> PromQL:
    """Select the series that were born in this step: a first value counts instead of an increase.

    A born series was at none of the looks, and comes in a scrape in which something of its process went on,
    so its newest sample is no later than the newest of those that were there a minute ago. After a rename, a
    gap, at a new process, nothing went on: what is new is later than all that is old. The second of tolerance
    is for exporters that stamp each metric by itself.
    """
    series = format_selector(counter)
    looks = " or ".join(f"{series} offset {format_duration(look)}" for look in _LOOKS)
    identity = ", ".join(pair.identity_labels)
    went_on = " or ".join(
        f"timestamp({counter}) and {counter} offset {format_duration(FINE_STEP)}"
        for counter in map(format_selector, pair.total)
    )
    return (
        f"{series} and (\n"
        f"  (timestamp({series}) unless ({looks})) - 1 <= on ({identity}) group_left ()\n"
        f"  max by ({identity}) ({went_on})\n"
        ")"
    )


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


def _probe_counts(scope: Scope, probe: ProbeIndicator) -> tuple[PromQL, PromQL]:
    samples = last_range(format_selector(probe.gauge), FINE_STEP)
    good = scope.sum_by_group(f"sum_over_time({samples}) {COUNTS_ALONE}")
    return f"{scope.sum_by_group(f'count_over_time({samples})')} >= 0", _rest_of_events(scope, good)


def _query_counts(scope: Scope, query: QueryIndicator) -> tuple[PromQL, PromQL]:
    window = format_duration(_increase_range(scope))
    numerator = fill_window(query.numerator, window)
    total, part = (
        _scale_to_step(scope, scope.sum_by_group(f"({text}) > -Inf < Inf"))
        for text in (fill_window(query.total, window), numerator)
    )
    events = f"{total} >= 0"
    if may_be_nan(query.numerator):
        # Events of which the query knows neither errors nor good ones are no events.
        known = f"{aggregate_by('max', scope.slo.group_by, f'0 * ({numerator})')} >= bool 0"
        events = f"({events})\nunless {scope.match_group} (({known}) == 0)"
    return events, _rest_of_events(scope, part) if query.counted is CountedSide.GOOD else part


def _error_ratio_counts(scope: Scope, indicator: ErrorRatioIndicator) -> tuple[PromQL, PromQL]:
    """Count each minute whose ratio is known as one event, bad to the degree of the ratio."""
    ratio = fill_window(indicator.ratio, format_duration(_increase_range(scope)))
    bad = aggregate_by("avg", scope.slo.group_by, f"clamp({ratio}, 0, 1) >= 0")
    return f"0 * {bad} + 1", bad
