"""A case from Pyrra's tracker (issue 1440): 8,807 series, a window of 12 weeks, rules that take seconds.

A day of such series is loaded. What reads further back than that in raw series is measured on the day and
multiplied: samples and time of a sum over time grow with its range. Every such figure is marked as computed.
"""

import re
import tempfile
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

from msgspec import structs

from bench.rules import designs
from bench.rules.cost import AT, RuleCost, filled, rule_cost
from bench.rules.history import METRIC, Month
from bench.rules.measurement import Say, load
from bench.rules.profile import Profile
from bench.rules.rule_file import Timed
from bench.rules.server import server
from bench.rules.traffic import seeded
from sloctl.duration import DAY, HOUR, WEEK, format_duration, parse_duration

PROFILE: Final = Profile(
    "8,800 series, 12w", 440, 5, ("200", "404", "500", "503"), 6000, 60, 12 * WEEK, Fraction(999, 1000)
)
LOADED: Final = DAY
_RAW: Final = re.compile(rf"({METRIC}\{{[^}}]*\}}\[)([^\]:]+)(?=\])")


@dataclass(frozen=True, slots=True)
class Large:
    """One rule: its bill as far as it was measured, to be multiplied by *factor*, 1 where all of it was."""

    cost: RuleCost
    factor: float

    @property
    def samples_a_minute(self) -> float:
        return self.cost.samples_a_minute * self.factor

    @property
    def seconds(self) -> float:
        return self.cost.seconds * self.factor


def measure_large(say: Say) -> dict[str, list[Large]]:
    """sloctl's and Pyrra's rules on the same series; Sloth knows no window of 12 weeks."""
    with tempfile.TemporaryDirectory() as name, server(Path(name) / "prometheus") as running:
        directory = Path(name)
        say(f"{PROFILE.name}: loading a day")
        load(running, Month(PROFILE, seeded(1), AT - LOADED - HOUR))
        measured = {}
        for make in (designs.sloctl, designs.pyrra):
            design = make(PROFILE, make.__name__, (7, 22, 37), directory)
            say(f"{PROFILE.name}: {design.name}")
            running.write(filled(design.rules, PROFILE))
            measured[design.name] = [
                Large(rule_cost(running, shortened(rule)), factor(rule)) for rule in design.rules
            ]
        return measured


def factor(rule: Timed) -> float:
    """How many times further back than the loaded day *rule* reads raw series; 1 where it does not."""
    reaches = [parse_duration(found) for _, found in _RAW.findall(rule.rule.expr)]
    return max([1.0, *(float(reach / LOADED) for reach in reaches)])


def shortened(rule: Timed) -> Timed:
    """*rule* with its raw ranges cut to the loaded day."""
    if factor(rule) == 1:
        return rule
    expr = _RAW.sub(rf"\g<1>{format_duration(LOADED)}", rule.rule.expr)
    return replace(rule, rule=structs.replace(rule.rule, expr=expr))
