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
from sloctl.model import PromQL
from sloctl.rollup import COARSE, FINE
from sloctl.rules.group import RecordingRule
from sloctl.rules.growth import Stretch, growth
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
    grown = growth(scope, Stretch(SPAN, _LOOKS, _zero(scope)))
    if grown is None:
        return ()
    events, errors = grown
    return (
        _repair(scope, naming.events(COARSE), naming.events(FINE), events),
        _repair(scope, naming.errors(COARSE), naming.errors(FINE), errors),
    )


def _repair(scope: Scope, coarse: str, fine: str, grown: PromQL) -> RecordingRule:
    part = {scope.style.part: "repair"}
    counted = scope.sum(f"sum_over_time({last(scope.own(fine), SPAN)})")
    # A minute less, so that a repair of the stretch right before this one is not counted as one of it.
    repaired = scope.sum(f"sum_over_time({ranged(scope.own(coarse, **part), SPAN - MINUTE)})")
    terms = (
        _at_last_look(f"{grown}\n  - {scope.on} {counted}"),
        f"({repaired} or {scope.on} {_zero(scope)})",
    )
    uncounted = f"clamp_min(\n{lines(terms, f'- {scope.on}')},\n0\n)"
    return scope.rollup(coarse, f"{uncounted} and {scope.on} ({_rollups(scope)} < {COMPLETE})", **part)


def _zero(scope: Scope) -> PromQL:
    """0 for every group with a rollup in the stretch, though it may be gone by now."""
    return f"0 * {_rollups(scope)}" if scope.slo.group_by else "vector(0)"


def _rollups(scope: Scope) -> PromQL:
    return scope.sum(f"count_over_time({last(scope.events, SPAN)})")


def _at_last_look(expression: PromQL) -> PromQL:
    """*expression* at the last multiple of five minutes: a millisecond less than those holds just one."""
    newest = last(f"(\n  {expression}\n)", COARSE).removesuffix("]")
    return f"last_over_time({newest}:{format_duration(COARSE)}])"
