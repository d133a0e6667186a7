"""Texts of other tools' specs → files of ours, and what became of each SLO."""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from msgspec import Struct

from sloctl.migrate.shared_defaults import factor_defaults, merge_documents, with_slos
from sloctl.migrate.yaml_text import CommentFinder, render_document
from sloctl.problems import Place, Problem, ProblemLevel, sort_problems
from sloctl.spec import ReadingOptions
from sloctl.spec.dialects.translation import OriginalRatio, Translation, TranslationNote
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.native import read_native_document
from sloctl.spec.reader import read_all_documents
from sloctl.spec.yaml_nodes import Node


class MigrationOutcome(Enum):
    """What became of an SLO."""

    CLEAN = "clean"
    CHANGED = "changed"
    REFUSED = "refused"


class MigratedSlo(Struct, frozen=True):
    """An SLO as `service/name`, where it stands in the source, and what was understood differently."""

    slo: str
    place: Place
    outcome: MigrationOutcome
    notes: tuple[Problem, ...] = ()


class SpecFile(Struct, frozen=True):
    """A spec of one service: its path below the output directory, and its text."""

    path: str
    text: str


class Migration(Struct, frozen=True):
    """The files to write, what became of each SLO, and what is wrong with those that were refused.

    *notes* are those that are of no single SLO.
    """

    files: tuple[SpecFile, ...]
    slos: tuple[MigratedSlo, ...]
    notes: tuple[Problem, ...]
    problems: tuple[Problem, ...]
    originals: tuple[OriginalRatio, ...] = ()


def migrate_specs(texts: Sequence[tuple[str, bytes | None]], options: ReadingOptions) -> Migration:
    """Rewrite the specs of other tools in *texts*; those that are ours already are left alone."""
    findings = Findings()
    documents = read_all_documents(texts, options, findings)
    notes = [note for translation in documents.translations for note in translation.notes]
    kept: dict[str, list[Node]] = {}
    slos = list(_refused_slos(documents.translations))
    first: dict[str, Node] = {}
    for document in (it for translation in documents.translations for it in translation.documents):
        service = document.at("metadata", "name").text
        sound = [
            slo
            for slo in _keep_sound_slos(document, options, findings)
            if _is_first(slo, f"{service}/{slo.at('name').text}", first, findings)
        ]
        for slo in document.at("spec", "slos").items:
            slo_id = f"{service}/{slo.at('name').text}"
            own = tuple(note.problem for note in notes if note.slo == slo_id and _is_beside(note, slo))
            outcome = _outcome_of(slo, sound, own)
            slos.append(MigratedSlo(slo_id, slo.at("name").place, outcome, own))
        if sound:
            kept.setdefault(service, []).append(with_slos(document, sound))
    comments = _comment_finder({path: text for path, text in texts if text is not None})
    files = tuple(
        SpecFile(f"{service}.yaml", _render_service(written, comments))
        for service, written in sorted(kept.items())
    )
    of_none = tuple(note.problem for note in notes if not note.slo)
    return Migration(
        files,
        tuple(sorted(slos, key=lambda slo: (slo.place.path, slo.place.line))),
        of_none,
        tuple(sort_problems(findings.problems)),
        tuple(original for translation in documents.translations for original in translation.originals),
    )


def _refused_slos(translations: Iterable[Translation]) -> Iterable[MigratedSlo]:
    for translation in translations:
        for refused in translation.refused:
            yield MigratedSlo(refused.slo, refused.place, MigrationOutcome.REFUSED)


def _keep_sound_slos(document: Node, options: ReadingOptions, findings: Findings) -> list[Node]:
    """Return the SLOs that a spec of ours can have; what is wrong with the others goes to *findings*."""
    together = Findings()
    read_native_document(document, together, style=options.style)
    slos = list(document.at("spec", "slos").items)
    if together.error_count:
        slos = [slo for slo in slos if not _has_errors(with_slos(document, [slo]), options)]
    findings.add_problems(*together.problems)
    return slos


def _has_errors(document: Node, options: ReadingOptions) -> bool:
    alone = Findings()
    read_native_document(document, alone, style=options.style)
    return alone.error_count > 0


def _is_first(slo: Node, slo_id: str, first: dict[str, Node], findings: Findings) -> bool:
    """Tell whether no SLO of this id came before; another one goes to *findings*."""
    earlier = first.setdefault(slo_id, slo)
    if earlier is slo:
        return True
    message = f"{slo_id} stands here again, first at {earlier.place}: rename one of them"
    findings.add_violation(Violation("duplicate-slo", message), slo.at("name"))
    return False


def _is_beside(note: TranslationNote, slo: Node) -> bool:
    """Tell whether a note is of this SLO rather than of one of the same name in another file."""
    return note.problem.place.path == slo.path


def _outcome_of(slo: Node, sound: Sequence[Node], notes: Sequence[Problem]) -> MigrationOutcome:
    if slo not in sound:
        return MigrationOutcome.REFUSED
    changes = [note for note in notes if note.level is not ProblemLevel.NOTE]
    return MigrationOutcome.CHANGED if changes else MigrationOutcome.CLEAN


def _render_service(documents: Sequence[Node], comments: CommentFinder) -> str:
    texts = [render_document(factor_defaults(document), comments) for document in merge_documents(documents)]
    return "---\n".join(texts)


def _comment_finder(sources: Mapping[str, bytes]) -> CommentFinder:
    """Return a finder of the comments directly above the line of a node."""
    lines = {path: content.decode(errors="replace").splitlines() for path, content in sources.items()}

    def comments_above(node: Node) -> list[str]:
        above: list[str] = []
        for line in reversed(lines.get(node.path, [])[: node.line - 1]):
            if not line.lstrip().startswith("#"):
                break
            above.append(line.strip())
        return above[::-1]

    return comments_above
