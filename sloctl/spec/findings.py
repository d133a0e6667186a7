"""Violations become problems here: a violation says why, a node says where."""

from typing import TypeVar

from msgspec import Struct

from sloctl.problems import Problem, ProblemLevel
from sloctl.spec.yaml_nodes import Node

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
        self.add_problems(Problem(node.place, violation.code, violation.message, violation.level))
