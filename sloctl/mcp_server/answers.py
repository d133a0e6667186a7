"""The answers of the tools: typed, bounded, and null where something is not known.

Those that a tool returns have no slots: of a class with slots the SDK takes the descriptors for defaults.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isinf
from typing import Final

from sloctl.problems import Problem, escape_unprintable
from sloctl.slo.health import Health
from sloctl.status.slo_status import AlertStatus, SloStatus, StatusContributor
from sloctl.timestamps import format_optional_rfc3339

MOST_SLOS: Final = 50
MOST_BURNING: Final = 10
MOST_CONTRIBUTORS: Final = 5
MOST_PROBLEMS: Final = 50
MOST_ALERTS: Final = 100
MOST_GROUPS: Final = 10
# Characters of a text that somebody else wrote, and of one of ours that holds such texts.
_MOST_CHARACTERS: Final = 300
MOST_TEXT: Final = 20_000
# What needs a look, rather than to be known.
TROUBLED: Final = frozenset(
    {Health.PAGING, Health.TICKETED, Health.EXHAUSTED, Health.EXHAUSTING, Health.BURNING}
)


class ToolRefused(Exception):
    """An answer that cannot be given; the message is one line, says what to do, and holds no secret."""


def plain_text(text: str) -> str:
    """Print a text that somebody else wrote on one line, without control characters, and cut it."""
    plain = escape_unprintable(text)
    return plain if len(plain) <= _MOST_CHARACTERS else f"{plain[:_MOST_CHARACTERS]}..."


@dataclass(frozen=True, slots=True)
class AlertAnswer:
    """A page or a ticket: inactive, firing or unknown; times in RFC 3339.

    *stopped_at* says since when nothing burns any more of what fires, *clears_at* when it ends then.
    """

    state: str
    since: str | None
    stopped_at: str | None
    clears_at: str | None


@dataclass(frozen=True, slots=True)
class SloAnswer:
    """One SLO, or one group of it, as it stands.

    *state* is paging, ticketed, exhausted, exhausting, burning, unknown or fine. *budget_left* is a share,
    negative when overspent. *burn_rate_5m* and *burn_rate_1h* are how many times faster than sustainable the
    budget is spent; at that of five minutes it is gone in *budget_gone_in_seconds*, and where *is_burning* is
    false not at all. Of *events_5m* events *errors_5m* failed. What is *stale* was true when there were last
    data.
    """

    slo: str
    group: dict[str, str]
    state: str
    stale: bool
    budget_left: float | None
    burn_rate_5m: float | None
    burn_rate_1h: float | None
    errors_5m: float | None
    events_5m: float | None
    is_burning: bool | None
    budget_gone_in_seconds: float | None
    page: AlertAnswer | None
    ticket: AlertAnswer | None


@dataclass(frozen=True)
class SloList:
    """SLOs and groups, the worst first; *left_out* more match. *at* is when this was true."""

    at: str | None
    slos: list[SloAnswer]
    left_out: int
    states: dict[str, int]


@dataclass(frozen=True, slots=True)
class ContributorAnswer:
    """A label value with more of the errors than of the traffic, over *lookback*; shares from 0 to 1."""

    label: str
    value: str
    lookback: str
    share_of_errors: float
    share_of_traffic: float


@dataclass(frozen=True, slots=True)
class BurningSlo:
    """An SLO that burns, and what burns; *contributors* is null where the source does not know them."""

    status: SloAnswer
    contributors: list[ContributorAnswer] | None


@dataclass(frozen=True)
class BurningList:
    """What needs a look, the worst first; *unknown* SLOs may burn too. *left_out* more need one."""

    at: str | None
    burning: list[BurningSlo]
    left_out: int
    fine: int
    unknown: int


@dataclass(frozen=True, slots=True)
class ProblemAnswer:
    """A mistake in a spec, at its line and column; *code* is an anchor in docs/problems.md."""

    line: int
    column: int
    level: str
    code: str
    message: str


@dataclass(frozen=True)
class Validation:
    """Whether a spec compiles, the ids of its SLOs, and its problems; *left_out* more were found."""

    is_valid: bool
    slos: list[str]
    problems: list[ProblemAnswer]
    left_out: int


@dataclass(frozen=True)
class Explanation:
    """What an SLO means, in words with its own numbers; its budget as a share and as a total outage."""

    slo: str
    objective: float
    budget: float
    full_outage_seconds: float
    text: str


@dataclass(frozen=True, slots=True)
class OutageAlertAnswer:
    """When an alert fires after the begin of an outage, at the latest; null is never."""

    alert: str
    severity: str
    fires_after_seconds: float | None
    budget_spent_by_then: float | None
    resolves_after_seconds: float | None


@dataclass(frozen=True, slots=True)
class OutageAnswer:
    """One shape of outage; *budget_gone_after_seconds* is null where the budget lasts."""

    shape: str
    budget_gone_after_seconds: float | None
    alerts: list[OutageAlertAnswer]


@dataclass(frozen=True)
class Simulation:
    """What outages would do to an SLO after a clean record, under even traffic."""

    slo: str
    outages: list[OutageAnswer]


@dataclass(frozen=True, slots=True)
class FiredAnswer:
    """An alert that would have fired; *ended* is null where it fires to the end of the data."""

    severity: str
    alert: str
    began: str
    ended: str | None
    budget_spent: float | None


@dataclass(frozen=True, slots=True)
class GroupBacktest:
    """One SLO, or one group of it, replayed: *is_met* and *budget_spent* are of its window."""

    group: dict[str, str]
    is_met: bool | None
    budget_spent: float | None
    known_seconds: int
    pages: int
    tickets: int
    alerts: list[FiredAnswer]
    alerts_left_out: int


@dataclass(frozen=True)
class Backtest:
    """What an SLO's alerts would have done; *groups* beyond the first are counted in *left_out*."""

    slo: str
    start: str
    end: str
    groups: list[GroupBacktest]
    left_out: int


