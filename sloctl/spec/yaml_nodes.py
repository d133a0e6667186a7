"""YAML text → nodes that know their places, in one pass over the events of libyaml.

A node holds what YAML 1.2 says the text holds. What only looks like that (a repeated key, an alias, a tag, a
key that is no text) is a problem, and never reaches the model. A plain scalar means what the core schema of
YAML 1.2.2, section 10.3.2, says, and nothing of YAML 1.1: `on`, `no`, `1:30`, `1_000` and dates are text,
`017` is seventeen, `0o17` is fifteen.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias, cast

import msgspec
import yaml
from yaml import CSafeLoader, Event

from sloctl.problems import Place, Problem
from sloctl.spec.messages import quote_value

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 50
# Far more than a file of MAX_BYTES has, and than anybody's aliases make of one.
MAX_NODES: Final = 1_000_000
# What Helm, Jinja and jsonnet leave in a file that nobody has rendered.
UNRENDERED_PATTERN: Final = re.compile(
    r"\{\{-?\s*(?:\.[A-Z]|\$\.|`|/\*|(?:if|end|else|range|include|with|template|define)\b)"
    r"|\{%|^local \w+ =",
    re.MULTILINE,
)
UNRENDERED_TEMPLATE: Final = (
    "unrendered-template",
    "this is a template that nobody has rendered: render it first, as with helm template, and read what "
    "comes of it",
)

Scalar: TypeAlias = str | int | float | bool | None
Plain: TypeAlias = "Scalar | list[Plain] | dict[str, Plain]"

# What YAML 1.2 calls not printable, byte order marks (libyaml drops them), and U+2028 and U+2029 (libyaml
# breaks a line where no editor does).
_INVISIBLE_CHARACTERS: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]"
)
_NO_ENTRIES: Final[Mapping[str, "Node"]] = MappingProxyType({})
_ENDS: Final = (yaml.SequenceEndEvent, yaml.MappingEndEvent)

_WORDS: Final[dict[str, bool | None]] = (
    dict.fromkeys(("", "~", "null", "Null", "NULL"))
    | dict.fromkeys(("true", "True", "TRUE"), True)
    | dict.fromkeys(("false", "False", "FALSE"), False)
)
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_FIRST_OF_A_NUMBER: Final = frozenset("-+.0123456789")
_BASES: Final = {"0o": 8, "0x": 16}
# No field takes more; and Python refuses to read thousands of digits.
_YAML_HINTS: Final = {
    "mapping values are not allowed": (
        "this line is indented deeper than its neighbours, or a text with a colon needs quotes"
    ),
    "block collection": "this line is indented less than the list it belongs to, and more than what holds it",
    "expected ':'": "a line before has no colon with a space after it",
    "a flow mapping": "a { is not closed, or PromQL that begins with { needs quotes",
    "a flow sequence": "a [ is not closed, or a text that begins with [ needs quotes",
    "expected key": "a quote before is not closed, or this line is indented unlike its neighbours",
    "cannot start any token": "a text that begins with `, @ or % needs quotes, and Markdown is no YAML",
}
_MAX_DIGITS: Final = 18


# A msgspec struct and not a dataclass: some sixty are made for every SLO, at a fifth of the cost.
class Node(msgspec.Struct, frozen=True):
    """A value at its place; *text* is a scalar as written, "" for a list or a mapping.

    *width* is how many characters a scalar takes, quotes included; 0 where it is not on one line.
    """

    path: str
    line: int
    column: int
    value: Plain
    text: str = ""
    items: tuple["Node", ...] = ()
    keys: Mapping[str, "Node"] = _NO_ENTRIES
    entries: Mapping[str, "Node"] = _NO_ENTRIES
    width: int = 0

    @property
    def place(self) -> Place:
        return Place(self.path, self.line, self.column)

    def at(self, *steps: str | int) -> "Node":
        """Return the node that *steps* lead to, or the last one on the way that the document has."""
        node = self
        for step in steps:
            after = node.items[step] if isinstance(step, int) else node.entries.get(step)
            if after is None:
                return node
            node = after
        return node


def mapping_in(node: Node, key: str) -> Node:
    """Return the mapping under *key*, empty where there is none."""
    return node.entries.get(key) or Node(node.path, node.line, node.column, {})


def parse_plain_scalar(text: str) -> Scalar:
    """Return the value of an unquoted scalar; an integer of more than 18 digits becomes a float."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST_OF_A_NUMBER:
        return text
    if len(text) <= _MAX_DIGITS and _INTEGER.fullmatch(text):
        base = _BASES.get(text[:2], 10)
        return int(text if base == 10 else text[2:], base)
    if _FLOAT.fullmatch(text):
        # Python spells infinity and not-a-number without the dot.
        return float(text if text[-1].isdigit() or text[-1] == "." else text.replace(".", ""))
    return text


