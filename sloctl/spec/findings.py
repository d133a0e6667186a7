"""Violations become problems here: a violation says why, a node says where."""

from collections.abc import Iterable
from itertools import groupby
from typing import Final, TypeVar

from msgspec import Struct

from sloctl.problems import Place, Problem, ProblemLevel
from sloctl.spec.yaml_nodes import Node

# A megabyte of junk has a hundred thousand; who mends the first of them finds the others gone too.
MAX_PROBLEMS_OF_FILE: Final = 100
_MORE: Final = "more-problems"

_Value = TypeVar("_Value")


class Violation(Struct, frozen=True):
    """A problem before it has a place; *code* is an anchor in docs/problems.md."""

    code: str
    message: str
    level: ProblemLevel = ProblemLevel.ERROR


class Findings:
    """The problems of a specification, in the order in which they were found."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        # How many of them refuse the spec.
        self.error_count = 0

    def add_problems(self, *problems: Problem) -> None:
        self.problems += problems
        self.error_count += sum(problem.level is ProblemLevel.ERROR for problem in problems)

    def accept_value(self, outcome: _Value | Violation, node: Node) -> _Value | None:
        """Return a value as it is, and None for a violation after noting it at *node*."""
        if not isinstance(outcome, Violation):
            return outcome
        self.add_violation(outcome, node)
        return None

    def add_violation(self, violation: Violation, node: Node) -> None:
        self.add_problems(Problem(node.place, violation.code, violation.message, violation.level, node.width))


def limit_problems(in_order: Iterable[Problem]) -> list[Problem]:
    """Keep the first problems of each file, and say in one more how many more it has."""
    kept: list[Problem] = []
    for path, of_file in groupby(in_order, key=lambda problem: problem.place.path):
        found = list(of_file)
        # What was limited before is not limited again.
        limited = [problem for problem in found if problem.code == _MORE]
        if limited:
            kept += [*[it for it in found if it.code != _MORE][:MAX_PROBLEMS_OF_FILE], *limited]
            continue
        problems = found
        kept += problems[:MAX_PROBLEMS_OF_FILE]
        if others := problems[MAX_PROBLEMS_OF_FILE:]:
            levels = {problem.level for problem in others}
            level = next(level for level in ProblemLevel if level in levels)
            noun = "problem" if len(others) == 1 else "problems"
            first = others[0].place
            message = f"{len(others):,} more {noun} from here on: mend those above first"
            kept.append(Problem(Place(path, first.line, first.column), "more-problems", message, level))
    return kept
