"""A finding about a spec: a value with a place, a code and a message; never an exception."""

from enum import Enum

from msgspec import Struct


def escape_unprintable(text: str) -> str:
    """*text* on one line, with every character escaped that a terminal would obey instead of show."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class ProblemLevel(Enum):
    """An error refuses the spec; a warning only tells."""

    ERROR = "error"
    WARNING = "warning"


class Place(Struct, frozen=True, order=True):
    """Where in a file; line and column count from 1, columns in characters."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{escape_unprintable(self.path)}:{self.line}:{self.column}"


class Problem(Struct, frozen=True):
    """What is wrong at a place; *code* is an anchor in docs/problems.md."""

    place: Place
    code: str
    message: str
    level: ProblemLevel = ProblemLevel.ERROR

    def __str__(self) -> str:
        warning = "warning: " if self.level is ProblemLevel.WARNING else ""
        return f"{self.place}: {warning}{escape_unprintable(self.message)} [{self.code}]"


def sort_problems(problems: list[Problem]) -> list[Problem]:
    """By place, each finding once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.place, problem.code, problem.message))
