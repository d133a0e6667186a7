"""When alerts turn on and off, against the moment the true error ratios cross the thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from bench.rules.designs import Design
from bench.rules.evaluation import Held, Stretch, evaluate
from bench.rules.profile import OUTAGES, SLOW_BURN, Fault, Profile
from bench.rules.rule_file import Timed, needed, read_through_ranges
from bench.rules.server import Server
from bench.rules.truth import Truth, burning, thresholds
from sloctl.duration import HOUR, MINUTE
from sloctl.model import Severity
from sloctl.rules.rule import AlertRule
from sloctl.slo.policy import workbook_policy

# Over more series than this the peers' raw lookbacks of days take hours to evaluate through the slow burn.
FEW_SERIES: Final = 50
# A page lasts as long as its short lookbacks, a ticket up to six hours.
_AFTER: Final = {Severity.PAGE: 45 * MINUTE, Severity.TICKET: 6 * HOUR + 30 * MINUTE}
# What the rules of a page sum over time.
_LEAD: Final = 6 * HOUR + 10 * MINUTE


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alert during one fault: seconds after its start; None where it never fired."""

    fault: Fault
    on: int | None
    off: int | None


def true_alarms(truth: Truth, profile: Profile, severity: Severity) -> list[Alarm]:
    """By the workbook's policy, to the second for pages and to ten seconds for tickets."""
    policy = (row for row in workbook_policy(profile.window) if row.severity is severity)
    rows = thresholds(policy, profile.window, profile.budget)
    step = 1 if severity is Severity.PAGE else 10
    alarms = []
    for fault, (first, last) in zip(faults(profile, severity), stretches(profile, severity), strict=True):
        burns = [at for at in range(first, last, step) if burning(truth, rows, at)]
        alarms.append(_alarm(fault, burns, step))
    return alarms


def page_alarms(server: Server, design: Design, profile: Profile) -> list[Alarm]:
    """What pages during each outage; the rollups begin six hours before it."""
    rules = needed(design.rules, design.alerts(Severity.PAGE))
    summed = read_through_ranges(rules)
    asked = stretches(profile, Severity.PAGE)
    led = [(first - _LEAD, last) for first, last in asked]
    held = evaluate(server, rules, lambda rule: led if rule.name in summed else asked)
    return alarms(held, profile, Severity.PAGE)


def ticket_alarms(server: Server, design: Design, profile: Profile) -> list[Alarm]:
    """What opens tickets; what is summed over time must be recorded already."""
    needs = needed(design.rules, design.alerts(Severity.TICKET))
    summed = read_through_ranges(needs)
    rules = [rule for rule in needs if rule.name not in summed]
    asked = stretches(profile, Severity.TICKET)
    return alarms(evaluate(server, rules, lambda _: asked), profile, Severity.TICKET)


def alarms(held: Held, profile: Profile, severity: Severity) -> list[Alarm]:
    """The union of all alerts of a severity, during each fault."""
    fired = sorted({at for alert, instants in held for at in firing(alert, instants)})
    steps = min((alert.every for alert, _ in held), default=MINUTE)
    return [
        _alarm(fault, [at for at in fired if first <= at <= last], steps)
        for fault, (first, last) in zip(faults(profile, severity), stretches(profile, severity), strict=True)
    ]


def firing(alert: Timed, held: Sequence[int]) -> list[int]:
    """The instants at which *alert* fires: where its expression has held for as long as it is pending."""
    assert isinstance(alert.rule, AlertRule)
    fires: list[int] = []
    since = 0
    for before, at in pairwise((0, *held)):
        if at - before != alert.every:
            since = at
        if at - since >= alert.rule.pending:
            fires.append(at)
    return fires


def faults(profile: Profile, severity: Severity) -> tuple[Fault, ...]:
    slow = severity is Severity.TICKET and profile.series <= FEW_SERIES
    return (*OUTAGES, SLOW_BURN) if slow else OUTAGES


def stretches(profile: Profile, severity: Severity) -> list[Stretch]:
    """From each fault's start until its alerts must be over."""
    return [(fault.start, fault.end + _AFTER[severity]) for fault in faults(profile, severity)]


def _alarm(fault: Fault, fired: Sequence[int], step: int) -> Alarm:
    if not fired:
        return Alarm(fault, None, None)
    return Alarm(fault, fired[0] - fault.start, fired[-1] + step - fault.start)
