"""Increase of the raw counters over hours: events and errors that no rollup counted.

What is brought in late must be what the minutes would have given, or nothing: never more. So a query of the
user is read over hours only where the sum over a range is by construction the sum over its minutes, and a
first value counts only at a process that was there before the range and still is.
"""

from msgspec import Struct

from sloctl.duration import format_duration
from sloctl.model import CountedSide, NativeLatencyIndicator, PromQL, QueryIndicator, Selector, WindowQuery
from sloctl.promql import calls_only_increase, fill_window, format_selector
from sloctl.rules.counts import (
    COUNTS_ALONE,
    native_increase,
    union_counters,
    with_proven_bucket,
    without_lost_groups,
    without_unknown_histograms,
    without_unknown_processes,
)
from sloctl.rules.scope import Scope
from sloctl.slo.lowering import CounterPair, lower_indicator
from sloctl.slo.window_queries import is_additive


class IncreaseRange(Struct, frozen=True):
    """The *seconds* before an instant, and the range or the subquery in which increase() reads them.

    *sparse_range* holds half of the looks of a subquery, or is empty where increase() reads every sample;
    in *proof_range* the buckets of latencies are looked for. *zero* is a 0 for every group that there is.
    """

    seconds: int
    increase_range: str
    sparse_range: str
    proof_range: str
    zero: PromQL


def raw_increase(scope: Scope, over: IncreaseRange) -> tuple[PromQL, PromQL] | None:
    """Build the events and the errors of a range; None for indicators that no counter remembers.

    Errors may be negative or more than the events.
    """
    if scope.slo.time_slice is not None:
        # The sum over hours does not tell which of their minutes were good.
        return None
    pair = lower_indicator(scope.slo.indicator)
    match pair:
        case CounterPair():
            events = _sum_increase(scope, pair, pair.total, over)
            errors = events if pair.error == pair.total else _sum_increase(scope, pair, pair.error, over)
            if pair.minus:
                errors = _subtract(scope, errors, _sum_increase(scope, pair, pair.minus, over), over)
        case NativeLatencyIndicator():
            events, errors = native_increase(scope, pair, over.increase_range)
        case QueryIndicator(counted, part, total) if is_additive(part) and is_additive(total):
            events, errors = (
                scope.sum_by_group(f"({_fill_range(query, over)}) > -Inf < Inf") for query in (total, part)
            )
            if counted is CountedSide.GOOD:
                errors = _subtract(scope, events, errors, over)
        case _:
            return None
    return events, _default_to_zero(scope, errors, over)


def _sum_increase(
    scope: Scope, pair: CounterPair, counters: tuple[Selector, ...], over: IncreaseRange
) -> PromQL:
    """Sum what the counters grew by; all of a series that is new in the range."""

    def grown(counter: Selector) -> PromQL:
        series = format_selector(counter)
        increase = f"increase({series}[{over.increase_range}]){_correct_ends(series, over)}"
        return f"{_new_series(series, pair, over)}\nor {increase}" if pair.count_new_series else increase

    counts = union_counters(counters, grown)
    if counters == pair.total:
        counts = with_proven_bucket(counts, pair.bucket_proof, over.proof_range)
    known = without_unknown_histograms(counts, pair, counters, reach=over.increase_range)
    known = without_unknown_processes(known, pair, reach=over.increase_range)
    increase = scope.sum_by_group(f"(\n{known}\n) {COUNTS_ALONE}")
    return without_lost_groups(scope, pair, increase) if counters == pair.total else increase


def _new_series(series: PromQL, pair: CounterPair, over: IncreaseRange) -> PromQL:
    before = format_duration(over.seconds)
    went_on = " or ".join(
        f"{counter} and {counter} offset {before}" for counter in map(format_selector, pair.total)
    )
    return (
        f"({series} unless {series} offset {before}) and on ({', '.join(pair.identity_labels)}) ({went_on})"
    )


def _correct_ends(series: PromQL, over: IncreaseRange) -> PromQL:
    """Take off what increase() over looks adds at each end at which a series was not there.

    It extrapolates by half the time between two looks, which are far apart: of n looks over n - 1 intervals
    it makes n - 0.5 or n. At both ends nothing is added. Half of the looks tell a least number of them.
    """
    if not over.sparse_range:
        return ""
    looks = f"(2 * count_over_time({series}[{over.sparse_range}]) - 1)"
    before = f"{series} offset {format_duration(over.seconds)}"
    return (
        f" * (\n  0 * ({series} and {before}) + 1"
        f"\n  or 1 - 0.5 / ({looks} - 0.5) and ({series} or {before})"
        f"\n  or 1 - 1 / {looks}\n)"
    )


def _subtract(scope: Scope, counts: PromQL, less: PromQL, over: IncreaseRange) -> PromQL:
    return f"{counts} - {scope.match_group} {_default_to_zero(scope, less, over)}"


def _fill_range(query: WindowQuery, over: IncreaseRange) -> PromQL:
    """Fill the range into a query of the user.

    Only increase() gives the same of fewer samples; any other function reads all of them.
    """
    few_samples_do = calls_only_increase(query)
    return fill_window(query, over.increase_range if few_samples_do else format_duration(over.seconds))


def _default_to_zero(scope: Scope, expression: PromQL, over: IncreaseRange) -> PromQL:
    return f"({expression} or {scope.match_group} {over.zero})"
