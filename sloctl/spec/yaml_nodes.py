"""YAML text → nodes that know their places, in one pass over the events of libyaml.

Its one law: a node holds what YAML 1.2 says the text holds. What only looks like that (a repeated key, an
alias, a tag, a key that is no text) is refused, and never reaches the model.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias, cast

import msgspec
import yaml
from yaml import CSafeLoader, Event

from sloctl.problems import Place, Problem
from sloctl.spec.messages import quote_value
from sloctl.spec.yaml_scalars import Scalar, parse_plain_scalar

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 50

Plain: TypeAlias = "Scalar | list[Plain] | dict[str, Plain]"

# What YAML 1.2 calls not printable, byte order marks (libyaml drops them), and U+2028 and U+2029 (libyaml
# breaks a line where no editor does).
_INVISIBLE_CHARACTERS: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]"
)
_NO_ENTRIES: Final[Mapping[str, "Node"]] = MappingProxyType({})
_ENDS: Final = (yaml.SequenceEndEvent, yaml.MappingEndEvent)


# A msgspec struct and not a dataclass: some sixty are made for every SLO, at a fifth of the cost.
class Node(msgspec.Struct, frozen=True):
    """A value at its place; *text* is a scalar as written, "" for a list or a mapping."""

    path: str
    line: int
    column: int
    value: Plain
    text: str = ""
    items: tuple["Node", ...] = ()
    keys: Mapping[str, "Node"] = _NO_ENTRIES
    entries: Mapping[str, "Node"] = _NO_ENTRIES

    @property
    def place(self) -> Place:
        return Place(self.path, self.line, self.column)

    def at(self, *steps: str | int) -> "Node":
        """The node that *steps* lead to, or the last one on the way there that the document has."""
        node = self
        for step in steps:
            after = node.items[step] if isinstance(step, int) else node.entries.get(step)
            if after is None:
                return node
            node = after
        return node


def mapping_in(node: Node, key: str) -> Node:
    """The mapping under *key*, empty where there is none."""
    return node.entries.get(key) or Node(node.path, node.line, node.column, {})


class _Mark(Protocol):
    """A place as libyaml counts, from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class _UnreadableDocument(Exception):
    """Carries the problem at which reading ends out of the recursion."""

    def __init__(self, place: Place, code: str, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(place, code, message)


def read_documents(path: str, content: bytes) -> tuple[list[Node], list[Problem]]:
    """The documents of a file, without empty ones; or no document and every reason."""
    problems: list[Problem] = []
    documents: list[Node] = []
    try:
        documents = list(_NodeReader(path, _decode_text(path, content), problems).iter_documents())
    except _UnreadableDocument as unreadable:
        problems.append(unreadable.problem)
    return ([], problems) if problems else (documents, [])


def merge_nodes(defaults: Node, own: Node) -> Node:
    """*own* laid over *defaults*, mapping by mapping, key by key; every value keeps its place."""
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
    if refused := _INVISIBLE_CHARACTERS.search(text):
        raise _UnreadableDocument(
            _end_place(path, text[: refused.start()]), "encoding", _why_refused(refused[0])
        )
    return text


def _why_refused(char: str) -> str:
    if char == "\ufeff":
        return "a byte order mark: save the file as plain UTF-8"
    return f"the character U+{ord(char):04X} is invisible: write its escape in double quotes, or remove it"


def _end_place(path: str, text: str) -> Place:
    *above, last = re.split("\r\n|\r|\n", text)
    return Place(path, len(above) + 1, len(last) + 1)


class _NodeReader:
    """Recursive descent over the events; never deeper than MAX_DEPTH."""

    def __init__(self, path: str, text: str, problems: list[Problem]) -> None:
        self._path = path
        self._text = text
        self._problems = problems
        self._events = CSafeLoader(text)

    def iter_documents(self) -> Iterator[Node]:
        while not isinstance(event := self._next_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                document = self._read_node(self._next_event(), depth=0)
                if document.value is not None:
                    yield document

    def _next_event(self) -> Event:
        try:
            # None only after the end of the stream, and reading ends there.
            return cast(Event, self._events.get_event())
        except yaml.MarkedYAMLError as error:
            raise _UnreadableDocument(self._place_at(error.problem_mark), "yaml", self._why(error)) from error
        except yaml.YAMLError as error:
            raise _UnreadableDocument(Place(self._path, 1, 1), "yaml", f"not YAML: {error}") from error

    def _why(self, error: yaml.MarkedYAMLError) -> str:
        mark = error.problem_mark
        if mark is not None and self._text[mark.index : mark.index + 1] == "\t":
            return "not YAML: a tab does not indent, spaces do"
        return f"not YAML: {' '.join(part for part in (error.context, error.problem) if part)}"

    def _read_node(self, event: Event, *, depth: int) -> Node:
        if depth > MAX_DEPTH:
            message = f"a spec nests at most {MAX_DEPTH} deep"
            raise _UnreadableDocument(self._place_at(event.start_mark), "too-deep", message)
        self._report_anchors_and_tags(event)
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
            self._add_problem(
                event, "alias", f"anchors and aliases are not read: write out the value of {name}"
            )
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
                self._problems.append(Problem(key.place, "key-type", _not_text(key)))
            elif name in keys:
                self._problems.append(Problem(key.place, "duplicate-key", _again(name, keys[name].line)))
            else:
                keys[name], entries[name] = key, entry
        value = {name: node.value for name, node in entries.items()}
        return self._make_node(start, value, keys=keys, entries=entries)

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
        line, column = _counted_from_one(event.start_mark)
        return Node(self._path, line, column, value, text, items, keys, entries)

    def _add_problem(self, event: Event, code: str, message: str) -> None:
        self._problems.append(Problem(self._place_at(event.start_mark), code, message))

    def _place_at(self, mark: _Mark | None) -> Place:
        return Place(self._path, *_counted_from_one(mark))


def _counted_from_one(mark: _Mark | None) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _not_text(key: Node) -> str:
    return f"a key is text: put {quote_value(key.text)} in quotes" if key.text else "a key is text"


def _again(key: str, line: int) -> str:
    return f"{quote_value(key)} stands here again (first in line {line}): keep one of them"
