"""The scope of every expression about one SLO: its labels, its grouping, its own recorded series."""

from typing import Final, Self

from msgspec import Struct, structs

from sloctl import naming
from sloctl.model import Labels, PromQL, Slo
from sloctl.naming import LabelStyle
from sloctl.promql import aggregate_by, format_matchers, join_matchers, range_selector
from sloctl.rules.rule import RecordingRule
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, Resolutions, build_resolutions

# How far back to look for a series of the slow group, which sits exactly on Prometheus's own five minutes.
STALENESS: Final = 2 * COARSE_STEP


class Scope(Struct, frozen=True):
    """One SLO in one label style. Expressions it builds carry the labels of `groupBy` and no others.

    *raw_events* stands for the rollup of all events where no rule has recorded it.
    """

    slo: Slo
    style: LabelStyle
    resolutions: Resolutions
    # Worked out once, as each of an SLO's thirty rules asks for them: the labels of its rollups and those of
    # its published series, and what selects a series that its rules recorded.
    identity_labels: Labels
    published_labels: Labels
    own_matcher: PromQL
    raw_events: PromQL = ""

    @classmethod
    def from_slo(cls, slo: Slo, style: LabelStyle, *, raw_events: PromQL = "") -> Self:
        """Work out the resolutions of *slo*, and keep the rest."""
        resolutions = build_resolutions(slo.alerting.policy, slo.window.longest)
        identity = style.identity_labels(slo)
        published = {**slo.labels, **identity}
        own = format_matchers(style.id_label(slo))
        return cls(slo, style, resolutions, identity, published, own, raw_events)

    def with_raw_events(self, raw_events: PromQL) -> Self:
        """Return the same scope, in which *raw_events* stands for the rollup of all events."""
        return structs.replace(self, raw_events=raw_events)

    @property
    def fine_events(self) -> PromQL:
        """The fine rollup of all events, with its labels."""
        return self.raw_events or self.recorded_series(naming.event_count_metric(FINE_STEP))

    @property
    def events_now(self) -> PromQL:
        """The fine rollup of all events that this very turn recorded.

        After a restart of Prometheus nothing marks the rollups from before as stale: where a first turn finds
        no events, a plain selector would find those of minutes ago.
        """
        return self.raw_events or f"last_over_time({range_selector(self.fine_events, FINE_STEP // 2)})"

    @property
    def _zero_events(self) -> PromQL:
        return f"0 * {self.fine_events}" if self.slo.group_by else "vector(0)"

    def ratio_metric(self, lookback: int) -> str:
        """Name the series of errors per event over one of the SLO's lookbacks."""
        window = self.slo.window
        if lookback == window.longest:
            return naming.window_ratio_metric(window)
        return naming.error_ratio_metric(lookback)

    @property
    def match_group(self) -> str:
        """Matching on the group, or on nothing."""
        return f"on ({', '.join(self.slo.group_by)})"

    def recorded_series(self, metric: str, **more: str) -> PromQL:
        """Select a series that this SLO's rules recorded."""
        if more:
            return join_matchers(metric, self.own_matcher, format_matchers(more))
        return f"{metric}{{{self.own_matcher}}}"

    def sum_by_group(self, expression: PromQL) -> PromQL:
        """Sum *expression* per group, or over everything."""
        return aggregate_by("sum", self.slo.group_by, expression)

    def max_by_group(self, expression: PromQL) -> PromQL:
        """Take the value of a published series, without its labels.

        While a spec's labels change there are two such series for a moment; the worse one counts.
        """
        return aggregate_by("max", self.slo.group_by, expression)

    def min_by_group(self, expression: PromQL) -> PromQL:
        """Take the lowest value per group, without other labels."""
        return aggregate_by("min", self.slo.group_by, expression)

    def or_zero(self, expression: PromQL) -> PromQL:
        """Add a 0 for every group that has events and nothing here."""
        return f"(\n{expression}\n) or {self.match_group} {self._zero_events}"

    def bound_by_events(self, errors: PromQL) -> PromQL:
        """Keep *errors*, which hold no NaN, within 0 and the events of this very turn; none are 0.

        What compares as greater than the events, or with none at all, is replaced by the events.
        """
        known = f"clamp_min({self.or_zero(errors)}, 0)"
        now = self.events_now
        return f"({known} <= {self.match_group} {now}) or {self.match_group} {now}"

    def rollup_rule(self, record: str, expression: PromQL, **more: str) -> RecordingRule:
        """Record a count: identity only, so that a changed label of the spec never breaks a window."""
        return RecordingRule(record, expression, {**self.identity_labels, **more})

    def published_rule(self, record: str, expression: PromQL, **more: str) -> RecordingRule:
        """Record a series for people: identity and the spec's labels."""
        return RecordingRule(record, expression, {**self.published_labels, **more})
