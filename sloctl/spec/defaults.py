"""What an SLO does not say itself: its document says it for all of them, or the repository for all documents.

Every value keeps the place where it was written, so that a mistake in a default is told there, and
`sloctl explain --effective` knows where a value came from.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import structs

from sloctl.spec.yaml_nodes import Node, mapping_in, merge_nodes

# Keys of `spec` that an SLO without them takes as they are; one of its own replaces them whole.
SHARED_KEYS: Final = ("objective", "window", "groupBy")
# Where in a document what the repository says of all of them belongs; `alerting` and labels key by key.
_KEYS_OF_SPEC: Final = ("scrapeInterval", *SHARED_KEYS)
_KEYS_OF_METADATA: Final = ("labels", "annotations")


def lay_over_repository(document: Node, defaults: Node) -> Node:
    """Lay a document over the `defaults` of its `.sloctl.yaml`."""
    metadata, spec = document.entries.get("metadata"), document.entries.get("spec")
    if metadata is None or spec is None:
        return document
    if not isinstance(metadata.value, dict) or not isinstance(spec.value, dict):
        return document
    for key in _KEYS_OF_METADATA:
        metadata = _merge_under(metadata, defaults, key)
    spec = _merge_under(_fill_in(spec, defaults, _KEYS_OF_SPEC), defaults, "alerting")
    return _replace_entries(document, {"metadata": metadata, "spec": spec}, document.keys)


def lay_over_spec(document: Node) -> Node:
    """Lay each SLO of a document over what its `spec` says of all of them."""
    spec = mapping_in(document, "spec")
    slos = spec.entries.get("slos")
    if slos is None or not spec.entries.keys() & set(SHARED_KEYS):
        return document
    items = tuple(_fill_in(item, spec, _shared_keys_of(item)) for item in slos.items)
    filled = structs.replace(slos, items=items, value=[item.value for item in items])
    return _replace_entries(
        document, {"spec": _replace_entries(spec, {"slos": filled}, spec.keys)}, document.keys
    )


def own_part(slo: Node, spec: Node) -> Node:
    """Return the node of an SLO without what it took from *spec*: findings about it stand at the SLO."""
    taken = [
        key
        for key in SHARED_KEYS
        if key in slo.entries and key in spec.entries and slo.entries[key].place == spec.entries[key].place
    ]
    if not taken:
        return slo
    entries = {key: entry for key, entry in slo.entries.items() if key not in taken}
    return structs.replace(
        slo,
        entries=entries,
        keys={key: place for key, place in slo.keys.items() if key not in taken},
        value={key: entry.value for key, entry in entries.items()},
    )


def _shared_keys_of(slo: Node) -> list[str]:
    """Return the keys that an SLO can take; one with `objectives` has each of its own."""
    return [key for key in SHARED_KEYS if key != "objective" or "objectives" not in slo.entries]


def _fill_in(node: Node, defaults: Node, keys: Iterable[str]) -> Node:
    """Give a mapping the entries of *defaults* under those of *keys* that it does not have."""
    if not isinstance(node.value, dict):
        return node
    missing = {
        key: defaults.entries[key] for key in keys if key in defaults.entries and key not in node.entries
    }
    return _replace_entries(node, missing, defaults.keys) if missing else node


def _merge_under(node: Node, defaults: Node, key: str) -> Node:
    """Lay the mapping under *key* over that of *defaults*."""
    if key not in defaults.entries or key not in node.entries:
        return _fill_in(node, defaults, [key])
    return _replace_entries(node, {key: merge_nodes(defaults.entries[key], node.entries[key])}, node.keys)


def _replace_entries(node: Node, entries: Mapping[str, Node], keys: Mapping[str, Node]) -> Node:
    """Return a mapping with other *entries*; *keys* has the places of keys that it lacks."""
    merged = {**node.entries, **entries}
    places = {**{key: keys[key] for key in entries if key in keys}, **node.keys}
    return structs.replace(
        node,
        entries=merged,
        keys={key: places.get(key, entry) for key, entry in merged.items()},
        value={key: entry.value for key, entry in merged.items()},
    )
