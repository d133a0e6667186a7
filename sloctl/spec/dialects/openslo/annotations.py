"""What OpenSLO has no field for, in annotations of our own, as `sloctl export` writes them."""

from collections.abc import Mapping
from typing import Final

from sloctl.spec.yaml_nodes import Node, mapping_in, read_documents

OWN_PREFIX: Final = "sloctl.dev/"
# By annotation, the key of a spec of ours; the value is YAML, and as a rule JSON.
OWN_ANNOTATIONS: Final = {
    "sloctl.dev/group-by": "groupBy",
    "sloctl.dev/scrape-interval": "scrapeInterval",
    "sloctl.dev/indicator": "indicator",
    "sloctl.dev/alerting": "alerting",
    "sloctl.dev/review-by": "reviewBy",
}


def own_entries(metadata: Node) -> Mapping[str, Node]:
    """Return the nodes that annotations of ours hold, by the keys that they have in a spec."""
    found: dict[str, Node] = {}
    for name, entry in mapping_in(metadata, "annotations").entries.items():
        key = OWN_ANNOTATIONS.get(name)
        documents, problems = read_documents(entry.path, entry.text.encode()) if key is not None else ([], [])
        if key is not None and len(documents) == 1 and not problems:
            found[key] = placed_at(documents[0], entry)
    return found


def placed_at(node: Node, place: Node) -> Node:
    """Return a node all of whose parts stand where *place* does."""
    return Node(
        place.path,
        place.line,
        place.column,
        node.value,
        node.text,
        tuple(placed_at(item, place) for item in node.items),
        {key: placed_at(it, place) for key, it in node.keys.items()},
        {key: placed_at(it, place) for key, it in node.entries.items()},
    )
