"""Problems of a spec: values with a place, a code and a message, never exceptions."""

from enum import Enum

from msgspec import Struct


def escape_unprintable(text: str) -> str:
    """Put *text* on one line, and escape the characters that a terminal would obey instead of show."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class ProblemLevel(Enum):
    """The weight of a problem: with an error the spec is not used, with a warning it is.

    A note tells how something was understood, and asks for nothing.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Place(Struct, frozen=True, order=True):
    """A position in a file; line and column count from 1, columns in characters."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{escape_unprintable(self.path)}:{self.line}:{self.column}"


class Problem(Struct, frozen=True):
    """A mistake at its place; *code* is an anchor in docs/problems.md."""

    place: Place
    code: str
    message: str
    level: ProblemLevel = ProblemLevel.ERROR

    def __str__(self) -> str:
        level = "" if self.level is ProblemLevel.ERROR else f"{self.level.value}: "
        return f"{self.place}: {level}{escape_unprintable(self.message)} [{self.code}]"


def sort_problems(problems: list[Problem]) -> list[Problem]:
    """Sort problems by place and drop repeated ones."""
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.place, problem.code, problem.message))
