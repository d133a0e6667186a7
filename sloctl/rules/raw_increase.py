"""Increase of the raw counters over hours: events and errors that no rollup counted.

The first value of a series counts where the series is new in the range, at a target that was scraped before
it, and nowhere else.
"""

from msgspec import Struct

from sloctl.duration import format_duration
from sloctl.model import CountedSide, NativeLatencyIndicator, PromQL, QueryIndicator, Selector, WindowQuery
from sloctl.promql import calls_only_increase, fill_window, format_selector, join_operands
from sloctl.rules.counts import native_increase, scraped_before, union_counters
from sloctl.rules.scope import Scope
from sloctl.slo.lowering import CounterPair, lower_indicator


class IncreaseRange(Struct, frozen=True):
    """The *seconds* before an instant, and the range or the subquery in which increase() reads them.

    *zero* is a 0 for every group that there is.
    """

    seconds: int
    increase_range: str
    zero: PromQL


def raw_increase(scope: Scope, over: IncreaseRange) -> tuple[PromQL, PromQL] | None:
    """Build the events and the errors of a range; None for indicators that no counter remembers."""
    pair = lower_indicator(scope.slo.indicator)
    match pair:
        case CounterPair():
            events = scope.sum_by_group(
                union_counters(pair.total, lambda counter: _counter_increase(counter, over))
            )
            errors = _counter_errors(scope, pair, over)
        case NativeLatencyIndicator():
            events, errors = native_increase(scope, pair, over.increase_range)
        case QueryIndicator(counted, part, total):
            events, errors = (scope.sum_by_group(_fill_range(query, over)) for query in (total, part))
            if counted is CountedSide.GOOD:
                errors = _subtract_good(scope, events, errors, over)
        case _:
            return None
    return events, _default_to_zero(scope, errors, over)


def _counter_errors(scope: Scope, pair: CounterPair, over: IncreaseRange) -> PromQL:
    errors = scope.sum_by_group(
        union_counters(pair.error, lambda counter: _increase_with_new_series(counter, pair, over))
    )
    if not pair.minus:
        return errors
    good = scope.sum_by_group(
        union_counters(pair.minus, lambda counter: _increase_with_new_series(counter, pair, over))
    )
    return _subtract_good(scope, errors, good, over)


def _subtract_good(scope: Scope, every: PromQL, good: PromQL, over: IncreaseRange) -> PromQL:
    return f"{every} - {scope.match_group} {_default_to_zero(scope, good, over)}"


def _increase_with_new_series(counter: Selector, pair: CounterPair, over: IncreaseRange) -> PromQL:
    """Build the increase; all of a series that is new in the range, at a target scraped before it."""
    if not pair.count_new_series:
        return _counter_increase(counter, over)
    now, before = format_selector(counter), format_duration(over.seconds)
    witness = scraped_before(pair.total, over.seconds)
    new = f"{now} unless {now} offset {before} and on (job, instance) {witness}"
    return join_operands((new, _counter_increase(counter, over)), "or")


def _counter_increase(counter: Selector, over: IncreaseRange) -> PromQL:
    return f"increase({format_selector(counter)}[{over.increase_range}])"


def _fill_range(query: WindowQuery, over: IncreaseRange) -> PromQL:
    """Fill the range into a query of the user.

    Only increase() gives the same of fewer samples; any other function reads all of them.
    """
    few_samples_do = calls_only_increase(query)
    return fill_window(query, over.increase_range if few_samples_do else format_duration(over.seconds))


def _default_to_zero(scope: Scope, expression: PromQL, over: IncreaseRange) -> PromQL:
    return f"({expression} or {scope.match_group} {over.zero})"