def answer_slo(slo: SloStatus) -> SloAnswer:
    five_minutes, _, hour, _ = slo.burn_rates.values()
    seconds = slo.time_to_exhaustion
    is_burning = None if seconds is None else not isinf(seconds)
    return SloAnswer(
        slo=plain_text(slo.id),
        group={plain_text(name): plain_text(value) for name, value in slo.group.items()},
        state=slo.health.key,
        stale=slo.stale,
        budget_left=slo.budget_left,
        burn_rate_5m=five_minutes,
        burn_rate_1h=hour,
        errors_5m=slo.errors,
        events_5m=slo.events,
        is_burning=is_burning,
        budget_gone_in_seconds=seconds if is_burning else None,
        page=_answer_alert(slo.page),
        ticket=_answer_alert(slo.ticket),
    )


def _answer_alert(alert: AlertStatus | None) -> AlertAnswer | None:
    if alert is None:
        return None
    moments = (format_optional_rfc3339(at) for at in (alert.since, alert.stopped_at, alert.clears_at))
    return AlertAnswer(alert.state.value, *moments)


def answer_contributors(contributors: Iterable[StatusContributor]) -> list[ContributorAnswer]:
    return [
        ContributorAnswer(
            label=plain_text(each.label),
            value=plain_text(each.value),
            lookback=plain_text(each.lookback),
            share_of_errors=each.share_of_errors,
            share_of_traffic=each.share_of_traffic,
        )
        for each in list(contributors)[:MOST_CONTRIBUTORS]
    ]


def answer_problems(problems: Sequence[Problem]) -> list[ProblemAnswer]:
    return [
        ProblemAnswer(
            line=problem.place.line,
            column=problem.place.column,
            level=problem.level.value,
            code=problem.code,
            message=plain_text(problem.message),
        )
        for problem in problems[:MOST_PROBLEMS]
    ]
