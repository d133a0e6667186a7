"""The documentation is tried: its specs are read, and its problem codes are the ones there are."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Final

import pytest

from sloctl.spec import presets, read_specs
from sloctl.spec.settings import ADJUSTABLE_CODES
from tests.spec.specs import INDICATOR, SPEC, problems
from tests.spec.test_cases import CASES, expected

ROOT: Final = Path(__file__).parents[2]
PROBLEMS: Final = (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
REFERENCE: Final = (ROOT / "docs" / "spec.md").read_text(encoding="utf-8")
BLOCKS: Final = re.findall(r"^```yaml\n(.*?)^```$", REFERENCE, re.DOTALL | re.MULTILINE)
EXAMPLES: Final = [block for block in BLOCKS if block.startswith("apiVersion")]
ALERTING: Final = [block for block in BLOCKS if block.startswith("alerting")]
INDICATORS: Final = [block for block in BLOCKS if block not in EXAMPLES + ALERTING]
# Whoever makes a problem, with the position of its code.
MAKERS: Final = {"CheckFinding": 1, "Violation": 0, "Problem": 1, "_UnreadableDocument": 1, "_add_problem": 1}


def written_codes() -> Iterator[str]:
    """Every code in the source of the spec reader, of the checks and of the compiler."""
    source = ROOT / "sloctl"
    for path in (*source.glob("spec/**/*.py"), *source.glob("checks/**/*.py"), source / "compiler.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from codes_of(node)


def codes_of(call: ast.Call) -> Iterator[str]:
    maker = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    position = MAKERS.get(maker, len(call.args))
    positional = call.args[position : position + 1]
    named = [word.value for word in call.keywords if word.arg == "code"]
    for argument in (*positional, *named):
        if isinstance(argument, ast.Constant):
            yield str(argument.value)


def documented_codes() -> list[str]:
    return re.findall(r"^### (\S+)$", PROBLEMS, re.MULTILINE)


def test_the_spec_reference_begins_with_a_complete_example() -> None:
    assert len(EXAMPLES) >= 1


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_docs_is_a_sound_spec(example: str) -> None:
    found = read_specs([("spec.md", example.encode())])

    assert found.problems == ()
    assert found.slos


@pytest.mark.parametrize("fragment", INDICATORS)
def test_an_indicator_of_the_docs_is_sound(fragment: str) -> None:
    spec = SPEC.replace(INDICATOR, f"      indicator:\n{indent(fragment, ' ' * 8)}")
    # The parts of a journey are SLOs of other services.
    parts = [SPEC.replace("name: shop", f"name: {service}") for service in ("web", "payments-api")]

    assert problems("---\n".join([spec, *parts])) == []


@pytest.mark.parametrize("fragment", ALERTING)
def test_alerting_of_the_docs_is_sound(fragment: str) -> None:
    spec = SPEC + indent(fragment, " " * 6)

    assert problems(spec) == []


def test_the_docs_list_every_preset_with_its_parameters() -> None:
    document = (ROOT / "docs" / "presets.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[`([a-z0-9-]+)`\]\((.*?)\) \| (`.*?`) \| (.*) \|$", document, re.MULTILINE)

    assert listed == [
        (name, preset.source, ", ".join(f"`{it}`" for it in preset.parameters), preset.description)
        for name in presets.shipped_names()
        for preset in [presets.load_shipped_preset(name)]
    ]


def test_every_problem_code_is_documented_and_every_documented_code_exists() -> None:
    documented = documented_codes()

    assert sorted(documented) == sorted(set(written_codes()))


def test_every_problem_code_has_a_case_or_a_test() -> None:
    files = (*ROOT.glob("tests/[cs][hp]ec*/test_*.py"), *ROOT.glob("tests/targets/test_*.py"))
    tests = "".join(path.read_text(encoding="utf-8") for path in files).replace("\\", "")
    shown = {line.rpartition("[")[2].rstrip("]") for case in CASES for line in expected(case)}

    untested = [code for code in documented_codes() if code not in shown and f"[{code}]" not in tests]

    assert untested == []


def test_what_only_warns_can_be_weighed_otherwise() -> None:
    sections = re.findall(r"^### (\S+)\n+(.*)$", PROBLEMS, re.MULTILINE)
    warning = {code for code, first in sections if first.startswith(("A warning", "A note"))}

    assert warning - ADJUSTABLE_CODES == set()
    assert ADJUSTABLE_CODES - {code for code, _ in sections} == set()
