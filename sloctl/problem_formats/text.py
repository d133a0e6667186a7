"""Problems for a terminal: each with its line, and the characters that it is about underlined."""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from unicodedata import combining, east_asian_width

from sloctl.problem_formats import Sources
from sloctl.problems import Problem, ProblemLevel, escape_unprintable

# Of a longer line, so much around the place is shown.
_MAX_EXCERPT: Final = 100
_BEFORE: Final = 30
_CUT: Final = "…"

_RESET: Final = "\x1b[0m"
_BOLD: Final = "\x1b[1m"
_DIM: Final = "\x1b[2m"
_COLORS: Final = {
    ProblemLevel.ERROR: "\x1b[31m",
    ProblemLevel.WARNING: "\x1b[33m",
    ProblemLevel.NOTE: "\x1b[36m",
}


def render_problems(problems: Sequence[Problem], sources: Sources) -> str:
    lines = _lines_of_problems(problems, sources)
    return "".join(f"{problem}\n{_render_excerpt(problem, lines, '', '')}" for problem in problems)


def render_in_color(problems: Sequence[Problem], sources: Sources) -> str:
    """Render the same with the escapes of a terminal: a color for each level, the code dimmed."""
    lines = _lines_of_problems(problems, sources)
    return "".join(
        f"{_BOLD}{problem.place}:{_RESET} {_COLORS[problem.level]}{problem.level.value}:{_RESET} "
        f"{escape_unprintable(problem.message)} {_DIM}[{problem.code}]{_RESET}\n"
        f"{_render_excerpt(problem, lines, _COLORS[problem.level], _RESET)}"
        for problem in problems
    )


def _lines_of_problems(problems: Sequence[Problem], sources: Sources) -> dict[str, list[str]]:
    """Split each file that has a problem into lines, where YAML does."""
    paths = {problem.place.path for problem in problems}
    return {path: re.split("\r\n|\r|\n", sources.get(path, b"").decode(errors="replace")) for path in paths}


def _render_excerpt(problem: Problem, lines: Mapping[str, list[str]], start: str, end: str) -> str:
    """Render the line of a problem and its marks between *start* and *end*; nothing of an unknown line."""
    place = problem.place
    line = "".join(lines[place.path][place.line - 1 : place.line])
    if not place.column <= len(line):
        return ""
    before, about = line[: place.column - 1], line[place.column - 1 :]
    width = problem.width or len(about.rstrip())
    if len(line) > _MAX_EXCERPT and len(before) > _BEFORE:
        before = _CUT + before[-_BEFORE:]
    if len(before) + len(about) > _MAX_EXCERPT:
        about = about[: _MAX_EXCERPT - len(before)] + _CUT
    shown = [_show_character(char) for char in before + about]
    gap = " " * sum(map(_cell_count, shown[: len(before)]))
    marks = "^" * max(sum(map(_cell_count, shown[len(before) : len(before) + width])), 1)
    number = f"{place.line:>5}"
    return f"{number} | {''.join(shown).rstrip()}\n{' ' * len(number)} | {gap}{start}{marks}{end}\n"


def _show_character(char: str) -> str:
    """Return what stands for *char* on a terminal: it takes as many cells as are underlined."""
    if char == "\t":
        return " "
    return char if char.isprintable() else "·"


def _cell_count(char: str) -> int:
    if combining(char):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1
