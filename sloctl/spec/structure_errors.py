"""The mistakes in the structure of a document: each with its place, and what stands there instead.

Runs only on what msgspec refused, since msgspec itself stops at the first mistake.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from msgspec import inspect, structs

from sloctl.problems import Problem
from sloctl.spec.field_types import INDEPENDENT_KEY, Choice
from sloctl.spec.findings import Findings
from sloctl.spec.messages import did_you_mean, join_words, quote_value, suggest_name
from sloctl.spec.yaml_nodes import Node

# Keys of specs and configurations before 0.1.0, each with its new name: a hint, not an alias.
RENAMED_KEYS: Final = {
    "newborn": "countNewSeries",
    "atOnce": "concurrency",
    "labels": "contributorLabels",
    "names": "allowedHosts",
}


def keep_valid_part(node: Node, fields: type, findings: Findings) -> Node | None:
    """Return *node* without its mistakes, which go to *findings*; None where too little is left.

    Unknown keys are left out, and what is independent of the rest: an objective, a label, a description.
    """
    return _StructureReader(findings).read_node(node, _describe_type(fields), name="a document")


@cache
def _describe_type(fields: type) -> inspect.Type:
    """Look at a type once: that takes two milliseconds, and a file may have thousands of documents."""
    return inspect.type_info(fields)


class _StructureReader:
    """A reader of nodes along a type; what it cannot read is None, and reported."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def read_node(self, node: Node, expected: inspect.Type, *, name: str) -> Node | None:
        match _fitting_type(expected, node):
            case inspect.StructType() as struct:
                return self._read_mapping(node, struct)
            case inspect.DictType(value_type=value_type):
                read = {
                    key: self.read_node(entry, value_type, name=quote_value(key))
                    for key, entry in node.entries.items()
                }
                return _with_entries(node, read, complete=not _is_independent(expected))
            case inspect.ListType() as items:
                return self._read_list(node, items, name=name, complete=not _is_independent(expected))
            case None:
                found = f"{_describe_value(node)}{_quoting_hint(node, expected)}"
                message = f"{name} is {_type_noun(expected)}, got {found}"
                self._add_problem(node, "wrong-type", message)
                return None
            case scalar:
                return node if self._is_allowed(node, scalar, name) else None

    def _read_mapping(self, node: Node, struct: inspect.StructType) -> Node | None:
        known = {field.encode_name: field for field in struct.fields}
        read: dict[str, Node | None] = {}
        for key, entry in node.entries.items():
            if field := known.get(key):
                read[key] = self.read_node(entry, field.type, name=key)
            else:
                new = RENAMED_KEYS.get(key)
                hint = f": {key} is now {new}" if new in known else suggest_name(key, known)
                self._add_problem(node.keys[key], "unknown-key", f"unknown key {quote_value(key)}{hint}")
        missing = [
            key
            for key, field in known.items()
            if key not in node.entries and (field.required or _is_usual(struct, node, field))
        ]
        for key in missing:
            self._add_problem(node, "missing-key", f"{key} is missing: it is {_type_noun(known[key].type)}")
        if not self._has_exactly_one(node, struct) or missing:
            return None
        kept = {
            key: entry
            for key, entry in read.items()
            if entry or known[key].required or not _is_independent(known[key].type)
        }
        return _with_entries(node, kept, complete=True)

    def _has_exactly_one(self, node: Node, struct: inspect.StructType) -> bool:
        names = struct.cls.exactly_one if issubclass(struct.cls, Choice) else ()
        choice = [field.encode_name for field in struct.fields if field.name in names]
        chosen = [key for key in choice if key in node.entries]
        if len(chosen) == 1 or not choice or any(_is_usual(struct, node, it) for it in struct.fields):
            return True
        at = node.keys[chosen[1]] if chosen else node
        found = f"got {join_words(chosen, last='and')}" if chosen else "got none of them"
        self._add_problem(at, "exactly-one", f"exactly one of {join_words(choice)} stands here, {found}")
        return False

    def _read_list(self, node: Node, expected: inspect.ListType, *, name: str, complete: bool) -> Node | None:
        if len(node.items) < (expected.min_length or 0):
            self._add_problem(node, "empty-list", f"{name} has at least one item, got none")
            return None
        read = [self.read_node(item, expected.item_type, name=f"an item of {name}") for item in node.items]
        items = tuple(item for item in read if item is not None)
        if len(items) < (len(read) if complete else 1):
            return None
        return structs.replace(node, items=items, value=[item.value for item in items])

    def _is_allowed(self, node: Node, expected: inspect.Type, name: str) -> bool:
        if isinstance(expected, inspect.StrType) and len(node.text) < (expected.min_length or 0):
            self._add_problem(node, "wrong-value", f"{name} is text, got an empty one")
            return False
        choices = _allowed_values(expected)
        if choices and node.value not in choices:
            found = f"{quote_value(node.text)}{did_you_mean(node.text, choices)}"
            self._add_problem(node, "wrong-value", f"{name} is {join_words(choices)}, got {found}")
            return False
        if (
            isinstance(expected, inspect.IntType)
            and isinstance(node.value, int)
            and not (expected.ge or 0) <= node.value <= (expected.le or node.value)
        ):
            bounds = f"{expected.ge} to {expected.le}"
            self._add_problem(node, "wrong-value", f"{name} is a whole number from {bounds}, got {node.text}")
            return False
        return True

    def _add_problem(self, node: Node, code: str, message: str) -> None:
        self._findings.add_problems(Problem(node.place, code, message, width=node.width))


