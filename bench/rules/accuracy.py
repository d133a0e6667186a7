"""How far each recorded error ratio is from what really happened, at the instant it was recorded."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan
from typing import Final

from bench.rules.designs import Design, Reading
from bench.rules.evaluation import Stretch, evaluate
from bench.rules.profile import DAYS, DOWN, END, FAULTS, START, Profile
from bench.rules.rule_file import Timed, needed, read_through_ranges
from bench.rules.server import Server
from bench.rules.truth import Truth
from sloctl.duration import DAY, HOUR, MINUTE

MONTH: Final = ((START, END - 1),)
# A ratio of fewer errors than this has no meaningful relative error.
FEW: Final = 10
_DAILY: Final = tuple(START + day * DAY + hour * HOUR for day in range(2, DAYS) for hour in (3, 15))
_AFTER: Final = tuple(fault.end + 5 * MINUTE for fault in FAULTS if not DOWN[0] <= fault.end < DOWN[1])
_REPAIRED: Final = tuple(DOWN[1] + hours * HOUR + 20 * MINUTE for hours in (1, 4))
INSTANTS: Final = tuple(sorted({*_DAILY, *_AFTER, *_REPAIRED}))


@dataclass(frozen=True, slots=True)
class Comparison:
    """One recorded ratio beside the true one; *found* is None where nothing or NaN was recorded."""

    lookback: int
    at: int
    found: float | None
    true: float
    errors: float

    @property
    def downtime(self) -> bool:
        """Whether Prometheus was down within the lookback."""
        return self.at > DOWN[0] and self.at - self.lookback < DOWN[1]

    @property
    def full(self) -> bool:
        """Whether the month reaches back as far as the lookback."""
        return self.at - self.lookback >= START

    @property
    def relative(self) -> float | None:
        """Relative error of the ratio; None where it is not known or there is nothing to compare."""
        if self.found is None or self.errors < FEW:
            return None
        return abs(self.found / self.true - 1)

    def budget_points(self, profile: Profile) -> float | None:
        """Error of the budget left, in percent of the whole budget."""
        return None if self.found is None else abs(self.found - self.true) / float(profile.budget) * 100


def record(server: Server, design: Design) -> None:
    """Record what the readings need: all month long what is summed over time, the rest when it is read."""
    rules = needed(design.rules, [reading.rule for reading in design.readings])
    summed = read_through_ranges(rules)

    def stretches(rule: Timed) -> Iterable[Stretch]:
        return MONTH if rule.name in summed else [(rule.before(at), rule.before(at)) for at in INSTANTS]

    evaluate(server, rules, stretches)


def comparisons(server: Server, design: Design, truth: Truth) -> list[Comparison]:
    """Every reading at every instant, each as of its own last evaluation."""
    return [
        _compared(
            reading, reading.rule.before(at), server.value(reading.query, reading.rule.before(at)), truth
        )
        for reading in design.readings
        for at in INSTANTS
    ]


def _compared(reading: Reading, at: int, found: float | None, truth: Truth) -> Comparison:
    known = None if found is None or isnan(found) else found
    counts = truth.counts(at, reading.lookback)
    return Comparison(reading.lookback, at, known, counts.error_ratio or 0.0, counts.error)
