"""Problems as a JSON array; columns count characters from 1, the end is the first one behind."""

import json
from collections.abc import Sequence

from sloctl.problem_formats import Sources
from sloctl.problems import Problem


def render_problems(problems: Sequence[Problem], _: Sources) -> str:
    found = [
        {
            "path": problem.place.path,
            "line": problem.place.line,
            "column": problem.place.column,
            "endColumn": problem.place.column + problem.width if problem.width else None,
            "level": problem.level.value,
            "code": problem.code,
            "message": problem.message,
        }
        for problem in problems
    ]
    return json.dumps(found, indent=2) + "\n"
