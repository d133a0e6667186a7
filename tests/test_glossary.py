"""The glossary: few words, each once, and each where it says it lives."""

import ast
import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
ROWS: Final = re.findall(
    r"^\| (?!word \|)(.+?) \| (.+?) \| (.+) \|$", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE
)
LOCATIONS: Final = sorted({place for _, _, where in ROWS for place in re.findall(r"`(.+?)`", where)})


def test_there_are_at_most_fifty_terms_and_none_twice() -> None:
    terms = [term for term, _, _ in ROWS]

    assert 40 <= len(terms) <= 50
    assert sorted(set(terms)) == sorted(terms)


def test_every_term_says_where_it_lives() -> None:
    assert [term for term, _, where in ROWS if not re.fullmatch(r"`[^`]+`(, `[^`]+`)*", where)] == []


@pytest.mark.parametrize("location", LOCATIONS)
def test_what_the_glossary_points_at_exists(location: str) -> None:
    path, _, name = location.partition(": ")

    assert set(name.split()) <= defined_names(ROOT / "sloctl" / path)


def defined_names(path: Path) -> set[str]:
    """The names at the top of a module, and those of its classes' members."""
    names = set[str]()
    for statement in ast.parse(path.read_text()).body:
        names |= names_of(statement)
        if isinstance(statement, ast.ClassDef):
            names |= {f"{statement.name}.{member}" for inner in statement.body for member in names_of(inner)}
    return names


def names_of(statement: ast.stmt) -> set[str]:
    match statement:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return {name}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
        case _:
            return set()
