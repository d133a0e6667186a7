"""The questions that tables and timelines ask about budgets and alerts, as PromQL, of one SLO or of many."""

from typing import Final

from msgspec import Struct

from sloctl import naming
from sloctl.dashboards import live
from sloctl.dashboards.look import LONG, PAGE, PENDING, QUIET, TICKET
from sloctl.duration import DAY
from sloctl.model import PromQL, Severity
from sloctl.naming import NATIVE, LabelStyle
from sloctl.promql import aggregate
from sloctl.rollup import COARSE

FIRING: Final = 'alertstate="firing"'
WAITING: Final = 'alertstate="pending"'


class Asked(Struct, frozen=True):
    """Series with *where*, one answer per value of the labels *by*: the worst of many."""

    style: LabelStyle
    where: PromQL
    by: tuple[str, ...]

    def own(self, metric: str, labels: PromQL = "") -> PromQL:
        matchers = ", ".join(part for part in (self.where, labels) if part)
        return f"{metric}{{{matchers}}}" if matchers else metric

    def most(self, expression: PromQL) -> PromQL:
        return aggregate("max", self.by, expression)

    def least(self, expression: PromQL) -> PromQL:
        return aggregate("min", self.by, expression)

    def either(self, recorded: PromQL, exposed: PromQL) -> PromQL:
        """What the rules recorded, else what the sidecar exposes; to be put in brackets where it goes on."""
        return f"{recorded} or {exposed}" if self.style == NATIVE else recorded

    def firing(self, severity: Severity) -> PromQL:
        """In brackets, one sample for each alert."""
        ruled = self.own("ALERTS", f'{self.style.severity}="{severity.value}", {FIRING}')
        return f"({self.either(ruled, self.live_firing(severity))})"

    def live_firing(self, severity: Severity) -> PromQL:
        kind = f'severity="{severity.value}"'
        return f"{self.own(live.ALERT_FIRING, kind)} == 1"

    def left(self) -> PromQL:
        """What is left of each budget, in brackets."""
        return f"({self.either(self.own(naming.BUDGET_REMAINING), self.own(live.BUDGET_REMAINING))})"


def budget_left(asked: Asked) -> PromQL:
    """A share of the budget; negative when overspent."""
    recorded, exposed = asked.own(naming.BUDGET_REMAINING), asked.own(live.BUDGET_REMAINING)
    return asked.either(asked.least(recorded), asked.least(exposed))


def current_burn(asked: Asked) -> PromQL:
    """The burn rate of the last five minutes; absent when nothing happened in them."""
    recorded, exposed = asked.own(naming.CURRENT_BURN_RATE), asked.own(live.BURN_RATE, live.over(COARSE))
    return asked.either(asked.most(recorded), asked.most(exposed))


def gone_in(asked: Asked) -> PromQL:
    """Seconds until the budget is gone at the current burn: 0 once it is, at most LONG; absent is unknown."""
    return asked.either(asked.least(_gone_in_by_rules(asked)), asked.least(_gone_in_live(asked)))


def _gone_in_live(asked: Asked) -> PromQL:
    """The sidecar tells no time where nothing burns."""
    left, burn = asked.own(live.BUDGET_REMAINING), asked.own(live.BURN_RATE, live.over(COARSE))
    known = asked.own(live.TIME_TO_EXHAUSTION)
    never = f"clamp_min({left}, {LONG}) and ignoring (lookback) {burn} == 0"
    return f"clamp_min({left} <= 0, 0) or clamp_max({known}, {LONG}) or {never}"


def _gone_in_by_rules(asked: Asked) -> PromQL:
    left, burn = asked.own(naming.BUDGET_REMAINING), asked.own(naming.CURRENT_BURN_RATE)
    days = f"max by ({asked.style.id}) ({asked.own(naming.TIME_PERIOD)})"
    # Nothing burns: the quotient is infinite, and LONG.
    at_this_rate = f"({left} > 0) / {burn} * on ({asked.style.id}) group_left () {days} * {DAY}"
    return f"clamp_max({at_this_rate}, {LONG}) or clamp_min({left} <= 0, 0)"


def fired(asked: Asked) -> PromQL:
    """The worst alert firing, as in look.ALERT_WORDS; absent where none is."""
    return asked.most(_firing(asked))


def alert_state(asked: Asked, known: PromQL) -> PromQL:
    """As fired, but quiet wherever *known* has a sample."""
    return asked.most(f"{_firing(asked)} or {QUIET} * {known}")


def one_alert(asked: Asked, name: str, severity: Severity) -> PromQL:
    """One alert, firing or pending, as in look.ALERT_WORDS."""
    alert = f'alertname="{name}", {asked.style.severity}="{severity.value}"'
    fires = PAGE if severity is Severity.PAGE else TICKET
    firing, waiting = (asked.own("ALERTS", f"{alert}, {state}") for state in (FIRING, WAITING))
    return f"{fires} * {firing} or {PENDING} * {waiting}"


def _firing(asked: Asked) -> PromQL:
    page, ticket = (asked.firing(severity) for severity in (Severity.PAGE, Severity.TICKET))
    return f"{PAGE} * {page} or {TICKET} * {ticket}"
