"""Rule groups for Thanos: all in one place, or the short lookbacks at the edge and the long ones centrally.

At the edge, beside the raw series, a Prometheus counts events and pages; it needs no more history than the
page's longest lookback. Centrally a ruler reads the rollups of all edges, and sums windows and budgets. Cut
is where the edge could not answer: error ratios of the slow group, and whatever reads them.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from sloctl import naming
from sloctl.rules.dependencies import with_what_reads_them
from sloctl.rules.rule import AlertRule, Rule, RuleGroup
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP


class PlacedGroups(Struct, frozen=True):
    """The groups of one SLO by where they run: *fast* beside the raw series, *slow* where all history is."""

    fast: tuple[RuleGroup, ...]
    slow: tuple[RuleGroup, ...]


def place_groups(groups: Iterable[RuleGroup]) -> PlacedGroups:
    """Place the groups of one SLO; a group that is cut has the same name and interval in both places."""
    groups = tuple(groups)
    rules = [rule for group in groups for rule in group.rules]
    long_ratios = [
        rule for group in groups if group.interval == COARSE_STEP for rule in group.rules if _is_long(rule)
    ]
    central = with_what_reads_them(long_ratios, rules)
    edge = [rule for rule in rules if rule not in central]
    return PlacedGroups(_with_rules(groups, edge), _with_rules(groups, central))


def _is_long(rule: Rule) -> bool:
    """Tell whether a rule of the slow group sums rollups over a lookback, or alerts on that."""
    if isinstance(rule, AlertRule):
        return True
    steps = {naming.error_count_metric(step) for step in (FINE_STEP, COARSE_STEP)}
    counts_errors = rule.record.startswith("slo:sli_error:increase") and rule.record not in steps
    ratios = (naming.ERROR_RATIO_PREFIX, naming.error_ratio_with_excluded(naming.ERROR_RATIO_PREFIX))
    return counts_errors or rule.record.startswith(ratios)


def _with_rules(groups: Iterable[RuleGroup], kept: Iterable[Rule]) -> tuple[RuleGroup, ...]:
    kept = list(kept)
    cut = (replace(group, rules=tuple(rule for rule in group.rules if rule in kept)) for group in groups)
    return tuple(group for group in cut if group.rules)
