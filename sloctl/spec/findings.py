"""Where refusals become problems: a refusal says why, a node says where."""

from typing import TypeVar

from msgspec import Struct

from sloctl.problems import Level, Problem
from sloctl.spec.document import Node

_Value = TypeVar("_Value")


class Refusal(Struct, frozen=True):
    """Why there is no value; *code* is an anchor in docs/problems.md."""

    code: str
    message: str
    level: Level = Level.ERROR


class Findings:
    """The problems of a specification, in the order in which they were found."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        # How many of them refuse the spec.
        self.errors = 0

    def add(self, *problems: Problem) -> None:
        self.problems += problems
        self.errors += sum(problem.level is Level.ERROR for problem in problems)

    def accept(self, outcome: _Value | Refusal, node: Node) -> _Value | None:
        """The value, or None after noting at *node* why there is none."""
        if not isinstance(outcome, Refusal):
            return outcome
        self.note(outcome, node)
        return None

    def note(self, refusal: Refusal, node: Node) -> None:
        """Something is wrong at *node*."""
        self.add(Problem(node.place, refusal.code, refusal.message, refusal.level))
