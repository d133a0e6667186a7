"""The library: what it promises, that its examples run, and that commands use the same.

A new name, parameter or field is fine: `python -m tests.test_api` writes the surface anew. One that goes, or
means something else, raises `API_VERSION` too.
"""

import ast
import doctest
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from sloctl import api

ROOT: Final = Path(__file__).parents[1]
SURFACE: Final = Path(__file__).with_name("api_surface.txt")
PAGE: Final = ROOT / "docs/library.md"
FUNCTIONS: Final = [name for name in api.__all__ if inspect.isfunction(getattr(api, name))]


def test_the_examples_of_the_library_print_what_they_say() -> None:
    assert doctest.testmod(api) == doctest.TestResults(failed=0, attempted=13)


def test_the_examples_of_its_page_print_what_they_say(capsys: pytest.CaptureFixture[str]) -> None:
    session = "\n".join(re.findall(r"^```pycon\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL))
    examples = doctest.DocTestParser().get_doctest(session, {}, "library.md", str(PAGE), 0)

    failed, attempted = doctest.DocTestRunner().run(examples)

    assert failed == 0, capsys.readouterr().out
    assert attempted >= 20


def test_a_change_of_what_is_public_is_on_purpose() -> None:
    assert "".join(describe_surface()) == SURFACE.read_text(), "python -m tests.test_api writes it anew"


def test_every_public_function_and_its_parameters_are_typed_and_described() -> None:
    undescribed = [name for name in FUNCTIONS if not inspect.getdoc(getattr(api, name))]
    untyped = [
        name
        for name in FUNCTIONS
        for parameter in inspect.signature(getattr(api, name)).parameters.values()
        if parameter.annotation is inspect.Parameter.empty
    ]

    assert undescribed == []
    assert untyped == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_command_uses_every_public_function(name: str) -> None:
    function = getattr(api, name)

    assert (function.__module__, function.__name__) in imported_by_commands()


def test_nothing_private_is_public() -> None:
    modules = [
        getattr(api, name).__module__ for name in api.__all__ if hasattr(getattr(api, name), "__module__")
    ]

    assert [name for name in api.__all__ if name.startswith("_")] == []
    assert [module for module in modules if "._" in module] == []


def describe_surface() -> Iterator[str]:
    """A line for every public name: the parameters of a function, the bases of a class."""
    yield f"API_VERSION {api.API_VERSION}\n"
    for name in api.__all__:
        value = getattr(api, name)
        if inspect.isfunction(value):
            parameters = map(describe_parameter, inspect.signature(value).parameters.values())
            yield f"{name}({', '.join(parameters)})\n"
        elif inspect.isclass(value):
            fields = getattr(value, "__struct_fields__", ())
            yield f"class {name}{': ' if fields else ''}{', '.join(fields)}\n"


def describe_parameter(parameter: inspect.Parameter) -> str:
    star = "*" if parameter.kind is parameter.KEYWORD_ONLY else ""
    return f"{star}{parameter.name}{'' if parameter.default is parameter.empty else '='}"


def imported_by_commands() -> set[tuple[str, str]]:
    """Where a command imports what from; a package stands for the module that it takes a name from."""
    found = set()
    for file in (ROOT / "sloctl/cli").glob("*.py"):
        for statement in ast.walk(ast.parse(file.read_text())):
            if isinstance(statement, ast.ImportFrom) and statement.module is not None:
                for alias in statement.names:
                    found |= whereabouts(statement.module, alias.name)
    return found


def whereabouts(module: str, name: str) -> set[tuple[str, str]]:
    """The name where it was imported from, where it was defined, and all functions of an imported module."""
    imported = __import__(module, fromlist=[name])
    value = getattr(imported, name, None)
    if inspect.ismodule(value):
        return {(value.__name__, member) for member in vars(value)}
    return {(module, name), (getattr(value, "__module__", module), name)}


if __name__ == "__main__":
    SURFACE.write_text("".join(describe_surface()))
