"""The objects of all files by kind and name: what an SLO refers to may stand in another file."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from sloctl.spec.dialects.kubernetes import drop_nulls, refuse_templates
from sloctl.spec.dialects.openslo import fields
from sloctl.spec.dialects.openslo.versions import VERSIONS, normalize_object
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import did_you_mean, join_words, quote_value, suggest_name
from sloctl.spec.structure import convert_node
from sloctl.spec.yaml_nodes import Node


class OpensloCatalogue(Struct, frozen=True):
    """Objects without mistakes in their structure, in the order of the files; the first of a name counts."""

    slos: tuple[Node, ...]
    named: Mapping[tuple[str, str], Node]

    def find(self, kind: str, name: str) -> Node | None:
        return self.named.get((kind, name))

    def resolve(self, kind: str, reference: Node, findings: Findings) -> Node | None:
        """Return the object that *reference* names, or None after noting that there is none."""
        found = self.find(kind, reference.text)
        if found is None:
            names = [name for each, name in self.named if each == kind]
            message = (
                f"there is no {kind} {quote_value(reference.text)} in these files"
                f"{did_you_mean(reference.text, names)}"
            )
            findings.add_violation(Violation("openslo-reference", message), reference)
        return found


def collect_objects(documents: Sequence[Node], findings: Findings) -> OpensloCatalogue:
    """Read the structure of all objects; problems go to *findings*, and what has one is left out."""
    slos: list[Node] = []
    named: dict[tuple[str, str], Node] = {}
    for written in documents:
        if refuse_templates(written, findings):
            continue
        document = normalize_object(drop_nulls(written))
        kind = read_kind(document, findings)
        if kind is None:
            continue
        errors = findings.error_count
        conforming, node = convert_node(document, fields.OBJECT_TYPES[kind], findings)
        if conforming is None or findings.error_count > errors:
            continue
        if kind == "SLO":
            slos.append(node)
        else:
            named.setdefault((kind, node.at("metadata", "name").text), node)
    return OpensloCatalogue(tuple(slos), named)


def read_kind(document: Node, findings: Findings) -> str | None:
    """Return the kind of an object, or None after noting that it is none of OpenSLO's."""
    version, kind = document.entries.get("apiVersion"), document.entries.get("kind")
    if version is None or version.text not in VERSIONS:
        found = "" if version is None else f", got {quote_value(version.text)}"
        message = f"apiVersion of OpenSLO is {join_words(VERSIONS)}{found}"
        findings.add_violation(Violation("openslo-version", message), version or document)
        return None
    if kind is None or kind.text not in fields.OBJECT_TYPES:
        if kind is None:
            findings.add_violation(
                Violation("missing-key", "kind is missing: it is SLO or another"), document
            )
            return None
        hint = suggest_name(kind.text, fields.OBJECT_TYPES)
        message = f"OpenSLO has no kind {quote_value(kind.text)}{hint}"
        findings.add_violation(Violation("openslo-kind", message), kind)
        return None
    return kind.text
