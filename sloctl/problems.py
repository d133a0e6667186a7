"""Problems of a spec: values with a place, a code and a message, never exceptions."""

from enum import Enum
from typing import Final

from msgspec import Struct


def escape_unprintable(text: str) -> str:
    """Put *text* on one line, and escape the characters that a terminal would obey instead of show."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class ProblemLevel(Enum):
    """The weight of a problem: with an error the spec is not used, with the others it is.

    A warning tells of counts or alerts that are hardly what was meant, a note of how something was
    understood, or could be simpler.
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
    """A mistake at its place; *code* is an anchor in docs/problems.md.

    *width* is how many characters of the line it is about, from its column on; 0 where that is not known.
    """

    place: Place
    code: str
    message: str
    level: ProblemLevel = ProblemLevel.ERROR
    width: int = 0

    def __str__(self) -> str:
        level = "" if self.level is ProblemLevel.ERROR else f"{self.level.value}: "
        return f"{self.place}: {level}{escape_unprintable(self.message)} [{self.code}]"


# From the worst on.
_LEVELS: Final = tuple(ProblemLevel)


def is_at_least(level: ProblemLevel, least: ProblemLevel) -> bool:
    """Return whether *level* is as bad as *least* or worse."""
    return _LEVELS.index(level) <= _LEVELS.index(least)


def sort_problems(problems: list[Problem]) -> list[Problem]:
    """Sort problems by place and drop repeated ones."""
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.place, problem.code, problem.message))
