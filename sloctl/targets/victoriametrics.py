"""Staged rule groups as objects for the operator of VictoriaMetrics; vmalert reads plain rule files too."""

from collections.abc import Sequence
from textwrap import indent

from sloctl.rules.rule import RuleGroup
from sloctl.targets.operator import manifest_header, split_groups
from sloctl.targets.prometheus import HEADER, render_rules


def render_vm_rules(name: str, groups: Sequence[RuleGroup]) -> dict[str, str]:
    """Write the manifest of each VMRule by its name: several where the groups are too large for one."""
    manifests = {}
    for number, part in enumerate(split_groups(groups), start=1):
        part_name = name if number == 1 else f"{name}.{number}"
        header = manifest_header("operator.victoriametrics.com/v1beta1", "VMRule", part_name)
        manifests[part_name] = f"{header}spec:\n{indent(render_rules(part).removeprefix(HEADER), '  ')}"
    return manifests
