"""The fine rollups of a time in which no rule ran yet, as queries over the raw series alone."""

from sloctl.model import PromQL, Slo
from sloctl.naming import LabelStyle
from sloctl.rules.counts import events_and_errors
from sloctl.rules.scope import scope


def past_rollups(slo: Slo, style: LabelStyle) -> tuple[PromQL, PromQL]:
    """Events and errors of the minute before an instant: the rules, without what they read of each other."""
    this = scope(slo, style)
    events, errors = events_and_errors(this)
    for read in (this.events_now, this.events):
        errors = errors.replace(read, f"({events})")
    return events, errors
