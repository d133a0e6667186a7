"""Which rule reads what another one records: the order that must outlive a change of groups."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from sloctl.rules.rule import RecordingRule, Rule

# All that our rules record: `slo:sli_total:increase1m`, `slo_info`.
_RECORDED_NAME: Final = re.compile(r"\bslo:\w+:\w+|\bslo(?:th_slo)?_info\b")


def read_series(rule: Rule) -> frozenset[str]:
    """Return the names of recorded series that stand in the rule's expression."""
    return frozenset(_RECORDED_NAME.findall(rule.expr))


def recorded_series(rules: Iterable[Rule]) -> frozenset[str]:
    """Return the names that *rules* record."""
    return frozenset(rule.record for rule in rules if isinstance(rule, RecordingRule))


def evaluation_stages(rules: Sequence[Rule]) -> list[int]:
    """Return of each rule how many others before it must be evaluated one by one; 0 reads none.

    A rule that reads its own series, or one that a later rule records, reads those of earlier evaluations.
    """
    stage_of: dict[str, int] = {}
    stages = []
    for rule in rules:
        own = rule.record if isinstance(rule, RecordingRule) else ""
        before = [stage_of[name] for name in read_series(rule) if name in stage_of and name != own]
        stages.append(max(before, default=-1) + 1)
        if own:
            stage_of[own] = max(stages[-1], stage_of.get(own, 0))
    return stages


def with_what_they_read(chosen: Iterable[Rule], rules: Sequence[Rule]) -> list[Rule]:
    """Return *chosen* and what of *rules* they read, directly or through others, in the order of *rules*."""
    needed = list(chosen)
    for rule in reversed(rules):
        is_read = isinstance(rule, RecordingRule) and any(rule.record in read_series(each) for each in needed)
        if is_read and rule not in needed:
            needed.append(rule)
    return [rule for rule in rules if rule in needed]


def with_what_reads_them(chosen: Iterable[Rule], rules: Sequence[Rule]) -> list[Rule]:
    """Return *chosen* and what of *rules* reads them, directly or through others, in the order of *rules*."""
    kept: list[Rule] = []
    found = list(chosen)
    # Until nothing more is found: a rule may read what a later group records.
    while len(found) > len(kept):
        kept, names = found, recorded_series(found)
        found = kept + [rule for rule in rules if rule not in kept and names & read_series(rule)]
    return [rule for rule in rules if rule in kept]