def _is_usual(struct: inspect.StructType, node: Node, field: inspect.Field) -> bool:
    """Tell whether *field* is the one that is missing where a choice has not been made."""
    if not issubclass(struct.cls, Choice) or field.name != struct.cls.usual:
        return False
    choice = {each.encode_name for each in struct.fields if each.name in struct.cls.exactly_one}
    return not choice & node.entries.keys()


def _fitting_type(expected: inspect.Type, node: Node) -> inspect.Type | None:
    """Return the type, of a union the member, that the value has the form of; None where there is none."""
    while isinstance(expected, inspect.Metadata):
        expected = expected.type
    if isinstance(expected, inspect.AnyType):
        return expected
    if isinstance(expected, inspect.UnionType):
        return next((one for one in expected.types if _fitting_type(one, node)), None)
    # `object`: anything goes.
    if isinstance(expected, inspect.CustomType):
        return expected
    # To Python, true is a number.
    fits = isinstance(node.value, _PYTHON_TYPES[type(expected)]) and (
        isinstance(expected, inspect.BoolType) or not isinstance(node.value, bool)
    )
    return expected if fits else None


def _allowed_values(expected: inspect.Type) -> list[str]:
    match expected:
        case inspect.EnumType(cls=cls):
            return [member.value for member in cls]
        case inspect.LiteralType(values=values):
            return [str(value) for value in values]
        case _:
            return []


def _is_independent(expected: inspect.Type) -> bool:
    return isinstance(expected, inspect.Metadata) and INDEPENDENT_KEY in (expected.extra or {})


def _with_entries(node: Node, read: Mapping[str, Node | None], *, complete: bool) -> Node | None:
    """Return *node* with the entries that could be read; None where it is to be *complete* and is not."""
    entries = {key: entry for key, entry in read.items() if entry is not None}
    if complete and len(entries) < len(read):
        return None
    keys = {key: node.keys[key] for key in entries}
    value = {key: entry.value for key, entry in entries.items()}
    return structs.replace(node, keys=keys, entries=entries, value=value)


_PYTHON_TYPES: Final[dict[type[inspect.Type], type | tuple[type, ...]]] = {
    inspect.StrType: str,
    inspect.LiteralType: str,
    inspect.EnumType: str,
    inspect.BoolType: bool,
    inspect.IntType: int,
    inspect.FloatType: (int, float),
    inspect.ListType: list,
    inspect.DictType: dict,
    inspect.StructType: dict,
}
_NOUNS: Final[dict[type[inspect.Type], str]] = {
    inspect.StrType: "text",
    inspect.BoolType: "true or false",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.ListType: "a list",
    inspect.DictType: "a mapping",
    inspect.StructType: "a mapping",
    inspect.CustomType: "a value",
}


def _type_noun(expected: inspect.Type) -> str:
    while isinstance(expected, inspect.Metadata):
        if noun := (expected.extra or {}).get("noun"):
            return str(noun)
        expected = expected.type
    choices = _allowed_values(expected)
    return join_words(choices) if choices else _NOUNS[type(expected)]


def _describe_value(node: Node) -> str:
    match node.value:
        case None:
            return "nothing"
        case bool():
            return node.text
        case int() | float():
            return f"the number {quote_value(node.text)}"
        case str():
            return f"the text {quote_value(node.text)}" if node.text else "an empty text"
        case list():
            return "a list"
        case dict():
            return "a mapping"


def _quoting_hint(node: Node, expected: inspect.Type) -> str:
    """Return a hint where YAML takes a text for something else."""
    noun = _type_noun(expected)
    if isinstance(node.value, bool | int | float) and noun == "text":
        return f': write "{node.text}" in quotes'
    is_promql = noun.startswith(("a selector", "a PromQL"))
    return ": put PromQL in quotes" if isinstance(node.value, dict) and is_promql else ""