class _Mark(Protocol):
    """A place as libyaml counts, from 0; a protocol because libyaml's type is untyped."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


def _never(_: Node) -> bool:
    return False


class _UnreadableDocument(Exception):
    """The problem at which reading ends, on its way out of the recursion."""

    def __init__(self, place: Place, code: str, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(place, code, message)


def read_documents(
    path: str, content: bytes, *, may_have_aliases: Callable[[Node], bool] = _never
) -> tuple[list[Node], list[Problem]]:
    """Read the documents of a file, without empty ones; or none of them and every problem.

    Anchors and aliases are problems but in documents that *may_have_aliases*.
    """
    problems: list[Problem] = []
    documents: list[Node] = []
    try:
        reader = _NodeReader(path, _decode_text(path, content), problems)
        for document, aliases in reader.iter_documents():
            documents.append(document)
            problems += [] if may_have_aliases(document) else aliases
    except _UnreadableDocument as unreadable:
        problems.append(unreadable.problem)
    return ([], problems) if problems else (documents, [])


def merge_nodes(defaults: Node, own: Node) -> Node:
    """Lay *own* over *defaults*, mapping by mapping and key by key; every value keeps its place."""
    if not isinstance(own.value, dict) or not isinstance(defaults.value, dict):
        return own
    entries = {**defaults.entries, **own.entries}
    for key in defaults.entries.keys() & own.entries.keys():
        entries[key] = merge_nodes(defaults.entries[key], own.entries[key])
    value = {key: node.value for key, node in entries.items()}
    return Node(own.path, own.line, own.column, value, keys={**defaults.keys, **own.keys}, entries=entries)


def _decode_text(path: str, content: bytes) -> str:
    if len(content) > MAX_BYTES:
        message = f"a spec file has at most {MAX_BYTES} bytes: give each service its own"
        raise _UnreadableDocument(Place(path, 1, 1), "too-large", message)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        message = f"a spec is UTF-8 text, got the byte 0x{content[error.start]:02x}"
        raise _UnreadableDocument(_end_place(path, before), "encoding", message) from error
    if invisible := _INVISIBLE_CHARACTERS.search(text):
        fix = "is invisible: write its escape in double quotes, or remove it"
        message = (
            "a byte order mark: save the file as plain UTF-8"
            if invisible[0] == "\ufeff"
            else f"the character U+{ord(invisible[0]):04X} {fix}"
        )
        raise _UnreadableDocument(_end_place(path, text[: invisible.start()]), "encoding", message)
    return text


def _end_place(path: str, text: str) -> Place:
    """Return the place just behind *text*, the beginning of the file at *path*."""
    *above, last = re.split("\r\n|\r|\n", text)
    return Place(path, len(above) + 1, len(last) + 1)


class _NodeReader:
    """A recursive descent over the events of one file, never deeper than MAX_DEPTH."""

    def __init__(self, path: str, text: str, problems: list[Problem]) -> None:
        self._path = path
        self._text = text
        self._problems = problems
        self._events = CSafeLoader(text)
        self._aliases: list[Problem] = []
        self._lines: list[str] = []
        # The value of each anchor, and of how many nodes it is.
        self._anchored: dict[str, tuple[Node, int]] = {}
        self._node_count = 0

    def iter_documents(self) -> Iterator[tuple[Node, list[Problem]]]:
        """Read the documents that are not empty, each with its anchors and aliases as problems."""
        while not isinstance(event := self._next_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                self._aliases = []
                self._anchored = {}
                document = self._read_node(self._next_event(), depth=0)
                if document.value is not None:
                    yield document, self._aliases

    def _next_event(self) -> Event:
        try:
            # None only after the end of the stream, and reading ends there.
            return cast(Event, self._events.get_event())
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            if UNRENDERED_PATTERN.search(self._text):
                raise _UnreadableDocument(self._place_at(mark), *UNRENDERED_TEMPLATE) from error
            if mark is not None and self._text[mark.index : mark.index + 1] == "\t":
                why = "a tab does not indent, spaces do"
            else:
                said = " ".join(part for part in (error.context, error.problem) if part)
                hint = next((hint for words, hint in _YAML_HINTS.items() if words in said), "")
                why = f"{hint} ({said})" if hint else said
            raise _UnreadableDocument(self._place_at(mark), "yaml", f"not YAML: {why}") from error
        except yaml.YAMLError as error:
            raise _UnreadableDocument(Place(self._path, 1, 1), "yaml", f"not YAML: {error}") from error

    def _read_node(self, event: Event, *, depth: int) -> Node:
        if depth > MAX_DEPTH:
            message = f"a spec nests at most {MAX_DEPTH} deep"
            raise _UnreadableDocument(self._place_at(event.start_mark), "too-deep", message)
        self._report_anchors_and_tags(event)
        if isinstance(event, yaml.AliasEvent):
            return self._read_alias(event)
        before = self._node_count
        node = self._read_value(event, depth)
        self._node_count += 1
        if anchor := getattr(event, "anchor", None):
            self._anchored[anchor] = (node, self._node_count - before)
        return node

    def _read_alias(self, event: yaml.AliasEvent) -> Node:
        node, size = self._anchored.get(event.anchor or "", (self._make_node(event, None), 1))
        self._node_count += size
        if self._node_count > MAX_NODES:
            message = f"with its aliases written out this has more than {MAX_NODES:,} values"
            raise _UnreadableDocument(self._place_at(event.start_mark), "too-large", message)
        return node

    def _read_value(self, event: Event, depth: int) -> Node:
        match event:
            case yaml.ScalarEvent():
                value = parse_plain_scalar(event.value) if event.implicit[0] else event.value
                return self._make_node(event, value, text=event.value)
            case yaml.SequenceStartEvent():
                items = tuple(self._read_children(depth + 1))
                return self._make_node(event, [item.value for item in items], items=items)
            case yaml.MappingStartEvent():
                return self._read_mapping(event, depth + 1)
            case _:
                return self._make_node(event, None)

    def _report_anchors_and_tags(self, event: Event) -> None:
        if not isinstance(event, yaml.NodeEvent):
            return
        if event.anchor is not None:
            name = quote_value(event.anchor)
            message = f"anchors and aliases are not read: write out the value of {name}"
            self._aliases.append(Problem(self._place_at(event.start_mark), "alias", message))
        tag = getattr(event, "tag", None)
        if tag is not None:
            written = quote_value(tag.replace("tag:yaml.org,2002:", "!!"))
            self._add_problem(event, "tag", f"tags are not read: remove {written}")

    def _read_children(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := self._next_event(), _ENDS):
            yield self._read_node(event, depth=depth)

    def _read_mapping(self, start: Event, depth: int) -> Node:
        keys: dict[str, Node] = {}
        entries: dict[str, Node] = {}
        children = self._read_children(depth)
        for key, entry in zip(children, children, strict=True):
            name = key.value
            if not isinstance(name, str):
                if self._is_template(key):
                    self._problems.append(Problem(key.place, *UNRENDERED_TEMPLATE))
                    continue
                fix = f": put {quote_value(key.text)} in quotes" if key.text else ""
                message = f"a key is text{fix}"
                self._problems.append(Problem(key.place, "key-type", message, width=key.width))
            elif name in keys:
                message = f"{quote_value(name)} stands here again (first in line {keys[name].line})"
                message = f"{message}: keep one of them"
                self._problems.append(Problem(key.place, "duplicate-key", message, width=key.width))
            else:
                keys[name], entries[name] = key, entry
        value = {name: node.value for name, node in entries.items()}
        return self._make_node(start, value, keys=keys, entries=entries)

    def _is_template(self, key: Node) -> bool:
        """Tell whether a key that is a mapping is what a template has between two braces."""
        if not isinstance(key.value, dict):
            return False
        # Once for the file: a split for each key would be quadratic.
        self._lines = self._lines or self._text.split("\n")
        return self._lines[key.line - 1][key.column - 2 : key.column] == "{{"

    def _make_node(
        self,
        event: Event,
        value: Plain,
        *,
        text: str = "",
        items: tuple[Node, ...] = (),
        keys: Mapping[str, Node] = _NO_ENTRIES,
        entries: Mapping[str, Node] = _NO_ENTRIES,
    ) -> Node:
        place = self._place_at(event.start_mark)
        ends = self._place_at(event.end_mark)
        is_scalar = isinstance(event, yaml.ScalarEvent) and ends.line == place.line
        width = ends.column - place.column if is_scalar else 0
        return Node(self._path, place.line, place.column, value, text, items, keys, entries, width)

    def _add_problem(self, event: Event, code: str, message: str) -> None:
        self._problems.append(Problem(self._place_at(event.start_mark), code, message))

    def _place_at(self, mark: _Mark | None) -> Place:
        return Place(self._path, mark.line + 1, mark.column + 1) if mark else Place(self._path, 1, 1)
