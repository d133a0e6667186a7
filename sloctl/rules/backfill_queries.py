"""What rules would have recorded of a time in which none ran yet, as queries over the raw series alone."""

from sloctl.duration import format_duration
from sloctl.model import PromQL, Slo
from sloctl.naming import LabelStyle
from sloctl.rules.counts import events_and_errors
from sloctl.rules.raw_increase import IncreaseRange, raw_increase
from sloctl.rules.scope import build_scope


def backfill_rollups(slo: Slo, style: LabelStyle) -> tuple[PromQL, PromQL]:
    """Events and errors of the minute before an instant: the rules, without what they read of each other."""
    this = build_scope(slo, style)
    events, errors = events_and_errors(this)
    for read in (this.events_now, this.fine_events):
        errors = errors.replace(read, f"({events})")
    return events, errors


def backfill_increase(slo: Slo, style: LabelStyle, seconds: int) -> tuple[PromQL, PromQL] | None:
    """Events and errors of the *seconds* before an instant, holes included; None where no counter remembers.

    For a hole: what the counters grew by from the last scrape before it to the first ones after it.
    """
    events, _ = backfill_rollups(slo, style)
    zero = f"0 * ({events})" if slo.group_by else "vector(0)"
    return raw_increase(build_scope(slo, style), IncreaseRange(seconds, format_duration(seconds), zero))
