"""What the raw counters grew by over a longer stretch: events and errors that no rollup counted.

Law: a first value counts where the series was born within the stretch at a target scraped before it, and
nowhere else.
"""

from msgspec import Struct

from sloctl.duration import format_duration
from sloctl.model import CountedSide, NativeLatencyIndicator, PromQL, QueryIndicator, Selector, WindowQuery
from sloctl.promql import calls_only_increase, format_selector
from sloctl.rules.counts import native_increase, scraped_before, union_counters
from sloctl.rules.scope import Scope, join_operands
from sloctl.slo.lowering import CounterPair, lower_indicator


class IncreaseRange(Struct, frozen=True):
    """The *seconds* before an instant; *looks* is the range, or the subquery, in which increase() reads them.

    *zero* is a 0 for every group that there is.
    """

    seconds: int
    increase_range: str
    zero: PromQL


def raw_increase(scope: Scope, over: IncreaseRange) -> tuple[PromQL, PromQL] | None:
    """Events and errors as the raw counters tell them; None for indicators that no counter remembers."""
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
            events, errors = (scope.sum_by_group(_over_stretch(query, over)) for query in (total, part))
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
    """The increase; but all of a series that was born in the stretch at a target scraped before it."""
    if not pair.count_new_series:
        return _counter_increase(counter, over)
    now, before = format_selector(counter), format_duration(over.seconds)
    witness = scraped_before(pair.total, over.seconds)
    born = f"{now} unless {now} offset {before} and on (job, instance) {witness}"
    return join_operands((born, _counter_increase(counter, over)), "or")


def _counter_increase(counter: Selector, over: IncreaseRange) -> PromQL:
    return f"increase({format_selector(counter)}[{over.increase_range}])"


def _over_stretch(query: WindowQuery, over: IncreaseRange) -> PromQL:
    """Only increase() gives the same of fewer samples; any other function of the user's reads all of them."""
    return query.with_range(
        over.increase_range if calls_only_increase(query) else format_duration(over.seconds)
    )


def _default_to_zero(scope: Scope, expression: PromQL, over: IncreaseRange) -> PromQL:
    return f"({expression} or {scope.match_group} {over.zero})"
