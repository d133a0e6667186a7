"""What one SLO costs: samples read, held and stored, and the time its rules take, on the real engine.

How many samples a rule reads does not depend on their values. So the recorded series that rules read are
filled with ones over the whole window, and each rule is then evaluated at a few instants.

Of a subquery Prometheus bills the results, not what it read for them. What sloctl's repair evaluates at
the last multiple of ten minutes is therefore billed by itself, and added.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.rules.designs import Design
from bench.rules.profile import END, Profile
from bench.rules.remote_write import labels, samples, stamp
from bench.rules.rule_file import Timed, read_through_ranges
from bench.rules.server import Bill, Server
from sloctl.duration import HOUR, MINUTE
from sloctl.rules.repair import LOOK_STEP
from sloctl.rules.rule import RecordingRule
from sloctl.slo.resolutions import COARSE_STEP

# Long after the last fault and the last hole; the window before it is full.
AT: Final = END - 3 * HOUR
INSTANTS: Final = tuple(AT + number * 7 * MINUTE for number in range(3))


_LAST_LOOK: Final = re.compile(r"last_over_time\(\((.*)\)\[9m59s999ms:10m\]\s+offset\s+1m\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RuleCost:
    """Per evaluation: *samples* read, *peak* samples held, *seconds*, *series* recorded."""

    rule: Timed
    samples: float
    peak: int
    seconds: float
    series: int

    @property
    def samples_a_minute(self) -> float:
        return self.samples * MINUTE / self.rule.every

    @property
    def seconds_a_minute(self) -> float:
        return self.seconds * MINUTE / self.rule.every


@dataclass(frozen=True, slots=True)
class Cost:
    """One SLO of one design: sums over its rules, the peak of the greediest."""

    samples_a_minute: float
    peak: int
    series: int
    seconds_a_minute: float


def rule_costs(server: Server, design: Design, profile: Profile) -> list[RuleCost]:
    """The bill of every rule, greediest first."""
    server.write(filled(design.rules, profile))
    costs = [rule_cost(server, rule) for rule in design.rules]
    return sorted(costs, key=lambda cost: -cost.samples_a_minute)


def summed(costs: Sequence[RuleCost]) -> Cost:
    return Cost(
        sum(cost.samples_a_minute for cost in costs),
        max(cost.peak for cost in costs),
        sum(cost.series for cost in costs),
        sum(cost.seconds_a_minute for cost in costs),
    )


def filled(rules: Iterable[Timed], profile: Profile) -> list[tuple[bytes, bytes]]:
    """Ones for every recorded series that exists all the time: those of a repair do not."""
    rules = list(rules)
    ranged = read_through_ranges(rules)
    written = []
    for rule in rules:
        if isinstance(rule.rule, RecordingRule) and not rule.is_repair:
            reach = profile.window + COARSE_STEP if rule.name in ranged else 2 * COARSE_STEP
            first = INSTANTS[0] - reach
            instants = range(first + (rule.phase - first) % rule.every, INSTANTS[-1] + 1, rule.every)
            name = labels({**rule.rule.labels, "__name__": rule.name})
            written.append((name, samples([1.0] * len(instants), [stamp(at) for at in instants])))
    return written


def last_look(expression: str, at: int) -> tuple[str, int] | None:
    """What a `last_over_time((…)[9m59s999ms:10m] offset 1m)` in *expression* evaluates at *at*, and when."""
    inner = _LAST_LOOK.search(expression)
    # As the expression says: the last multiple of ten minutes that is a minute old.
    look = at - MINUTE
    return (inner[1], look - look % LOOK_STEP) if inner else None


def rule_cost(server: Server, rule: Timed) -> RuleCost:
    """The bill of one rule, where all that it reads is there."""
    bills = [server.bill(rule.rule.expr, rule.before(at)) for at in INSTANTS]
    looks = [look for at in INSTANTS if (look := last_look(rule.rule.expr, rule.before(at)))]
    inside = [server.bill(*look) for look in looks] or [Bill(0, 0, 0.0)]
    recorded = isinstance(rule.rule, RecordingRule)
    return RuleCost(
        rule,
        median(bill.samples for bill in bills) + median(bill.samples for bill in inside),
        max(bill.peak for bill in [*bills, *inside]),
        median(bill.seconds for bill in bills),
        len(server.range(rule.rule.expr, range(AT, AT + 1))) if recorded else 0,
    )
