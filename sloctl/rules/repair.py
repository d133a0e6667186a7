"""What happened while Prometheus could not look, found once an hour in the raw counters.

Counters go on counting through a downtime; rollups do not. Where fine rollups are missing from the last three
hours, the difference between the raw increase and everything already counted is added as one coarse rollup,
marked with the part label. Nothing is ever taken back, so a repair is never negative.
"""

from sloctl import naming
from sloctl.duration import HOUR, MINUTE, format_duration
from sloctl.lower import CounterPair, lower
from sloctl.model import Counted, NativeLatency, PromQL, Query
from sloctl.rollup import COARSE, FINE
from sloctl.rules.counts import increase, native_increase
from sloctl.rules.group import RecordingRule
from sloctl.rules.scope import Scope, last, ranged

INTERVAL = HOUR
REACH = 3 * HOUR
# One rollup a minute; two missing are not worth a repair.
COMPLETE = REACH // FINE - 2


def repair_rules(scope: Scope) -> tuple[RecordingRule, ...]:
    """Repairs of events and errors; none for indicators that no counter remembers."""
    raw = _raw_increases(scope)
    if raw is None:
        return ()
    events, errors = raw
    return (
        _repair(scope, naming.events(COARSE), naming.events(FINE), events),
        _repair(scope, naming.errors(COARSE), naming.errors(FINE), errors),
    )


def _raw_increases(scope: Scope) -> tuple[PromQL, PromQL] | None:
    match lower(scope.slo.indicator):
        case CounterPair(error, (), total):
            return increase(scope, total, REACH), increase(scope, error, REACH)
        case CounterPair(error, minus, total):
            good = scope.or_zero(increase(scope, minus, REACH))
            return increase(scope, total, REACH), f"{increase(scope, error, REACH)} - {scope.on} {good}"
        case NativeLatency() as latency:
            return native_increase(scope, latency, REACH)
        case Query(counted, part, total):
            events, named = (scope.sum(query.over(format_duration(REACH))) for query in (total, part))
            return (
                events,
                named if counted is Counted.ERROR else f"{events} - {scope.on} {scope.or_zero(named)}",
            )
        case _:
            return None


def _repair(scope: Scope, coarse: str, fine: str, raw: PromQL) -> RecordingRule:
    part = {scope.style.part: "repair"}
    counted = scope.sum(f"sum_over_time({last(scope.own(fine), REACH)})")
    # A minute less, so that the repair made exactly three hours ago is not counted as one of this stretch.
    repaired = scope.sum(f"sum_over_time({ranged(scope.own(coarse, **part), REACH - MINUTE)})")
    missing = f"{scope.sum(f'count_over_time({last(scope.events, REACH)})')} < {COMPLETE}"
    expr = (
        f"clamp_min(\n  {raw}\n  - {scope.on} {counted}\n  - {scope.on} {scope.or_zero(repaired)},\n  0\n)"
        f" and {scope.on} ({missing})"
    )
    return scope.rollup(coarse, expr, **part)
