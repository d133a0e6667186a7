"""The JSON Schema and the reader agree, wherever a schema can."""

import json
from pathlib import Path
from typing import Final

import pytest
import yaml
from jsonschema import Draft202012Validator

from sloctl.cli.main import main
from sloctl.spec import exclusions_schema, json_schema
from sloctl.spec.yaml_nodes import Plain, read_documents
from tests.spec.specs import SPEC
from tests.spec.test_cases import CASES, expected
from tests.spec.test_docs import EXAMPLES

ROOT: Final = Path(__file__).parents[2]
STRUCTURAL: Final = ("unknown-key", "missing-key", "wrong-type", "wrong-value", "exactly-one", "empty-list")
# An objective that is nowhere may be in `.sloctl.yaml`, as far as an editor knows.
UNSEEN: Final = ("no-objective",)
FORMS: Final = ("name", "percentage", "duration", "label-name")
VALIDATOR: Final = Draft202012Validator(json_schema())


def documents(path: str, content: bytes) -> list[Plain]:
    nodes, _ = read_documents(path, content)
    return [node.value for node in nodes]


def schema_errors(path: str, content: bytes) -> list[str]:
    return [error.message for one in documents(path, content) for error in VALIDATOR.iter_errors(one)]


def coded(codes: tuple[str, ...]) -> list[Path]:
    endings = tuple(f"[{code}]" for code in codes)
    return [
        case
        for case in CASES
        if case.stem not in UNSEEN and any(line.endswith(endings) for line in expected(case))
    ]


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", sorted((ROOT / "slos").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_schema_accepts_a_shipped_spec(path: Path) -> None:
    if path.stem == "exclusions":
        validator = Draft202012Validator(exclusions_schema())
        assert [*validator.iter_errors(documents(path.name, path.read_bytes())[0])] == []
        return

    errors = schema_errors(path.name, path.read_bytes())

    assert errors == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_schema_accepts_an_example_of_the_docs(example: str) -> None:
    errors = schema_errors("doc", example.encode())

    assert errors == []


@pytest.mark.parametrize("case", coded(STRUCTURAL + FORMS), ids=lambda case: case.stem)
def test_the_schema_refuses_what_the_reader_refuses_for_its_structure(case: Path) -> None:
    errors = schema_errors(case.name, case.read_bytes())

    assert errors


def test_every_field_says_what_it_is() -> None:
    schema = json_schema()
    definitions = schema["$defs"]

    silent = [
        f"{name}.{key}"
        for name, definition in definitions.items()
        for key, field in definition.get("properties", {}).items()
        if "description" not in field | definitions.get(field.get("$ref", "").removeprefix("#/$defs/"), {})
    ]

    assert silent == []


def test_the_schema_command_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["schema"])

    assert json.loads(capsys.readouterr().out) == json_schema()
    assert code == 0


def test_the_schema_that_specs_point_to_is_the_current_one() -> None:
    published = json.loads((ROOT / "docs" / "schema.json").read_text(encoding="utf-8"))

    assert published == json_schema(), "run: sloctl schema > docs/schema.json"


def test_an_ordinary_yaml_reader_sees_the_same_spec() -> None:
    assert documents("x", SPEC.encode()) == [yaml.safe_load(SPEC)]
