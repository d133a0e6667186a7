"""What is wrong with the structure of a document: every mistake, its place, and what stands there instead.

Runs only on what msgspec refused, since msgspec itself stops at the first mistake.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import inspect, structs

from sloctl.problems import Place, Problem
from sloctl.spec.document import Node
from sloctl.spec.findings import Findings
from sloctl.spec.forms import ALONE, Choice
from sloctl.spec.words import did_you_mean, listed, shown, suggestion


def readable_part(node: Node, fields: type, findings: Findings) -> Node | None:
    """What is left of *node* without the mistakes, which go to *findings*; None where that is too little.

    Left out are keys that are unknown and what stands alone: an objective, a label, a description.
    """
    return _Walk(findings).read(node, inspect.type_info(fields), name="a document")


class _Walk:
    """Reads a node along a type; None is what cannot be read, and is reported."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def read(self, node: Node, expected: inspect.Type, *, name: str) -> Node | None:
        match _fitting(expected, node):
            case inspect.StructType() as struct:
                return self._mapping(node, struct)
            case inspect.DictType(value_type=value_type):
                read = {
                    key: self.read(entry, value_type, name=shown(key)) for key, entry in node.entries.items()
                }
                return _with_entries(node, read, complete=not _stands_alone(expected))
            case inspect.ListType() as items:
                return self._list(node, items, name=name, complete=not _stands_alone(expected))
            case None:
                self._wrong_type(node, expected, name)
                return None
            case scalar:
                return node if self._is_allowed(node, scalar, name) else None

    def _mapping(self, node: Node, struct: inspect.StructType) -> Node | None:
        known = {field.encode_name: field for field in struct.fields}
        read: dict[str, Node | None] = {}
        for key, entry in node.entries.items():
            if field := known.get(key):
                read[key] = self.read(entry, field.type, name=key)
            else:
                hint = suggestion(key, known)
                self._report(node.keys[key].place, "unknown-key", f"unknown key {shown(key)}{hint}")
        missing = [key for key, field in known.items() if field.required and key not in node.entries]
        for key in missing:
            self._report(node.place, "missing-key", f"{key} is missing: it is {_noun(known[key].type)}")
        if not self._has_exactly_one(node, struct) or missing:
            return None
        kept = {key: entry for key, entry in read.items() if entry or not _may_be_left_out(known[key])}
        return _with_entries(node, kept, complete=True)

    def _has_exactly_one(self, node: Node, struct: inspect.StructType) -> bool:
        names = struct.cls.exactly_one if issubclass(struct.cls, Choice) else ()
        choice = [field.encode_name for field in struct.fields if field.name in names]
        chosen = [key for key in choice if key in node.entries]
        if len(chosen) == 1 or not choice:
            return True
        place = node.keys[chosen[1]].place if chosen else node.place
        found = f"got {listed(chosen, last='and')}" if chosen else "got none of them"
        self._report(place, "exactly-one", f"exactly one of {listed(choice)} stands here, {found}")
        return False

    def _list(self, node: Node, expected: inspect.ListType, *, name: str, complete: bool) -> Node | None:
        if len(node.items) < (expected.min_length or 0):
            self._report(node.place, "empty-list", f"{name} has at least one item, got none")
            return None
        read = [self.read(item, expected.item_type, name=f"an item of {name}") for item in node.items]
        items = tuple(item for item in read if item is not None)
        if len(items) < (len(read) if complete else 1):
            return None
        return structs.replace(node, items=items, value=[item.value for item in items])

    def _is_allowed(self, node: Node, expected: inspect.Type, name: str) -> bool:
        choices = _choices(expected)
        if choices and node.value not in choices:
            found = f"{shown(node.text)}{did_you_mean(node.text, choices)}"
            self._report(node.place, "wrong-value", f"{name} is {listed(choices)}, got {found}")
            return False
        if isinstance(expected, inspect.IntType) and not _within(node, expected):
            bounds = f"{expected.ge} to {expected.le}"
            self._report(
                node.place, "wrong-value", f"{name} is a whole number from {bounds}, got {node.text}"
            )
            return False
        return True

    def _wrong_type(self, node: Node, expected: inspect.Type, name: str) -> None:
        found = f"{_found(node)}{_quotes_needed(node, expected)}"
        self._report(node.place, "wrong-type", f"{name} is {_noun(expected)}, got {found}")

    def _report(self, place: Place, code: str, message: str) -> None:
        self._findings.add(Problem(place, code, message))


