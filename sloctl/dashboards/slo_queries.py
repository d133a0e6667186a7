"""Queries that tables, numbers and timelines share: budgets, burn rates and alerts of one SLO or of many.

Each asks the rules' series first and the sidecar's behind `or`: where rules record an answer, it is theirs.
"""

from msgspec import Struct

from sloctl import naming
from sloctl.dashboards import sidecar_metrics
from sloctl.dashboards.theme import LASTS_PERIOD, NOT_BURNING, PAGE, PENDING, QUIET, TICKET
from sloctl.duration import DAY, format_duration
from sloctl.model import Alerting, AlertKind, PromQL, Severity, SpentStep, Window
from sloctl.naming import NATIVE_STYLE, LabelStyle
from sloctl.promql import aggregate_by, format_matchers, join_matchers, range_selector
from sloctl.slo.resolutions import COARSE_STEP


class QueryScope(Struct, frozen=True):
    """Which series are asked for, and by which labels the worst of many is taken.

    *rolling_only* leaves out what is asked about calendar windows.
    """

    style: LabelStyle
    matchers: PromQL
    group_labels: tuple[str, ...]
    rolling_only: bool = False

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


def even_budget_left(scope: QueryScope) -> PromQL:
    """Query what an even spending over the period of a calendar window leaves at each moment."""
    return scope.recorded_or_exposed(
        _share_ahead(scope, naming.PERIOD_START, naming.PERIOD_END),
        _share_ahead(scope, sidecar_metrics.PERIOD_START, sidecar_metrics.PERIOD_END),
    )


def availability(scope: QueryScope, window: Window) -> PromQL:
    """Query the share of good events of a window, of several groups the least; absent without events."""
    slow = range_selector(scope.select_series(naming.window_ratio_metric(window)), 2 * COARSE_STEP)
    exposed = scope.select_series(sidecar_metrics.ERROR_RATIO, lookback=naming.window_name(window))
    recorded = scope.max_by(f"last_over_time({slow})")
    return f"1 - ({scope.recorded_or_exposed(recorded, scope.max_by(exposed))})"


def _share_ahead(scope: QueryScope, start: str, end: str) -> PromQL:
    begins, ends = (f"max({scope.select_series(metric)})" for metric in (start, end))
    return f"({ends} - time()) / ({ends} - {begins})"


def current_burn_rate(scope: QueryScope) -> PromQL:
    """Query the burn rate of the last five minutes; absent when nothing happened in them."""
    recorded = scope.max_by(scope.select_series(naming.CURRENT_BURN_RATE))
    exposed = scope.max_by(scope.select_lookback(sidecar_metrics.BURN_RATE, COARSE_STEP))
    return scope.recorded_or_exposed(recorded, exposed)


def time_to_exhaustion(scope: QueryScope) -> PromQL:
    """Query the seconds until the budget is gone at the burn rate of the last five minutes.

    As `slo.burn.time_to_exhaustion` defines it, but NOT_BURNING stands for infinite, LASTS_PERIOD for a
    budget that lasts until the period of a calendar ends. Of several groups it is
    that of the one that burns fastest, whose burn rate `current_burn_rate` gives.
    """
    left, burn = scope.select_series(naming.BUDGET_REMAINING), scope.select_series(naming.CURRENT_BURN_RATE)
    fastest, slo_id = _fastest(scope, burn), scope.style.id
    window = f"max by ({slo_id}) ({scope.select_series(naming.TIME_PERIOD)}) * {DAY}"
    lasting, quiet = "", f"clamp_min({left} > 0, {NOT_BURNING})"
    burning = f"clamp_min({left}, 0) / ({fastest} >= 1) * on ({slo_id}) group_left () {window}"
    if not scope.rolling_only:
        # Of a calendar window: whatever the burn, unless the budget is whole again before.
        ends = f"max by ({slo_id}) ({scope.select_series(naming.PERIOD_END)})"
        lasts = f"clamp_min({left}, 0) / ({fastest} > 0) * on ({slo_id}) group_left () {window}"
        ending = f"{lasts} < on ({slo_id}) group_left () ({ends} - time())"
        burning = f"({ending} or {burning} unless on ({slo_id}) {ends})"
        lasting = f"(clamp_min({left} > 0, {LASTS_PERIOD}) and on ({slo_id}) {ends} and {fastest} >= 1) or "
    otherwise = f"({lasting}{quiet} or clamp_min({left} <= 0, 0)) and {fastest}"
    recorded = scope.min_by(f"{burning} or {otherwise}")

    left = scope.select_series(sidecar_metrics.BUDGET_REMAINING)
    fastest = _fastest(scope, scope.select_lookback(sidecar_metrics.BURN_RATE, COARSE_STEP))
    # The sidecar exposes no time where nothing burns.
    known = f"{scope.select_series(sidecar_metrics.TIME_TO_EXHAUSTION)} and ignoring (lookback) {fastest}"
    otherwise = f"clamp_min({left} > 0, {NOT_BURNING}) and ignoring (lookback) ({fastest} < 1)"
    if not scope.rolling_only:
        lasting = f"clamp_min({left} > 0, {LASTS_PERIOD}) and ignoring (lookback) ({fastest} >= 1)"
        otherwise = f"{otherwise} or {lasting}"
    return scope.recorded_or_exposed(recorded, scope.min_by(f"{known} or {otherwise}"))


def _fastest(scope: QueryScope, burn: PromQL) -> PromQL:
    labels = ", ".join(scope.group_labels)
    return f"({burn} == on ({labels}) group_left () {scope.max_by(burn)})"


def worst_alert(scope: QueryScope) -> PromQL:
    """Query the worst alert firing, as in theme.ALERT_WORDS; absent where none is."""
    return scope.max_by(_firing_states(scope))


def alert_state(scope: QueryScope, known: PromQL) -> PromQL:
    """Query the worst alert firing, but quiet wherever *known* has a sample."""
    return scope.max_by(f"{_firing_states(scope)} or {QUIET} * {known}")


def one_alert(
    scope: QueryScope, alerting: Alerting, kind: AlertKind, step: SpentStep | None = None
) -> PromQL:
    """Query one alert, firing or pending, as in theme.ALERT_WORDS."""
    alert = scope.style.alert_identity(alerting, kind, step=step)
    severity = alerting.severity_of(kind, step)
    fires = PAGE if severity is Severity.PAGE else TICKET
    pending = scope.select_alerts(state="pending", **alert)
    return f"{fires} * {scope.select_alerts(**alert)} or {PENDING} * {pending}"


def _firing_states(scope: QueryScope) -> PromQL:
    page, ticket = (scope.firing_alerts(severity) for severity in (Severity.PAGE, Severity.TICKET))
    return f"{PAGE} * {page} or {TICKET} * {ticket}"
