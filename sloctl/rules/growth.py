"""What the raw counters grew by over a longer stretch: events and errors that no rollup counted.

Law: a first value counts where the series was born within the stretch at a target scraped before it, and
nowhere else.
"""

from msgspec import Struct

from sloctl.duration import format_duration
from sloctl.lower import CounterPair, lower
from sloctl.model import Counted, NativeLatency, PromQL, Query, Selector, WindowQuery
from sloctl.promql import calls_only_increase, selector
from sloctl.rules.counts import each, native_growth, seen
from sloctl.rules.scope import Scope, lines


class Stretch(Struct, frozen=True):
    """The *seconds* before an instant; *looks* is the range, or the subquery, in which increase() reads them.

    *zero* is a 0 for every group that there is.
    """

    seconds: int
    looks: str
    zero: PromQL


def growth(scope: Scope, over: Stretch) -> tuple[PromQL, PromQL] | None:
    """Events and errors as the raw counters tell them; None for indicators that no counter remembers."""
    pair = lower(scope.slo.indicator)
    match pair:
        case CounterPair():
            events = scope.sum(each(pair.total, lambda counter: _increase(counter, over)))
            errors = _counter_errors(scope, pair, over)
        case NativeLatency():
            events, errors = native_growth(scope, pair, over.looks)
        case Query(counted, part, total):
            events, errors = (scope.sum(_over_stretch(query, over)) for query in (total, part))
            if counted is Counted.GOOD:
                errors = _without(scope, events, errors, over)
        case _:
            return None
    return events, _or_zero(scope, errors, over)


def _counter_errors(scope: Scope, pair: CounterPair, over: Stretch) -> PromQL:
    errors = scope.sum(each(pair.error, lambda counter: _with_births(counter, pair, over)))
    if not pair.minus:
        return errors
    good = scope.sum(each(pair.minus, lambda counter: _with_births(counter, pair, over)))
    return _without(scope, errors, good, over)


def _without(scope: Scope, every: PromQL, good: PromQL, over: Stretch) -> PromQL:
    return f"{every} - {scope.on} {_or_zero(scope, good, over)}"


def _with_births(counter: Selector, pair: CounterPair, over: Stretch) -> PromQL:
    """The increase; but all of a series that was born in the stretch at a target scraped before it."""
    if not pair.newborn:
        return _increase(counter, over)
    now, before = selector(counter), format_duration(over.seconds)
    born = f"{now} unless {now} offset {before} and on (job, instance) {seen(pair.total, over.seconds)}"
    return lines((born, _increase(counter, over)), "or")


def _increase(counter: Selector, over: Stretch) -> PromQL:
    return f"increase({selector(counter)}[{over.looks}])"


def _over_stretch(query: WindowQuery, over: Stretch) -> PromQL:
    """Only increase() gives the same of fewer samples; any other function of the user's reads all of them."""
    return query.over(over.looks if calls_only_increase(query) else format_duration(over.seconds))


def _or_zero(scope: Scope, expression: PromQL, over: Stretch) -> PromQL:
    return f"({expression} or {scope.on} {over.zero})"
