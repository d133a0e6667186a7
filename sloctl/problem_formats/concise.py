"""A line for each problem, for editors, `grep` and logs."""

from collections.abc import Sequence

from sloctl.problem_formats import Sources
from sloctl.problems import Problem


def render_problems(problems: Sequence[Problem], _: Sources) -> str:
    return "".join(f"{problem}\n" for problem in problems)
