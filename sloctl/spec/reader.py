"""Texts → SLOs and problems: the entry of the package."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct, structs

from sloctl.model import UTC_ZONE, CalendarWindow, RecurringTime, Slo
from sloctl.naming import SLOTH_STYLE
from sloctl.problems import Place, Problem, ProblemLevel, sort_problems
from sloctl.slo.budget_policy import BudgetPolicy
from sloctl.slo.calendar import TABLE_END_YEAR
from sloctl.spec import budget_policies, exclusions
from sloctl.spec.defaults import lay_over_repository, own_part
from sloctl.spec.dialects.kubernetes import split_lists
from sloctl.spec.dialects.registry import Dialect, find_dialect
from sloctl.spec.dialects.translation import ReadingOptions, Translation, expand_merge_keys
from sloctl.spec.findings import Findings, Violation, limit_problems
from sloctl.spec.journeys import JourneyResolver
from sloctl.spec.messages import quote_value
from sloctl.spec.native import read_native_document
from sloctl.spec.presets import KIND as PRESET_KIND
from sloctl.spec.presets import read_own_presets
from sloctl.spec.settings import (
    RepositorySettings,
    apply_severities,
    is_settings_file,
    nearest_settings,
    read_settings,
)
from sloctl.spec.suppressions import Suppression, read_suppressions, suppress_problems
from sloctl.spec.yaml_nodes import Node, mapping_in, read_documents

_OWN_GROUP = "sloctl.dev/"
_DEFAULT_OPTIONS = ReadingOptions()


class LocatedSlo(Struct, frozen=True):
    """An SLO with the node it was read from, and its document, laid over the repository's defaults.

    *effective* is the node laid over what the document says of all its SLOs.
    """

    slo: Slo
    node: Node
    document: Node
    effective: Node


class ParsedSpecs(Struct, frozen=True):
    """SLOs in order of id and problems in order of place; neither depends on the order of the files.

    *settings* are those of each file's repository, by path; *suppressions* the comments that take findings
    back, of which *used* have done so.
    """

    slos: tuple[Slo, ...]
    problems: tuple[Problem, ...]
    located: tuple[LocatedSlo, ...] = ()
    settings: Mapping[str, RepositorySettings] = MappingProxyType({})
    suppressions: tuple[Suppression, ...] = ()
    used: frozenset[Suppression] = frozenset()
    budget_policies: tuple[BudgetPolicy, ...] = ()


class SpecDocuments(Struct, frozen=True):
    """Documents in sloctl's own format, of each kind, and what became of other tools' specs."""

    own: tuple[Node, ...]
    presets: tuple[Node, ...]
    translations: tuple[Translation, ...]
    policies: tuple[Node, ...] = ()
    exclusions: tuple[Node, ...] = ()


def read_specs(
    texts: Iterable[tuple[str, bytes | None]], options: ReadingOptions = _DEFAULT_OPTIONS
) -> ParsedSpecs:
    """Read all (path, content) pairs, also where some of them have problems; other tools' specs too.

    Without a content, the path is of something that is no file, which is left out and told. A `.sloctl.yaml`
    among them holds for what lies beside and below it.
    """
    findings = Findings()
    texts = sorted(texts)
    settings = _read_all_settings(texts, findings)
    suppressions: list[Suppression] = []
    for path, content in texts:
        comments, misunderstood = read_suppressions(path, content or b"")
        suppressions += comments
        findings.add_problems(*misunderstood)
    found: list[LocatedSlo] = []
    documents = read_all_documents(texts, options, findings)
    findings.add_problems(*(note.problem for part in documents.translations for note in part.notes))
    catalog = read_own_presets(list(documents.presets), findings)
    policies = budget_policies.read_budget_policies(documents.policies, findings)
    translated = [document for part in documents.translations for document in part.documents]
    unread: set[str] = set()
    for document in (*documents.own, *translated):
        of_file = settings.get(document.path)
        whole = document if of_file is None else lay_over_repository(document, of_file.defaults)
        slos = read_native_document(whole, findings, style=options.style, presets=catalog)
        found += [
            LocatedSlo(slo, own_part(node, mapping_in(whole, "spec")), whole, node) for slo, node in slos
        ]
        if not slos:
            unread.add(document.at("metadata", "name").text)
    unique = _find_parts(_drop_duplicates(found, findings), unread, findings)
    located = sorted(unique, key=lambda each: each.slo.id)
    located = _exclude_times(located, documents.exclusions, options.today, findings)
    _check_time_zone_tables(located, options.today, findings)
    remaining, used = suppress_problems(findings.problems, suppressions, options.today)
    return ParsedSpecs(
        tuple(each.slo for each in located),
        tuple(limit_problems(sort_problems(apply_severities(remaining, settings)))),
        tuple(located),
        settings,
        tuple(suppressions),
        used,
        policies,
    )


def read_all_documents(
    texts: Iterable[tuple[str, bytes | None]], options: ReadingOptions, findings: Findings
) -> SpecDocuments:
    """Read all specs, those of other tools translated, and all presets; without the settings."""
    own: list[Node] = []
    presets: list[Node] = []
    policies: list[Node] = []
    excluded: list[Node] = []
    by_kind = {PRESET_KIND: presets, budget_policies.KIND: policies, exclusions.KIND: excluded}
    foreign: dict[Dialect, list[Node]] = {}
    for path, content in texts:
        if content is None:
            message = "a FIFO, a socket or a device is left out: name it to have it read"
            findings.add_problems(Problem(Place(path, 1, 1), "not-a-file", message, ProblemLevel.WARNING))
            continue
        if is_settings_file(path):
            continue
        documents, problems = read_documents(path, content, may_have_aliases=_is_foreign)
        findings.add_problems(*problems)
        if not documents and not problems:
            message = "there is no spec in here: write one, or do not name this file"
            findings.add_problems(Problem(Place(path, 1, 1), "no-document", message))
        for document in (part for whole in documents for part in split_lists(whole)):
            if (of_kind := by_kind.get(document.at("kind").text)) is not None:
                of_kind.append(document)
                continue
            dialect = find_dialect(document)
            if dialect is None:
                own.append(document)
            else:
                foreign.setdefault(dialect, []).append(
                    expand_merge_keys(document) if b"<<" in content else document
                )
    own = _leave_out_objects(own, findings, beside_specs=bool(foreign))
    translations = [dialect.load_reader()(written, options, findings) for dialect, written in foreign.items()]
    return SpecDocuments(tuple(own), tuple(presets), tuple(translations), tuple(policies), tuple(excluded))


def _is_ours(document: Node) -> bool:
    return document.at("apiVersion").text.startswith(_OWN_GROUP)


def _leave_out_objects(documents: list[Node], findings: Findings, *, beside_specs: bool) -> list[Node]:
    """Leave out objects of Kubernetes that stand beside specs, after a note; alone they are mistakes."""
    if not beside_specs and not any(map(_is_ours, documents)):
        return documents
    kept = []
    for document in documents:
        header = [document.entries[key].text for key in ("apiVersion", "kind") if key in document.entries]
        if len(header) < 2 or not all(header) or _is_ours(document):
            kept.append(document)
            continue
        message = f"{quote_value(header[1])} of {quote_value(header[0])} is no spec: left out"
        findings.add_violation(Violation("foreign-kind", message, ProblemLevel.WARNING), document)
    return kept


def _is_foreign(document: Node) -> bool:
    """Tell whether a document is of a tool that reads anchors and aliases, as we do not."""
    return any(find_dialect(part) is not None for part in split_lists(document))


def _read_all_settings(
    texts: Sequence[tuple[str, bytes | None]], findings: Findings
) -> dict[str, RepositorySettings]:
    """Read every `.sloctl.yaml`, and map each file to the settings that hold for it."""
    written = [
        read_settings(path, content, findings)
        for path, content in texts
        if content is not None and is_settings_file(path)
    ]
    readable = [each for each in written if each is not None]
    nearest = {path: nearest_settings(path, readable) for path, _ in texts}
    return {path: of_file for path, of_file in nearest.items() if of_file is not None}


def _find_parts(found: Sequence[LocatedSlo], unread: Collection[str], findings: Findings) -> list[LocatedSlo]:
    """Give each journey its parts; without those that a mistake leaves without."""
    resolver = JourneyResolver({each.slo.id: (each.slo, each.node) for each in found}, unread, findings)
    resolved = [(each, resolver.resolve_slo(each.slo.id)) for each in found]
    return [structs.replace(each, slo=slo) for each, slo in resolved if slo is not None]


def _exclude_times(
    located: Sequence[LocatedSlo], documents: Sequence[Node], today: str, findings: Findings
) -> list[LocatedSlo]:
    """Give each SLO the exclusions that it is selected by, and note what is odd about them."""
    written = exclusions.read_exclusions(documents, findings)
    exclusions.check_exclusions(written, [each.slo for each in located], today, findings)
    return [
        structs.replace(
            each,
            slo=structs.replace(each.slo, exclusions=exclusions.exclusions_of(each.slo, written, today)),
        )
        for each in located
    ]


def _check_time_zone_tables(found: Sequence[LocatedSlo], today: str, findings: Findings) -> None:
    """Warn in the last year of the tables of time zones in rules, and refuse SLOs that need one after it."""
    if today < f"{TABLE_END_YEAR}-":
        return
    level = ProblemLevel.WARNING if today < f"{TABLE_END_YEAR + 1}-" else ProblemLevel.ERROR
    for each in found:
        window = each.slo.window
        if isinstance(window, CalendarWindow) and window.time_zone != UTC_ZONE:
            message = (
                f"rules know the calendar of {window.time_zone} up to the end of {TABLE_END_YEAR}, "
                "and no budget after that: install a newer sloctl and compile again"
            )
            violation = Violation("time-zone-table", message, level)
            findings.add_violation(violation, each.node.at("window", "timeZone"))
        hours = {time.time_zone for time in each.slo.active_hours} - {UTC_ZONE}
        for zone in sorted(hours):
            message = (
                f"rules know the clock of {zone}, by which {each.slo.id} has its service hours, up to the "
                f"end of {TABLE_END_YEAR}, and count nothing after that: install a newer sloctl and compile "
                "again"
            )
            violation = Violation("time-zone-table", message, level)
            findings.add_violation(violation, each.node.at("activeHours"))
        zones = {
            exclusion.time.time_zone
            for exclusion in each.slo.exclusions
            if isinstance(exclusion.time, RecurringTime)
        }
        for zone in sorted(zones - {UTC_ZONE}):
            message = (
                f"rules know the clock of {zone}, by which {each.slo.id} has an exclusion, up to the end of "
                f"{TABLE_END_YEAR}, and exclude nothing after that: install a newer sloctl and compile again"
            )
            findings.add_violation(Violation("time-zone-table", message, level), each.node.at("name"))


def _drop_duplicates(found: Sequence[LocatedSlo], findings: Findings) -> list[LocatedSlo]:
    """Return the first SLO of each id, after noting the others."""
    first: dict[str, LocatedSlo] = {}
    joined: dict[str, LocatedSlo] = {}
    for each in found:
        slo, name = each.slo, each.node.at("name")
        if slo.id in first:
            message = f"{slo.id} stands here again, first at {first[slo.id].node.place}: rename one of them"
            findings.add_violation(Violation("duplicate-slo", message), name)
            continue
        first[slo.id] = each
        other = joined.setdefault(SLOTH_STYLE.slo_id(slo), each)
        if other is not each:
            message = (
                f"with --label-style sloth, {slo.id} and {other.slo.id} "
                f"would both be {SLOTH_STYLE.slo_id(slo)}"
            )
            findings.add_violation(Violation("ambiguous-id", message, ProblemLevel.WARNING), name)
    return list(first.values())
