"""What a check returns, and the place of the part of a text that it is about."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from sloctl.model import LabelMatcher
from sloctl.problems import Place, Problem, ProblemLevel
from sloctl.spec.reader import LocatedSlo
from sloctl.spec.settings import RepositorySettings
from sloctl.spec.yaml_nodes import Node

# A text over more lines than these is underlined at its first one.
_MAX_LINES: Final = 40


class CheckFinding(Struct, frozen=True):
    """A problem of *node*; *part* is a regular expression for the part of its text that it is about."""

    node: Node
    code: str
    message: str
    level: ProblemLevel = ProblemLevel.WARNING
    part: str = ""


class ReviewOptions(Struct, frozen=True):
    """What the checks know besides the SLO: its repository's settings, and events a second where given."""

    settings: RepositorySettings | None = None
    per_second: float | None = None


OfflineCheck: TypeAlias = Callable[[LocatedSlo, ReviewOptions], Iterator[CheckFinding]]


def locate_finding(finding: CheckFinding, lines: Mapping[str, list[str]]) -> Problem:
    """Make a problem of a finding, at the place of its part where *lines* of the files show it."""
    node = finding.node
    place, width = node.place, node.width
    if finding.part:
        written = lines.get(node.path, [])[node.line - 1 : node.line - 1 + _MAX_LINES]
        for number, line in enumerate(written[:1] if width else written):
            start = node.column - 1 if number == 0 else 0
            end = start + width if width else len(line)
            if found := re.compile(finding.part).search(line, start, end):
                place = Place(node.path, node.line + number, found.start() + 1)
                width = found.end() - found.start()
                break
    return Problem(place, finding.code, finding.message, finding.level, width)


def matcher_pattern(matcher: LabelMatcher) -> str:
    """Return a pattern for a matcher as a spec has it, in whatever quotes."""
    quoted = r"""(?:\\?"(?:[^"\\]|\\[^"])*\\?"|'[^']*'|`[^`]*`)"""
    return rf"\b{matcher.label}\s*{re.escape(matcher.op.value)}\s*{quoted}"
