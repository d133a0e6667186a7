"""Problems as SARIF 2.1.0, which code scanning reads."""

import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from sloctl.problem_formats import Sources
from sloctl.problems import Problem, ProblemLevel

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {
    ProblemLevel.ERROR: "error",
    ProblemLevel.WARNING: "warning",
    ProblemLevel.NOTE: "note",
}


def render_problems(problems: Sequence[Problem], _: Sources) -> str:
    codes = sorted({problem.code for problem in problems})
    driver = {
        "name": "sloctl",
        "rules": [{"id": code, "shortDescription": {"text": code.replace("-", " ")}} for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_describe_result(problem, codes.index(problem.code)) for problem in problems],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


# JSON is what SARIF is; types of its hundred objects would say no more than Any does.
def _describe_result(problem: Problem, rule_index: int) -> dict[str, Any]:
    place = problem.place
    region = {"startLine": place.line, "startColumn": place.column}
    if problem.width:
        region["endColumn"] = place.column + problem.width
    return {
        "ruleId": problem.code,
        "ruleIndex": rule_index,
        "level": _LEVELS[problem.level],
        "message": {"text": problem.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _file_uri(place.path)},
                    "region": region,
                }
            }
        ],
    }


def _file_uri(path: str) -> str:
    """Return an absolute path as a URI, and a relative one as it is below the root of the sources."""
    # A path may hold bytes that are no text, as surrogates.
    quoted = quote(path.encode("utf-8", "surrogateescape"))
    return f"file://{quoted}" if path.startswith("/") else quoted
