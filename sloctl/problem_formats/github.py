"""Problems as workflow commands, which GitHub shows at the line in the pull request."""

from collections.abc import Sequence
from typing import Final

from sloctl.problem_formats import Sources
from sloctl.problems import Problem, ProblemLevel, escape_unprintable

_COMMANDS: Final = {
    ProblemLevel.ERROR: "error",
    ProblemLevel.WARNING: "warning",
    ProblemLevel.NOTE: "notice",
}


def render_problems(problems: Sequence[Problem], _: Sources) -> str:
    commands = []
    for problem in problems:
        place = problem.place
        path = _escape_message(place.path).replace(":", "%3A").replace(",", "%2C")
        end = f",endColumn={place.column + problem.width}" if problem.width else ""
        where = f"file={path},line={place.line},col={place.column}{end},title={problem.code}"
        commands.append(f"::{_COMMANDS[problem.level]} {where}::{_escape_message(problem.message)}\n")
    return "".join(commands)


def _escape_message(text: str) -> str:
    return escape_unprintable(text).replace("%", "%25")
