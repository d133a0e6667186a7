"""What every expression about one SLO needs: its labels, its grouping, its own recorded series."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from sloctl import naming
from sloctl.duration import format_duration
from sloctl.model import Labels, PromQL, Slo
from sloctl.naming import LabelStyle
from sloctl.promql import aggregate_by, metric_selector
from sloctl.rules.rule import RecordingRule
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, Resolutions, build_resolutions

# How far back to look for a series of the slow group, which sits exactly on Prometheus's own five minutes.
STALENESS: Final = 2 * COARSE_STEP


class Scope(Struct, frozen=True):
    """One SLO in one label style. Expressions it builds carry the labels of `groupBy` and no others."""

    slo: Slo
    style: LabelStyle
    resolutions: Resolutions

    @property
    def fine_events(self) -> PromQL:
        """The fine rollup of all events, with its labels."""
        return self.recorded_series(naming.event_count_metric(FINE_STEP))

    @property
    def events_now(self) -> PromQL:
        """The fine rollup of all events that this very turn recorded.

        After a restart of Prometheus nothing marks the rollups from before as stale: where a first turn finds
        no events, a plain selector would find those of minutes ago.
        """
        return f"last_over_time({range_selector(self.fine_events, FINE_STEP // 2)})"

    @property
    def fine_errors(self) -> PromQL:
        """The fine rollup of the bad events, with its labels."""
        return self.recorded_series(naming.error_count_metric(FINE_STEP))

    @property
    def match_group(self) -> str:
        """Matching on the group, or on nothing."""
        return f"on ({', '.join(self.slo.group_by)})"

    def recorded_series(self, metric: str, **more: str) -> PromQL:
        """A series that this SLO's rules recorded."""
        return metric_selector(metric, {**self.style.id_label(self.slo), **more})

    def sum_by_group(self, expression: PromQL) -> PromQL:
        return aggregate_by("sum", self.slo.group_by, expression)

    def max_by_group(self, expression: PromQL) -> PromQL:
        """The value of a published series, without its labels.

        While a spec's labels change there are two such series for a moment; the worse one counts.
        """
        return aggregate_by("max", self.slo.group_by, expression)

    def or_zero(self, expression: PromQL) -> PromQL:
        """0 for every group that has events and nothing here."""
        zero = f"0 * {self.fine_events}" if self.slo.group_by else "vector(0)"
        return f"({expression} or {self.match_group} {zero})"

    def rollup_rule(self, record: str, expression: PromQL, **more: str) -> RecordingRule:
        """A recorded count: identity only, so that a changed label of the spec never breaks a window."""
        return RecordingRule(record, expression, {**self.style.identity_labels(self.slo), **more})

    def published_rule(self, record: str, expression: PromQL, **more: str) -> RecordingRule:
        """A series for people: identity and the spec's labels."""
        return RecordingRule(record, expression, {**self.published_labels, **more})

    @property
    def published_labels(self) -> Labels:
        return {**self.slo.labels, **self.style.identity_labels(self.slo)}


def build_scope(slo: Slo, style: LabelStyle) -> Scope:
    return Scope(slo, style, build_resolutions(slo.alerting.policy, slo.window.seconds))


def range_selector(expression: PromQL, seconds: int) -> PromQL:
    return f"{expression}[{format_duration(seconds)}]"


def last_range(expression: PromQL, seconds: int) -> PromQL:
    """The last *seconds* of samples that were written at another phase than the reader's.

    A millisecond less, so that a sample on either edge counts once: Prometheus 2 closes ranges on both sides.
    """
    return f"{expression}[{format_duration(seconds - 1)}999ms]"


def join_operands(parts: Iterable[str], operator: str) -> PromQL:
    """Operands one a line, so that a person can read them."""
    return f"\n{operator} ".join(parts)
