"""Queries over the raw series alone, for a time in which no rule ran: what the rules would have recorded."""

from sloctl.duration import format_duration
from sloctl.model import PromQL, Slo
from sloctl.naming import LabelStyle
from sloctl.rules.counts import events_and_errors
from sloctl.rules.raw_increase import IncreaseRange, raw_increase
from sloctl.rules.scope import Scope


def backfill_rollups(slo: Slo, style: LabelStyle) -> tuple[PromQL, PromQL]:
    """Return the events and the errors of the minute before an instant, as the rules count them."""
    events, _ = events_and_errors(Scope.from_slo(slo, style))
    # Errors are measured against the rollup of events: its expression stands for what nobody recorded.
    return events, events_and_errors(Scope.from_slo(slo, style, raw_events=f"({events})"))[1]


def backfill_increase(slo: Slo, style: LabelStyle, seconds: int) -> tuple[PromQL, PromQL] | None:
    """Return the events and the errors of the *seconds* before an instant, holes included.

    For a hole: what the counters grew by from the last scrape before it to the first ones after it. None for
    indicators that no counter remembers.
    """
    events, _ = backfill_rollups(slo, style)
    zero = f"0 * ({events})" if slo.group_by else "vector(0)"
    return raw_increase(Scope.from_slo(slo, style), IncreaseRange(seconds, format_duration(seconds), zero))
