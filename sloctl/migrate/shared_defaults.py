"""What all SLOs of a service have alike, written once for all of them."""

from collections.abc import Sequence

from sloctl.spec.dialects.translation import list_at, mapping_at
from sloctl.spec.yaml_nodes import Node, mapping_in, merge_nodes


def merge_documents(documents: Sequence[Node]) -> list[Node]:
    """Join the documents of one service that share the same defaults, in their order."""
    merged: list[Node] = []
    for document in documents:
        for number, earlier in enumerate(merged):
            if _defaults_of(earlier) == _defaults_of(document):
                slos = (*earlier.at("spec", "slos").items, *document.at("spec", "slos").items)
                merged[number] = with_slos(earlier, slos)
                break
        else:
            merged.append(document)
    return merged


def factor_defaults(document: Node) -> Node:
    """Move the labels and the alerting that all SLOs have alike to where their defaults stand."""
    slos = document.at("spec", "slos").items
    if len(slos) < 2:
        return document
    labels = _common_part([mapping_in(slo, "labels") for slo in slos])
    alerting = _common_part([mapping_in(slo, "alerting") for slo in slos])
    slimmer = [
        _replace(
            slo,
            labels=_without_part(mapping_in(slo, "labels"), labels),
            alerting=_without_part(mapping_in(slo, "alerting"), alerting),
        )
        for slo in slos
    ]
    metadata = document.at("metadata")
    spec = document.at("spec")
    return _replace(
        document,
        metadata=_replace(metadata, labels=merge_nodes(mapping_in(metadata, "labels"), labels)),
        spec=_replace(
            spec,
            alerting=merge_nodes(mapping_in(spec, "alerting"), alerting),
            slos=list_at(spec.at("slos"), slimmer),
        ),
    )


def with_slos(document: Node, slos: Sequence[Node]) -> Node:
    """Return a document with other SLOs in it."""
    spec = document.at("spec")
    return _replace(document, spec=_replace(spec, slos=list_at(spec.at("slos"), slos)))


def _defaults_of(document: Node) -> tuple[object, object]:
    spec = {key: entry.value for key, entry in document.at("spec").entries.items() if key != "slos"}
    return document.at("metadata").value, spec


def _replace(node: Node, **changed: Node) -> Node:
    """Return a mapping with other entries under some keys; an empty mapping is left out."""
    entries: dict[str, Node | None] = {**node.entries, **changed}
    kept = {
        key: entry
        for key, entry in entries.items()
        if entry is not None and (entry.entries or not isinstance(entry.value, dict))
    }
    return mapping_at(node, kept, keys=node.keys)


def _common_part(mappings: Sequence[Node]) -> Node:
    """Return the entries that all mappings have with the same value, mapping by mapping."""
    first, *others = mappings
    common: dict[str, Node | None] = {}
    for key, entry in first.entries.items():
        counterparts = [other.entries.get(key) for other in others]
        present = [it for it in counterparts if it is not None]
        if len(present) < len(others):
            continue
        if all(it.value == entry.value and it.text == entry.text for it in present):
            common[key] = entry
        elif entry.entries and all(it.entries for it in present):
            part = _common_part([entry, *present])
            common[key] = part if part.entries else None
    return mapping_at(first, common, keys=first.keys)


def _without_part(mapping: Node, common: Node) -> Node:
    """Return what a mapping has beside the common part."""
    rest: dict[str, Node | None] = {}
    for key, entry in mapping.entries.items():
        shared = common.entries.get(key)
        if shared is None:
            rest[key] = entry
        elif shared.value != entry.value:
            part = _without_part(entry, shared)
            rest[key] = part if part.entries else None
    return mapping_at(mapping, rest, keys=mapping.keys)
