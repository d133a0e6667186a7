"""What happened while Prometheus could not look, found once an hour in the raw counters.

Counters go on counting through a downtime; rollups do not. Where fine rollups are missing from the last six
hours, the difference between what the counters grew by and everything already counted is added as one coarse
rollup, marked with the part label. Nothing is ever taken back, so a repair is never negative.

Six hours of every scrape would cost more than all other rules together, so a repair looks at each counter
once in five minutes. A subquery's instants are multiples of its step, whenever its reader comes; the
difference is therefore taken at the last such instant: then the first and the last look are the ends of the
stretch, increase() extrapolates nothing, and what is subtracted was counted in the same stretch.
"""

from typing import Final

from sloctl import naming
from sloctl.duration import HOUR, MINUTE, format_duration
from sloctl.lower import CounterPair, lower
from sloctl.model import Counted, NativeLatency, PromQL, Query, Selector, WindowQuery
from sloctl.promql import calls_only_increase, selector
from sloctl.rollup import COARSE, FINE
from sloctl.rules.counts import each, native_growth, seen
from sloctl.rules.group import RecordingRule
from sloctl.rules.scope import Scope, last, lines, ranged

# Nothing older than this before its turn is in a repair.
REACH: Final = 6 * HOUR
# The stretch that is compared ends at the last multiple of five minutes.
SPAN: Final = REACH - COARSE
# A rollup a minute; two missing are not worth a repair.
COMPLETE: Final = SPAN // FINE - 2
# A millisecond more than the stretch, so that its first instant counts where ranges are open on the left.
_LOOKS: Final = f"{format_duration(SPAN)}1ms:{format_duration(COARSE)}"


def repair_rules(scope: Scope) -> tuple[RecordingRule, ...]:
    """Repairs of events and errors; none for indicators that no counter remembers."""
    grown = _growth(scope)
    if grown is None:
        return ()
    events, errors = grown
    return (
        _repair(scope, naming.events(COARSE), naming.events(FINE), events),
        _repair(scope, naming.errors(COARSE), naming.errors(FINE), _or_zero(scope, errors)),
    )


def _growth(scope: Scope) -> tuple[PromQL, PromQL] | None:
    """Events and errors of the stretch, as the raw counters tell them."""
    pair = lower(scope.slo.indicator)
    match pair:
        case CounterPair():
            return scope.sum(each(pair.total, _increase)), _counter_errors(scope, pair)
        case NativeLatency():
            return native_growth(scope, pair, _LOOKS)
        case Query(counted, part, total):
            events, named = (scope.sum(_over_stretch(query)) for query in (total, part))
            return (
                events,
                named if counted is Counted.ERROR else f"{events} - {scope.on} {_or_zero(scope, named)}",
            )
        case _:
            return None


def _counter_errors(scope: Scope, pair: CounterPair) -> PromQL:
    errors = scope.sum(each(pair.error, lambda counter: _growth_of(counter, pair)))
    if not pair.minus:
        return errors
    good = scope.sum(each(pair.minus, lambda counter: _growth_of(counter, pair)))
    return f"{errors} - {scope.on} {_or_zero(scope, good)}"


def _growth_of(counter: Selector, pair: CounterPair) -> PromQL:
    """The increase; but all of a series that was born in the stretch at a target scraped before it."""
    if not pair.newborn:
        return _increase(counter)
    now, before = selector(counter), format_duration(SPAN)
    born = f"{now} unless {now} offset {before} and on (job, instance) {seen(pair.total, SPAN)}"
    return lines((born, _increase(counter)), "or")


def _increase(counter: Selector) -> PromQL:
    return f"increase({selector(counter)}[{_LOOKS}])"


def _over_stretch(query: WindowQuery) -> PromQL:
    """Only increase() gives the same of fewer samples; any other function of the user's reads all of them."""
    return query.over(_LOOKS if calls_only_increase(query) else format_duration(SPAN))


def _repair(scope: Scope, coarse: str, fine: str, grown: PromQL) -> RecordingRule:
    part = {scope.style.part: "repair"}
    counted = scope.sum(f"sum_over_time({last(scope.own(fine), SPAN)})")
    # A minute less, so that a repair of the stretch right before this one is not counted as one of it.
    repaired = scope.sum(f"sum_over_time({ranged(scope.own(coarse, **part), SPAN - MINUTE)})")
    terms = (_at_last_look(f"{grown}\n  - {scope.on} {counted}"), _or_zero(scope, repaired))
    uncounted = f"clamp_min(\n{lines(terms, f'- {scope.on}')},\n0\n)"
    return scope.rollup(coarse, f"{uncounted} and {scope.on} ({_rollups(scope)} < {COMPLETE})", **part)


def _or_zero(scope: Scope, expression: PromQL) -> PromQL:
    """0 for every group with a rollup in the stretch, though it may be gone by now."""
    zero = f"0 * {_rollups(scope)}" if scope.slo.group_by else "vector(0)"
    return f"({expression} or {scope.on} {zero})"


def _rollups(scope: Scope) -> PromQL:
    return scope.sum(f"count_over_time({last(scope.events, SPAN)})")


def _at_last_look(expression: PromQL) -> PromQL:
    """*expression* at the last multiple of five minutes: a millisecond less than those holds just one."""
    newest = last(f"(\n  {expression}\n)", COARSE).removesuffix("]")
    return f"last_over_time({newest}:{format_duration(COARSE)}])"
