"""Rule files as values again: what a rule reads, and therefore which rule must come before which."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Final

import msgspec
import yaml

from sloctl import naming
from sloctl.duration import MINUTE, parse_duration
from sloctl.rules.rule import AlertRule, RecordingRule, Rule

_NAME: Final = re.compile(r"(?<![\w:\"])[a-zA-Z_:][\w:]*:[\w:]*")

_RANGED: Final = re.compile(r"([a-zA-Z_:][\w:]*:[\w:]*)\{[^}]*\}\[")


@dataclass(frozen=True, slots=True)
class Timed:
    """A rule, evaluated at every Unix time that is *phase* modulo *every* seconds."""

    rule: Rule
    every: int
    phase: int

    @property
    def name(self) -> str:
        return self.rule.record if isinstance(self.rule, RecordingRule) else self.rule.alert

    @property
    def reads(self) -> frozenset[str]:
        """Recorded series in its expression: names with a colon."""
        return frozenset(_NAME.findall(_without_strings(self.rule.expr)))

    @property
    def is_repair(self) -> bool:
        return isinstance(self.rule, RecordingRule) and naming.NATIVE_STYLE.part in self.rule.labels

    @property
    def remembers(self) -> bool:
        """Whether what it recorded before decides what it records now.

        Five-minute rollups read their own to make good of missed evaluations, of which there are none here.
        """
        return self.name in self.reads and (self.is_repair or self.name == naming.ROLLUPS_SINCE)

    def before(self, at: int) -> int:
        """The last evaluation at or before *at*."""
        return at - (at - self.phase) % self.every


def timed_rules(text: str, phases: Sequence[int], *, every: int = MINUTE) -> list[Timed]:
    """The rules of a file; *phases* are those of its groups, *every* is for a group without an interval."""
    groups = msgspec.convert(yaml.safe_load(text), _File).groups
    return [
        Timed(_rule(node), interval, phase % interval)
        for group, phase in zip(groups, phases, strict=False)
        for interval in (_seconds(group.interval) if group.interval else every,)
        for node in group.rules
    ]


def ordered(rules: Iterable[Timed]) -> list[Timed]:
    """Every rule after all that write what it reads, itself excepted."""
    rules = list(rules)
    recorded = [rule for rule in rules if isinstance(rule.rule, RecordingRule)]
    graph = {
        number: {
            other
            for other, writer in enumerate(rules)
            # A rule that reads the name that it records reads its own part of it only.
            if writer in recorded and writer.name in rule.reads and writer.name != rule.name
        }
        for number, rule in enumerate(rules)
    }
    return [rules[number] for number in TopologicalSorter(graph).static_order()]


def needed(rules: Iterable[Timed], targets: Iterable[Timed]) -> list[Timed]:
    """*targets* and whatever they are computed from."""
    rules, found = list(rules), list(targets)
    for rule in found:
        found += [of for of in rules if of.name in rule.reads and of not in found]
    return found


def read_through_ranges(rules: Iterable[Timed]) -> frozenset[str]:
    """Recorded series that some rule sums over time, and which must therefore be there all the time."""
    return frozenset(name for rule in rules for name in _RANGED.findall(rule.rule.expr))


class _Node(msgspec.Struct, rename={"pending": "for"}):
    expr: str
    record: str = ""
    alert: str = ""
    pending: str = "0s"
    labels: dict[str, str] = {}


class _Group(msgspec.Struct):
    rules: list[_Node]
    interval: str = ""


class _File(msgspec.Struct):
    groups: list[_Group]


def _rule(node: _Node) -> Rule:
    if node.record:
        return RecordingRule(node.record, node.expr, node.labels)
    return AlertRule(node.alert, node.expr, _seconds(node.pending), node.labels, {})


def _without_strings(expression: str) -> str:
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)


def _seconds(duration: str) -> int:
    return int(parse_duration(duration))
