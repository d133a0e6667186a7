"""Texts → SLOs and problems: the entry of the package."""

from collections.abc import Iterable

from msgspec import Struct

from sloctl.model import Slo
from sloctl.naming import SLOTH_STYLE
from sloctl.problems import Place, Problem, ProblemLevel, sort_problems
from sloctl.spec.dialects.kubernetes import split_lists
from sloctl.spec.dialects.registry import Dialect, find_dialect
from sloctl.spec.dialects.translation import ReadingOptions
from sloctl.spec.findings import Findings, Violation, limit_problems
from sloctl.spec.native import read_native_document
from sloctl.spec.presets import is_preset, read_own_presets
from sloctl.spec.yaml_nodes import Node, read_documents

_DEFAULT_OPTIONS = ReadingOptions()


class ParsedSpecs(Struct, frozen=True):
    """SLOs in order of id and problems in order of place; neither depends on the order of the files."""

    slos: tuple[Slo, ...]
    problems: tuple[Problem, ...]


def read_specs(
    texts: Iterable[tuple[str, bytes | None]], options: ReadingOptions = _DEFAULT_OPTIONS
) -> ParsedSpecs:
    """Read all (path, content) pairs, also where some of them have problems; other tools' specs too.

    Without a content, the path is of something that is no file, which is left out and told.
    """
    findings = Findings()
    own: list[Node] = []
    presets: list[Node] = []
    foreign: dict[Dialect, list[Node]] = {}
    for path, content in sorted(texts):
        if content is None:
            message = "a FIFO, a socket or a device is left out: name it to have it read"
            findings.add_problems(Problem(Place(path, 1, 1), "not-a-file", message, ProblemLevel.WARNING))
            continue
        documents, problems = read_documents(path, content)
        findings.add_problems(*problems)
        if not documents and not problems:
            findings.add_problems(
                Problem(
                    Place(path, 1, 1),
                    "no-document",
                    "there is no spec in here: write one, or do not name this file",
                )
            )
        for document in (part for whole in documents for part in split_lists(whole)):
            if is_preset(document):
                presets.append(document)
                continue
            dialect = find_dialect(document)
            (own if dialect is None else foreign.setdefault(dialect, [])).append(document)
    for dialect, written in foreign.items():
        translation = dialect.load_reader()(written, options, findings)
        findings.add_problems(*(note.problem for note in translation.notes))
        own += translation.documents
    catalog = read_own_presets(presets, findings)
    found = [
        slo
        for document in own
        for slo in read_native_document(document, findings, style=options.style, presets=catalog)
    ]
    slos = _drop_duplicates(found, findings)
    return ParsedSpecs(
        tuple(sorted(slos, key=lambda slo: slo.id)), tuple(limit_problems(sort_problems(findings.problems)))
    )


def _drop_duplicates(found: list[tuple[Slo, Node]], findings: Findings) -> list[Slo]:
    """Return the first SLO of each id, after noting the others."""
    first: dict[str, tuple[Slo, Node]] = {}
    joined: dict[str, tuple[Slo, Node]] = {}
    for slo, node in found:
        if slo.id in first:
            message = f"{slo.id} stands here again, first at {first[slo.id][1].place}: rename one of them"
            findings.add_violation(Violation("duplicate-slo", message), node.at("name"))
            continue
        first[slo.id] = (slo, node)
        other, _ = joined.setdefault(SLOTH_STYLE.slo_id(slo), (slo, node))
        if other is not slo:
            message = (
                f"with --label-style sloth, {slo.id} and {other.id} would both be {SLOTH_STYLE.slo_id(slo)}"
            )
            findings.add_violation(Violation("ambiguous-id", message, ProblemLevel.WARNING), node.at("name"))
    return [slo for slo, _ in first.values()]
