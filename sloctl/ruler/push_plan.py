"""The steps from what a ruler holds to what was compiled: pure, and the same for a dry run."""

from collections.abc import Iterator
from difflib import unified_diff
from enum import Enum

from msgspec import Struct

from sloctl.ruler.groups import Namespaces, StoredGroup
from sloctl.targets.mimir import NAMESPACE_PREFIX

# How the groups begin that sloctl compiles.
_GROUP_PREFIX = "slo:"


class StepKind(Enum):
    """What a step does to a group, in the order in which steps are taken."""

    ADD = "add"
    CHANGE = "change"
    DELETE = "delete"


class PushStep(Struct, frozen=True):
    """One request: *group* is what shall be there, or for a deletion what is."""

    kind: StepKind
    namespace: str
    group: StoredGroup
    before: StoredGroup | None = None

    def __str__(self) -> str:
        return f"{self.kind.value} {self.namespace} {self.group.name}"

    def has_happened(self, there: Namespaces) -> bool:
        """Tell from what is *there* whether the ruler took this step."""
        found = there.get(self.namespace, {}).get(self.group.name)
        return found is None if self.kind is StepKind.DELETE else found == self.group

    def diff(self) -> str:
        """Write how the group changes, as a unified diff."""
        place = f"{self.namespace}/{self.group.name}"
        old = "" if self.kind is StepKind.ADD else (self.before or self.group).text
        new = "" if self.kind is StepKind.DELETE else self.group.text
        lines = unified_diff(
            old.splitlines(keepends=True),
            new.splitlines(keepends=True),
            fromfile=place if old else "/dev/null",
            tofile=f"{place} (compiled)" if new else "/dev/null",
        )
        return "".join(lines)


class PushScope(Enum):
    """The namespaces in which groups may be deleted: those of the specs, or all that are ours."""

    SPECS = "specs"
    OURS = "ours"


def plan_push(wanted: Namespaces, there: Namespaces, scope: PushScope) -> list[PushStep]:
    """List the steps: what is added and changed first, so that no window misses a turn, then what goes."""
    steps = [
        PushStep(StepKind.CHANGE if before else StepKind.ADD, namespace, group, before)
        for namespace, groups in sorted(wanted.items())
        for name, group in groups.items()
        if (before := there.get(namespace, {}).get(name)) != group
    ]
    return [*steps, *_deletions(wanted, there, scope)]


def _deletions(wanted: Namespaces, there: Namespaces, scope: PushScope) -> Iterator[PushStep]:
    for namespace, groups in sorted(there.items()):
        is_ours = namespace.startswith(NAMESPACE_PREFIX)
        if namespace in wanted or (scope is PushScope.OURS and is_ours):
            for name, group in groups.items():
                if name.startswith(_GROUP_PREFIX) and name not in wanted.get(namespace, {}):
                    yield PushStep(StepKind.DELETE, namespace, group)
