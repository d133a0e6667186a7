"""Nodes → YAML that reads back as the same nodes, laid out as a person would."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Final

from sloctl.spec.yaml_nodes import Node, parse_plain_scalar

# Text that is plain to YAML 1.1 as well, which other tools read.
_PLAIN: Final = re.compile(
    r"[A-Za-z_/(][^\n\t]*|[0-9]+(?:\.[0-9]+)?(?:%|ms|[smhdwy])(?:[0-9]+(?:ms|[smhdwy]))*"
)
_NOT_PLAIN: Final = re.compile(r": |:$| #|\s$")
_YAML_1_1_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off"})
_PRINTABLE_BLOCK: Final = re.compile(r"[^\s][^\t]*")

# Finds the comments that stand above a node in its file, each without its indentation.
CommentFinder = Callable[[Node], list[str]]


def render_document(document: Node, comments_above: CommentFinder) -> str:
    """Write a document, with the comments of its source above the document and above each SLO."""
    lines = [*comments_above(document), *_mapping_lines(document, "", comments_above)]
    return "\n".join(lines) + "\n"


def _mapping_lines(node: Node, indent: str, comments_above: CommentFinder) -> Iterator[str]:
    for key, entry in node.entries.items():
        name = _scalar(key)
        if entry.entries:
            yield f"{indent}{name}:"
            yield from _mapping_lines(entry, f"{indent}  ", comments_above)
        elif entry.items:
            yield f"{indent}{name}:"
            yield from _list_lines(entry, f"{indent}  ", comments_above if key == "slos" else _no_comments)
        else:
            yield from _scalar_lines(f"{indent}{name}:", entry, f"{indent}  ")


def _list_lines(node: Node, indent: str, comments_above: CommentFinder) -> Iterator[str]:
    for item in node.items:
        yield from (f"{indent}{comment}" for comment in comments_above(item))
        if item.entries:
            first, *rest = _mapping_lines(item, f"{indent}  ", _no_comments)
            yield f"{indent}- {first.lstrip()}"
            yield from rest
        else:
            yield from _scalar_lines(f"{indent}-", item, f"{indent}  ")


def _scalar_lines(head: str, node: Node, indent: str) -> Iterator[str]:
    text = node.text
    if isinstance(node.value, dict | list):
        yield f"{head} {'{}' if isinstance(node.value, dict) else '[]'}"
    elif not isinstance(node.value, str):
        yield f"{head} {text}"
    elif "\n" in text.strip("\n") and text.isascii() and _fits_block(text):
        yield f"{head} |{'' if text.endswith(chr(10)) else '-'}"
        yield from (f"{indent}{line}".rstrip() for line in text.removesuffix("\n").split("\n"))
    else:
        yield f"{head} {_scalar(text)}"


def _fits_block(text: str) -> bool:
    """Tell whether a literal block gives back *text*: no blank edges, and no line that ends in a space."""
    body = text.removesuffix("\n")
    return (
        _PRINTABLE_BLOCK.fullmatch(body.replace("\n", " ")) is not None
        and not body.endswith("\n")
        and all(line == line.rstrip() for line in body.split("\n"))
        and all(char.isprintable() or char == "\n" for char in body)
    )


def _scalar(text: str) -> str:
    """Write a text plain where any YAML reads it as that text, else in quotes."""
    is_plain = (
        _PLAIN.fullmatch(text) is not None
        and _NOT_PLAIN.search(text) is None
        and text.lower() not in _YAML_1_1_WORDS
        and text.isprintable()
        and parse_plain_scalar(text) == text
    )
    if is_plain:
        return text
    if text.isprintable() and '"' in text:
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _no_comments(_: Node) -> list[str]:
    return []
