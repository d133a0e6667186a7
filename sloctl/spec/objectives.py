"""Several objectives of one indicator → an SLO for each, as if each had been written out."""

from collections.abc import Iterator

import msgspec
from msgspec import Struct, structs

from sloctl.spec import fields
from sloctl.spec.yaml_nodes import Node, Plain, merge_nodes

_SEVERAL = "objectives"


class SingleObjective(Struct, frozen=True):
    """The fields of an SLO with one objective, and the node they were read from."""

    fields: fields.Objective
    node: Node


def expand_objectives(written: fields.Objective, node: Node) -> Iterator[SingleObjective]:
    """Return the SLOs of an entry: itself, or each of its objectives laid over what they share.

    An objective's name follows the entry's, behind a dash, whatever its percentage is or becomes.
    """
    if _SEVERAL not in node.entries:
        yield SingleObjective(written, node)
        return
    shared = _replace_entries(node, {key: it for key, it in node.entries.items() if key != _SEVERAL})
    for variant in node.at(_SEVERAL).items:
        ending = variant.at("name")
        joined = f"{written.name}-{ending.text}"
        name = structs.replace(ending, value=joined, text=joined)
        whole = merge_nodes(shared, _replace_entries(variant, {**variant.entries, "name": name}))
        yield SingleObjective(msgspec.convert(whole.value, fields.Objective), whole)


def _replace_entries(node: Node, entries: dict[str, Node]) -> Node:
    value: Plain = {key: entry.value for key, entry in entries.items()}
    return structs.replace(node, value=value, entries=entries)
