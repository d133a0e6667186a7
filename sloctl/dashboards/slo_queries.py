"""The questions that tables and timelines ask about budgets and alerts, as PromQL, of one SLO or of many."""

from typing import Final

from msgspec import Struct

from sloctl import naming
from sloctl.dashboards import sidecar_metrics
from sloctl.dashboards.theme import MAX_TIME_LEFT, PAGE, PENDING, QUIET, TICKET
from sloctl.duration import DAY
from sloctl.model import PromQL, Severity
from sloctl.naming import NATIVE_STYLE, LabelStyle
from sloctl.promql import aggregate_by
from sloctl.slo.resolutions import COARSE_STEP

FIRING_STATE: Final = 'alertstate="firing"'
PENDING_STATE: Final = 'alertstate="pending"'


class QueryScope(Struct, frozen=True):
    """Series with *where*, one answer per value of the labels *by*: the worst of many."""

    style: LabelStyle
    matchers: PromQL
    group_labels: tuple[str, ...]

    def select_series(self, metric: str, labels: PromQL = "") -> PromQL:
        matchers = ", ".join(part for part in (self.matchers, labels) if part)
        return f"{metric}{{{matchers}}}" if matchers else metric

    def max_by(self, expression: PromQL) -> PromQL:
        return aggregate_by("max", self.group_labels, expression)

    def min_by(self, expression: PromQL) -> PromQL:
        return aggregate_by("min", self.group_labels, expression)

    def recorded_or_exposed(self, recorded: PromQL, exposed: PromQL) -> PromQL:
        """What the rules recorded, else what the sidecar exposes; to be put in brackets where it goes on."""
        return f"{recorded} or {exposed}" if self.style == NATIVE_STYLE else recorded

    def firing_alerts(self, severity: Severity) -> PromQL:
        """In brackets, one sample for each alert."""
        ruled = self.select_series("ALERTS", f'{self.style.severity}="{severity.value}", {FIRING_STATE}')
        return f"({self.recorded_or_exposed(ruled, self.sidecar_firing_alerts(severity))})"

    def sidecar_firing_alerts(self, severity: Severity) -> PromQL:
        kind = f'severity="{severity.value}"'
        return f"{self.select_series(sidecar_metrics.ALERT_FIRING, kind)} == 1"

    def budget_remaining(self) -> PromQL:
        """What is left of each budget, in brackets."""
        recorded = self.select_series(naming.BUDGET_REMAINING)
        exposed = self.select_series(sidecar_metrics.BUDGET_REMAINING)
        return f"({self.recorded_or_exposed(recorded, exposed)})"


def budget_left(asked: QueryScope) -> PromQL:
    """A share of the budget; negative when overspent."""
    recorded, exposed = (
        asked.select_series(naming.BUDGET_REMAINING),
        asked.select_series(sidecar_metrics.BUDGET_REMAINING),
    )
    return asked.recorded_or_exposed(asked.min_by(recorded), asked.min_by(exposed))


def current_burn_rate(asked: QueryScope) -> PromQL:
    """The burn rate of the last five minutes; absent when nothing happened in them."""
    recorded, exposed = (
        asked.select_series(naming.CURRENT_BURN_RATE),
        asked.select_series(sidecar_metrics.BURN_RATE, sidecar_metrics.lookback_matcher(COARSE_STEP)),
    )
    return asked.recorded_or_exposed(asked.max_by(recorded), asked.max_by(exposed))


def time_to_exhaustion(asked: QueryScope) -> PromQL:
    """Seconds until the budget is gone at the current burn: 0 once it is, at most LONG; absent is unknown."""
    return asked.recorded_or_exposed(
        asked.min_by(_gone_in_by_rules(asked)), asked.min_by(_gone_in_live(asked))
    )


def _gone_in_live(asked: QueryScope) -> PromQL:
    """The sidecar tells no time where nothing burns."""
    left, burn = (
        asked.select_series(sidecar_metrics.BUDGET_REMAINING),
        asked.select_series(sidecar_metrics.BURN_RATE, sidecar_metrics.lookback_matcher(COARSE_STEP)),
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


def worst_alert(asked: QueryScope) -> PromQL:
    """The worst alert firing, as in look.ALERT_WORDS; absent where none is."""
    return asked.max_by(_firing_states(asked))


def alert_state(asked: QueryScope, known: PromQL) -> PromQL:
    """As fired, but quiet wherever *known* has a sample."""
    return asked.max_by(f"{_firing_states(asked)} or {QUIET} * {known}")


def one_alert(asked: QueryScope, name: str, severity: Severity) -> PromQL:
    """One alert, firing or pending, as in look.ALERT_WORDS."""
    alert = f'alertname="{name}", {asked.style.severity}="{severity.value}"'
    fires = PAGE if severity is Severity.PAGE else TICKET
    firing, waiting = (
        asked.select_series("ALERTS", f"{alert}, {state}") for state in (FIRING_STATE, PENDING_STATE)
    )
    return f"{fires} * {firing} or {PENDING} * {waiting}"


def _firing_states(asked: QueryScope) -> PromQL:
    page, ticket = (asked.firing_alerts(severity) for severity in (Severity.PAGE, Severity.TICKET))
    return f"{PAGE} * {page} or {TICKET} * {ticket}"