def _fitting(expected: inspect.Type, node: Node) -> inspect.Type | None:
    """The type, or of several the one, whose form the value has; whether it is allowed shows later."""
    while isinstance(expected, inspect.Metadata):
        expected = expected.type
    if isinstance(expected, inspect.UnionType):
        return next((one for one in expected.types if _fitting(one, node)), None)
    # To Python, true is a number.
    fits = isinstance(node.value, _FORMS[type(expected)]) and (
        isinstance(expected, inspect.BoolType) or not isinstance(node.value, bool)
    )
    return expected if fits else None


def _choices(expected: inspect.Type) -> list[str]:
    match expected:
        case inspect.EnumType(cls=cls):
            return [member.value for member in cls]
        case inspect.LiteralType(values=values):
            return [str(value) for value in values]
        case _:
            return []


def _within(node: Node, expected: inspect.IntType) -> bool:
    return isinstance(node.value, int) and (expected.ge or 0) <= node.value <= (expected.le or node.value)


def _stands_alone(expected: inspect.Type) -> bool:
    return isinstance(expected, inspect.Metadata) and ALONE in (expected.extra or {})


def _may_be_left_out(field: inspect.Field) -> bool:
    return _stands_alone(field.type) and not field.required


def _with_entries(node: Node, read: Mapping[str, Node | None], *, complete: bool) -> Node | None:
    """*node* with what could be read; None where all of it had to be."""
    entries = {key: entry for key, entry in read.items() if entry is not None}
    if complete and len(entries) < len(read):
        return None
    keys = {key: node.keys[key] for key in entries}
    value = {key: entry.value for key, entry in entries.items()}
    return structs.replace(node, keys=keys, entries=entries, value=value)


_FORMS: Final[dict[type[inspect.Type], type]] = {
    inspect.StrType: str,
    inspect.LiteralType: str,
    inspect.EnumType: str,
    inspect.BoolType: bool,
    inspect.IntType: int,
    inspect.ListType: list,
    inspect.DictType: dict,
    inspect.StructType: dict,
}
_NOUNS: Final[dict[type[inspect.Type], str]] = {
    inspect.StrType: "text",
    inspect.BoolType: "true or false",
    inspect.IntType: "a whole number",
    inspect.ListType: "a list",
    inspect.DictType: "a mapping",
    inspect.StructType: "a mapping",
}


def _noun(expected: inspect.Type) -> str:
    while isinstance(expected, inspect.Metadata):
        if noun := (expected.extra or {}).get("noun"):
            return str(noun)
        expected = expected.type
    choices = _choices(expected)
    return listed(choices) if choices else _NOUNS[type(expected)]


def _found(node: Node) -> str:
    match node.value:
        case None:
            return "nothing"
        case bool():
            return node.text
        case int() | float():
            return f"the number {shown(node.text)}"
        case str():
            return f"the text {shown(node.text)}" if node.text else "an empty text"
        case list():
            return "a list"
        case dict():
            return "a mapping"


def _quotes_needed(node: Node, expected: inspect.Type) -> str:
    """What YAML takes for something else although text was meant."""
    if isinstance(node.value, bool | int | float) and _noun(expected) == "text":
        return f': write "{node.text}" in quotes'
    return ": put PromQL in quotes" if isinstance(node.value, dict) and _is_promql(expected) else ""


def _is_promql(expected: inspect.Type) -> bool:
    return _noun(expected).startswith(("a selector", "a PromQL"))
