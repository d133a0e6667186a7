"""What every expression about one SLO needs: its labels, its grouping, its own recorded series."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from sloctl import naming
from sloctl.duration import format_duration
from sloctl.model import Labels, PromQL, Slo
from sloctl.naming import LabelStyle
from sloctl.promql import aggregate, labelled
from sloctl.rollup import COARSE, FINE, Ladder, ladder
from sloctl.rules.group import RecordingRule

# How far back to look for a series of the slow group, which sits exactly on Prometheus's own five minutes.
STALENESS: Final = 2 * COARSE


class Scope(Struct, frozen=True):
    """One SLO in one label style. Expressions it builds carry the labels of `groupBy` and no others."""

    slo: Slo
    style: LabelStyle
    ladder: Ladder

    @property
    def events(self) -> PromQL:
        """The fine rollup of all events, with its labels."""
        return self.own(naming.events(FINE))

    @property
    def events_now(self) -> PromQL:
        """The fine rollup of all events that this very turn recorded.

        After a restart of Prometheus nothing marks the rollups from before as stale: where a first turn finds
        no events, a plain selector would find those of minutes ago.
        """
        return f"last_over_time({ranged(self.events, FINE // 2)})"

    @property
    def errors(self) -> PromQL:
        """The fine rollup of the bad events, with its labels."""
        return self.own(naming.errors(FINE))

    @property
    def on(self) -> str:
        """Matching on the group, or on nothing."""
        return f"on ({', '.join(self.slo.group_by)})"

    def own(self, metric: str, **more: str) -> PromQL:
        """A series that this SLO's rules recorded."""
        return labelled(metric, {**self.style.selecting(self.slo), **more})

    def sum(self, expression: PromQL) -> PromQL:
        return aggregate("sum", self.slo.group_by, expression)

    def max(self, expression: PromQL) -> PromQL:
        """The value of a published series, without its labels.

        While a spec's labels change there are two such series for a moment; the worse one counts.
        """
        return aggregate("max", self.slo.group_by, expression)

    def or_zero(self, expression: PromQL) -> PromQL:
        """0 for every group that has events and nothing here."""
        zero = f"0 * {self.events}" if self.slo.group_by else "vector(0)"
        return f"({expression} or {self.on} {zero})"

    def rollup(self, record: str, expression: PromQL, **more: str) -> RecordingRule:
        """A recorded count: identity only, so that a changed label of the spec never breaks a window."""
        return RecordingRule(record, expression, {**self.style.identity(self.slo), **more})

    def published(self, record: str, expression: PromQL, **more: str) -> RecordingRule:
        """A series for people: identity and the spec's labels."""
        return RecordingRule(record, expression, {**self.labels, **more})

    @property
    def labels(self) -> Labels:
        return {**self.slo.labels, **self.style.identity(self.slo)}


def scope(slo: Slo, style: LabelStyle) -> Scope:
    return Scope(slo, style, ladder(slo.alerting.policy, slo.window.seconds))


def ranged(expression: PromQL, seconds: int) -> PromQL:
    return f"{expression}[{format_duration(seconds)}]"


def last(expression: PromQL, seconds: int) -> PromQL:
    """The last *seconds* of samples that were written at another phase than the reader's.

    A millisecond less, so that a sample on either edge counts once: Prometheus 2 closes ranges on both sides.
    """
    return f"{expression}[{format_duration(seconds - 1)}999ms]"


def lines(parts: Iterable[str], operator: str) -> PromQL:
    """Operands one a line, so that a person can read them."""
    return f"\n{operator} ".join(parts)
