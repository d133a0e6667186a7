"""What objects of Kubernetes have in common: metadata, lists of them, and fields that are null."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, field, structs

from sloctl.spec.field_types import Fields
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.yaml_nodes import UNRENDERED_PATTERN, UNRENDERED_TEMPLATE, Node

TextOfAnyType = Annotated[str | int | float | bool, Meta(extra={"noun": "text"})]

# OpenSLO's labels may have several values.
LabelValue = Annotated[
    str | int | float | bool | list[TextOfAnyType], Meta(extra={"noun": "text or a list of texts"})
]


class ObjectMetadata(Fields, frozen=True, kw_only=True):
    """The metadata of an object; what a cluster writes there is nobody's promise."""

    name: str
    namespace: str = ""
    labels: dict[str, LabelValue] = field(default_factory=dict)
    annotations: dict[str, TextOfAnyType] = field(default_factory=dict)
    creation_timestamp: object = None
    deletion_timestamp: object = None
    deletion_grace_period_seconds: object = None
    finalizers: object = None
    generate_name: object = None
    generation: object = None
    managed_fields: object = None
    owner_references: object = None
    resource_version: object = None
    self_link: object = None
    uid: object = None


def split_lists(document: Node) -> Iterator[Node]:
    """Yield the documents that a list of them holds, of kind List or plain; else the document itself."""
    items = document.items
    kind = document.entries.get("kind")
    if kind is not None and kind.text == "List" and "items" in document.entries:
        items = document.at("items").items
    elif not items or not all(_has_version(item) for item in items):
        yield document
        return
    for item in items:
        yield from split_lists(item)


def refuse_templates(document: Node, findings: Findings) -> bool:
    """Note every value that a template has yet to fill in, and tell whether there are any.

    Annotations are left alone: what stands in them may be a template of Prometheus.
    """
    found = list(find_templates(document))
    for node in found:
        findings.add_violation(Violation(*UNRENDERED_TEMPLATE), node)
    return bool(found)


def find_templates(node: Node) -> Iterator[Node]:
    """Yield the scalars below *node* that hold a template of Helm or the like, those of annotations aside."""
    if not node.entries and not node.items and UNRENDERED_PATTERN.search(node.text):
        yield node
    for item in node.items:
        yield from find_templates(item)
    for key, entry in node.entries.items():
        if key != "annotations":
            yield from find_templates(entry)


def drop_nulls(node: Node) -> Node:
    """Leave out keys without a value, at any depth, which other tools take as if they were not there."""
    if node.items:
        items = tuple(drop_nulls(item) for item in node.items)
        return structs.replace(node, items=items, value=[item.value for item in items])
    if not node.entries:
        return node
    entries = {key: drop_nulls(entry) for key, entry in node.entries.items() if entry.value is not None}
    keys = {key: node.keys[key] for key in entries}
    value = {key: entry.value for key, entry in entries.items()}
    return structs.replace(node, keys=keys, entries=entries, value=value)


def _has_version(item: Node) -> bool:
    return "apiVersion" in item.entries or "version" in item.entries
