"""Rule groups within the limits of a Mimir tenant: few rules a group, few groups a tenant.

A group that is too large is split, and what is left of small groups is joined, within a service: so a service
is pushed, and withdrawn, without touching another one's groups. Mimir evaluates groups at different moments
of their interval, so a split keeps with the alerts what they read; what only people read may be a turn late.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from sloctl.rules.dependencies import with_what_they_read
from sloctl.rules.groups import MAX_GROUP_RULES
from sloctl.rules.rule import AlertRule, Rule, RuleGroup

# What Mimir takes of a tenant, as long as nobody raises `ruler_max_rule_groups_per_tenant`.
MAX_TENANT_GROUPS: Final = 70
# Namespaces of the ruler that are ours begin so; mimirtool calls a namespace as its file.
NAMESPACE_PREFIX: Final = "sloctl."


def namespace_name(service: str) -> str:
    """Name the ruler's namespace that holds the groups of *service*."""
    return f"{NAMESPACE_PREFIX}{service}"


def fit_groups(service: str, groups: Iterable[RuleGroup]) -> list[RuleGroup]:
    """Split and join the groups of one service, so that each is within the limit and they are few."""
    whole = [part for group in groups for part in _split_group(group)]
    # The first bin with room, largest first: the fullest groups stay as they are.
    bins: list[list[RuleGroup]] = []
    for group in sorted(whole, key=lambda group: -len(group.rules)):
        room = (
            each
            for each in bins
            if each[0].interval == group.interval
            and sum(len(it.rules) for it in each) + len(group.rules) <= MAX_GROUP_RULES
        )
        chosen = next(room, None)
        if chosen is None:
            bins.append([group])
        else:
            chosen.append(group)
    order = {group.name: number for number, group in enumerate(whole)}
    for each in bins:
        each.sort(key=lambda group: order[group.name])
    return list(_join_bins(service, sorted(bins, key=lambda each: order[each[0].name])))


def _split_group(group: RuleGroup) -> Iterator[RuleGroup]:
    """Split a group that is too large: alerts with what they read first, then the rest in order."""
    if len(group.rules) <= MAX_GROUP_RULES:
        yield group
        return
    first: list[Rule] = []
    for alert in (rule for rule in group.rules if isinstance(rule, AlertRule)):
        needed = with_what_they_read([*first, alert], group.rules)
        if len(needed) <= MAX_GROUP_RULES:
            first = needed
    rest = [rule for rule in group.rules if rule not in first]
    parts: list[Sequence[Rule]] = [first] if first else []
    parts += [rest[start : start + MAX_GROUP_RULES] for start in range(0, len(rest), MAX_GROUP_RULES)]
    for number, rules in enumerate(parts, start=1):
        name = group.name if number == 1 else f"{group.name}.{number}"
        yield replace(group, name=name, rules=tuple(rules))


def _join_bins(service: str, bins: Iterable[Sequence[RuleGroup]]) -> Iterator[RuleGroup]:
    """Make one group of each bin; one that has several is called after the service."""
    joined: dict[int, int] = {}
    for groups in bins:
        if len(groups) == 1:
            yield groups[0]
            continue
        interval = groups[0].interval
        joined[interval] = joined.get(interval, 0) + 1
        rules = tuple(rule for group in groups for rule in group.rules)
        # No SLO's group is called so: theirs have a slash.
        yield RuleGroup(f"slo:{service}:every{interval}s.{joined[interval]}", interval, rules)
