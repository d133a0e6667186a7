"""Nodes → fields: whether a document has the keys and types it should is decided by msgspec."""

from typing import TypeVar

import msgspec
from msgspec import Struct

from sloctl.spec.findings import Findings
from sloctl.spec.yaml_nodes import Node

_Fields = TypeVar("_Fields", bound=Struct)


def convert_node(node: Node, fields: type[_Fields], findings: Findings) -> tuple[_Fields | None, Node]:
    """Convert *node* to *fields*, and return these with the part of it that was read.

    The fields are None where nothing is left to check. Problems go to *findings*; the part that was read has
    none of them.
    """
    try:
        return msgspec.convert(node.value, fields), node
    except msgspec.ValidationError:
        from sloctl.spec.structure_errors import keep_valid_part  # noqa: PLC0415 - 3 ms that a sound spec does without

        rest = keep_valid_part(node, fields, findings)
        return (msgspec.convert(rest.value, fields), rest) if rest else (None, node)
