"""Problems as text for people and for programs: one file for each format.

What comes in is problems in order of place and the contents of the files that they are in; what goes out is
the whole text, ending in a newline. Only the format that is asked for is imported, by the table below.

- `text` is for a terminal, with the line and the characters underlined; `concise` is a line for each problem.
- `json_array` is for programs, `github` for annotations, `sarif` for code scanning, `checkstyle` for Jenkins
  and editors, `gitlab` for the code quality of a merge request.
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import Final, Protocol, TypeAlias, cast

from sloctl.problems import Problem

# The content of each file by its path, as far as it could be read.
Sources: TypeAlias = Mapping[str, bytes]

FORMATS: Final = {
    "text": "text",
    "concise": "concise",
    "json": "json_array",
    "github": "github",
    "sarif": "sarif",
    "checkstyle": "checkstyle",
    "gitlab": "gitlab",
}


class ProblemFormat(Protocol):
    """The interface of a format's module."""

    def render_problems(self, problems: Sequence[Problem], sources: Sources) -> str: ...


def load_format(name: str) -> ProblemFormat:
    """Import the format of this name; a key of FORMATS."""
    return cast(ProblemFormat, importlib.import_module(f"{__name__}.{FORMATS[name]}"))
