"""Texts → SLOs and problems: the front of the house."""

from collections.abc import Iterable

from msgspec import Struct

from sloctl.model import Slo
from sloctl.naming import SLOTH
from sloctl.problems import Level, Place, Problem, in_order
from sloctl.spec.document import Node, read_documents
from sloctl.spec.findings import Findings, Refusal
from sloctl.spec.native import read_native


class Specs(Struct, frozen=True):
    """What was read: *slos* in order of id, *problems* in order of place; neither depends on file order."""

    slos: tuple[Slo, ...]
    problems: tuple[Problem, ...]


def read(texts: Iterable[tuple[str, bytes]]) -> Specs:
    """Read (path, content) pairs, all of them, whatever is wrong with some."""
    findings = Findings()
    found: list[tuple[Slo, Node]] = []
    for path, content in sorted(texts):
        documents, problems = read_documents(path, content)
        findings.add(*problems)
        if not documents and not problems:
            findings.add(
                Problem(
                    Place(path, 1, 1),
                    "no-document",
                    "there is no spec in here: write one, or do not name this file",
                )
            )
        for document in documents:
            found += read_native(document, findings)
    slos = _one_of_each(found, findings)
    return Specs(tuple(sorted(slos, key=lambda slo: slo.id)), tuple(in_order(findings.problems)))


def _one_of_each(found: list[tuple[Slo, Node]], findings: Findings) -> list[Slo]:
    """The first SLO of each id."""
    first: dict[str, tuple[Slo, Node]] = {}
    joined: dict[str, tuple[Slo, Node]] = {}
    for slo, node in found:
        if slo.id in first:
            message = f"{slo.id} stands here again, first at {first[slo.id][1].place}: rename one of them"
            findings.note(Refusal("duplicate-slo", message), node.at("name"))
            continue
        first[slo.id] = (slo, node)
        other, _ = joined.setdefault(SLOTH.id_of(slo), (slo, node))
        if other is not slo:
            message = f"with --label-style sloth, {slo.id} and {other.id} would both be {SLOTH.id_of(slo)}"
            findings.note(Refusal("ambiguous-id", message, Level.WARNING), node.at("name"))
    return [slo for slo, _ in first.values()]
