"""Problems as Checkstyle's XML, which Jenkins and many editors read."""

from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import Final

from sloctl.problem_formats import Sources
from sloctl.problems import Problem, ProblemLevel, escape_unprintable

_SEVERITIES: Final = {
    ProblemLevel.ERROR: "error",
    ProblemLevel.WARNING: "warning",
    ProblemLevel.NOTE: "info",
}


def render_problems(problems: Sequence[Problem], _: Sources) -> str:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<checkstyle version="10.0">']
    for path, of_file in groupby(problems, key=lambda problem: problem.place.path):
        lines.append(f'  <file name="{_escape_attribute(path)}">')
        lines += [
            f'    <error line="{problem.place.line}" column="{problem.place.column}" '
            f'severity="{_SEVERITIES[problem.level]}" message="{_escape_attribute(problem.message)}" '
            f'source="sloctl.{problem.code}"/>'
            for problem in of_file
        ]
        lines.append("  </file>")
    return "\n".join([*lines, "</checkstyle>"]) + "\n"


def _escape_attribute(text: str) -> str:
    return escape(escape_unprintable(text))
