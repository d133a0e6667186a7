"""Queries that tables, numbers and timelines share: budgets, burn rates and alerts of one SLO or of many.

Each asks the rules' series first and the sidecar's behind `or`: where rules record an answer, it is theirs.
"""

from msgspec import Struct

from sloctl import naming
from sloctl.dashboards import sidecar_metrics
from sloctl.dashboards.theme import MAX_TIME_LEFT, PAGE, PENDING, QUIET, TICKET
from sloctl.duration import DAY, format_duration
from sloctl.model import PromQL, Severity
from sloctl.naming import NATIVE_STYLE, LabelStyle
from sloctl.promql import aggregate_by, format_matchers, join_matchers
from sloctl.slo.resolutions import COARSE_STEP


class QueryScope(Struct, frozen=True):
    """Which series are asked for, and by which labels the worst of many is taken."""

    style: LabelStyle
    matchers: PromQL
    group_labels: tuple[str, ...]

    def select_series(self, metric: str, **labels: str) -> PromQL:
        """Select *metric* with the scope's matchers and these label values."""
        return join_matchers(metric, self.matchers, format_matchers(labels))

    def select_lookback(self, metric: str, lookback: int) -> PromQL:
        """Select a metric of the sidecar's over *lookback* seconds."""
        return self.select_series(metric, lookback=format_duration(lookback))

    def select_alerts(self, *, state: str = "firing", **labels: str) -> PromQL:
        """Select Prometheus's own series of alerts: one sample for each that is in *state*."""
        return self.select_series("ALERTS", **labels, alertstate=state)

    def max_by(self, expression: PromQL) -> PromQL:
        return aggregate_by("max", self.group_labels, expression)

    def min_by(self, expression: PromQL) -> PromQL:
        return aggregate_by("min", self.group_labels, expression)

    def recorded_or_exposed(self, recorded: PromQL, exposed: PromQL) -> PromQL:
        """Take what the rules recorded, else what the sidecar exposes; goes in brackets in a larger query."""
        return f"{recorded} or {exposed}" if self.style == NATIVE_STYLE else recorded

    def firing_alerts(self, severity: Severity) -> PromQL:
        """Select, in brackets, one sample for each alert that fires."""
        ruled = self.select_alerts(**{self.style.severity: severity.value})
        return f"({self.recorded_or_exposed(ruled, self.sidecar_firing_alerts(severity))})"

    def sidecar_firing_alerts(self, severity: Severity) -> PromQL:
        """Select the burn alerts that the sidecar says fire."""
        return f"{self.select_series(sidecar_metrics.ALERT_FIRING, severity=severity.value)} == 1"

    def budget_remaining(self) -> PromQL:
        """Select, in brackets, what is left of each budget."""
        recorded = self.select_series(naming.BUDGET_REMAINING)
        exposed = self.select_series(sidecar_metrics.BUDGET_REMAINING)
        return f"({self.recorded_or_exposed(recorded, exposed)})"


def budget_left(scope: QueryScope) -> PromQL:
    """Query the share of the budget that is left; negative when overspent."""
    recorded = scope.min_by(scope.select_series(naming.BUDGET_REMAINING))
    exposed = scope.min_by(scope.select_series(sidecar_metrics.BUDGET_REMAINING))
    return scope.recorded_or_exposed(recorded, exposed)


def current_burn_rate(scope: QueryScope) -> PromQL:
    """Query the burn rate of the last five minutes; absent when nothing happened in them."""
    recorded = scope.max_by(scope.select_series(naming.CURRENT_BURN_RATE))
    exposed = scope.max_by(scope.select_lookback(sidecar_metrics.BURN_RATE, COARSE_STEP))
    return scope.recorded_or_exposed(recorded, exposed)


def time_to_exhaustion(asked: QueryScope) -> PromQL:
    """Seconds until the budget is gone at the current burn: 0 once it is, at most LONG; absent is unknown."""
    return asked.recorded_or_exposed(
        asked.min_by(_gone_in_by_rules(asked)), asked.min_by(_gone_in_live(asked))
    )


def _gone_in_live(asked: QueryScope) -> PromQL:
    """The sidecar tells no time where nothing burns."""
    left, burn = (
        asked.select_series(sidecar_metrics.BUDGET_REMAINING),
        asked.select_lookback(sidecar_metrics.BURN_RATE, COARSE_STEP),
    )
    known = asked.select_series(sidecar_metrics.TIME_TO_EXHAUSTION)
    never = f"clamp_min({left}, {MAX_TIME_LEFT}) and ignoring (lookback) {burn} == 0"
    return f"clamp_min({left} <= 0, 0) or clamp_max({known}, {MAX_TIME_LEFT}) or {never}"


def _gone_in_by_rules(asked: QueryScope) -> PromQL:
    left, burn = asked.select_series(naming.BUDGET_REMAINING), asked.select_series(naming.CURRENT_BURN_RATE)
    days = f"max by ({asked.style.id}) ({asked.select_series(naming.TIME_PERIOD)})"
    # Nothing burns: the quotient is infinite, and LONG.
    at_this_rate = f"({left} > 0) / {burn} * on ({asked.style.id}) group_left () {days} * {DAY}"
    return f"clamp_max({at_this_rate}, {MAX_TIME_LEFT}) or clamp_min({left} <= 0, 0)"


def worst_alert(scope: QueryScope) -> PromQL:
    """Query the worst alert firing, as in theme.ALERT_WORDS; absent where none is."""
    return scope.max_by(_firing_states(scope))


def alert_state(scope: QueryScope, known: PromQL) -> PromQL:
    """Query the worst alert firing, but quiet wherever *known* has a sample."""
    return scope.max_by(f"{_firing_states(scope)} or {QUIET} * {known}")


def one_alert(scope: QueryScope, name: str, severity: Severity) -> PromQL:
    """Query one alert, firing or pending, as in theme.ALERT_WORDS."""
    alert = {"alertname": name, scope.style.severity: severity.value}
    fires = PAGE if severity is Severity.PAGE else TICKET
    pending = scope.select_alerts(state="pending", **alert)
    return f"{fires} * {scope.select_alerts(**alert)} or {PENDING} * {pending}"


def _firing_states(scope: QueryScope) -> PromQL:
    page, ticket = (scope.firing_alerts(severity) for severity in (Severity.PAGE, Severity.TICKET))
    return f"{PAGE} * {page} or {TICKET} * {ticket}"
