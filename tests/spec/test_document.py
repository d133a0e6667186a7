"""Reading YAML: what bytes are refused, and what scalars mean."""

from math import inf

import pytest

from sloctl.spec.yaml_nodes import MAX_BYTES, parse_plain_scalar, read_documents
from tests.spec.specs import SPEC


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("on", "on"),
        ("no", "no"),
        ("y", "y"),
        ("17", 17),
        ("-3", -3),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("1:30", "1:30"),
        ("2026-11-21", "2026-11-21"),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.inf", -inf),
        (".", "."),
        ("-", "-"),
        ("30d", "30d"),
        ("9" * 5000, inf),
    ],
)
def test_a_plain_scalar_means_what_yaml_1_2_says(text: str, value: object) -> None:
    read = parse_plain_scalar(text)

    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            b"name: \xff\xfe\n",
            "x.yaml:1:7: a spec is UTF-8 text, got the byte 0xff [encoding]",
        ),
        (
            "name: ä\n  Größe\n".encode("latin-1"),
            "x.yaml:1:7: a spec is UTF-8 text, got the byte 0xe4 [encoding]",
        ),
        (
            "name: größe\nlabel: \x07\n".encode(),
            "x.yaml:2:8: the character U+0007 is invisible: write its escape in double quotes, or remove it "
            "[encoding]",
        ),
        (
            "größe\u2028: x".encode(),
            "x.yaml:1:6: the character U+2028 is invisible: write its escape in double quotes, or remove it "
            "[encoding]",
        ),
        (
            "\ufeffname: x".encode(),
            "x.yaml:1:1: a byte order mark: save the file as plain UTF-8 [encoding]",
        ),
        (
            "name: x".encode("utf-16"),
            "x.yaml:1:1: a spec is UTF-8 text, got the byte 0xff [encoding]",
        ),
        (
            b"#" * (MAX_BYTES + 1),
            "x.yaml:1:1: a spec file has at most 1048576 bytes: give each service its own [too-large]",
        ),
        (
            b'name: "\\ud800"',
            "x.yaml:1:10: not YAML: while parsing a quoted scalar found invalid Unicode character escape "
            "code [yaml]",
        ),
        (
            "größe: größe: x".encode(),
            "x.yaml:1:13: not YAML: this line is indented deeper than its neighbours, or a text with a colon "
            "needs quotes (mapping values are not allowed in this context) [yaml]",
        ),
    ],
)
def test_content_is_refused_at_its_place(content: bytes, problem: str) -> None:
    documents, problems = read_documents("x.yaml", content)

    assert documents == []
    assert [str(found) for found in problems] == [problem]


def test_a_place_counts_lines_and_characters_from_one() -> None:
    (document,), _ = read_documents("x.yaml", "größe: {a: [ß, b]}\r\nnext:\r\n  - größe".encode())

    assert str(document.at("größe", "a", 1).place) == "x.yaml:1:16"
    assert str(document.at("next", 0).place) == "x.yaml:3:5"


def test_every_byte_of_a_spec_may_be_cut_off() -> None:
    content = SPEC.encode()

    outcomes = [read_documents("x.yaml", content[:end]) for end in range(len(content))]

    assert all(isinstance(problems, list) for _, problems in outcomes)


@pytest.mark.parametrize(
    "opening",
    ["[", "{", "[{", "{a: ", "- ", "? ", "&a ", "!a ", "!!a [", '"', "'a", "|\n", "%a ", "*a ", "<<: "],
)
def test_a_megabyte_of_openings_is_soon_refused(opening: str) -> None:
    documents, problems = read_documents("x.yaml", (opening * MAX_BYTES)[:MAX_BYTES].encode())

    assert documents == []
    assert 1 <= len(problems) <= 100
