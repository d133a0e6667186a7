"""Problems as GitLab's code quality report."""

import json
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from sloctl.problem_formats import Sources
from sloctl.problems import Problem, ProblemLevel

_SEVERITIES: Final = {
    ProblemLevel.ERROR: "major",
    ProblemLevel.WARNING: "minor",
    ProblemLevel.NOTE: "info",
}


def render_problems(problems: Sequence[Problem], _: Sources) -> str:
    """Render problems; the fingerprint of one stays when lines above it come or go."""
    seen: Counter[tuple[str, str, str]] = Counter()
    report = []
    for problem in problems:
        path = problem.place.path
        same = (path, problem.code, problem.message)
        seen[same] += 1
        identity = "\0".join((*same, str(seen[same]))).encode("utf-8", "surrogateescape")
        report.append(
            {
                "description": problem.message,
                "check_name": problem.code,
                "fingerprint": sha256(identity).hexdigest(),
                "severity": _SEVERITIES[problem.level],
                "location": {"path": path, "lines": {"begin": problem.place.line}},
            }
        )
    return json.dumps(report, indent=2) + "\n"
