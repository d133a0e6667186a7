"""Sloth's documents → documents in sloctl's own format, one for each."""

from collections.abc import Sequence
from typing import Final

from sloctl.problems import ProblemLevel
from sloctl.spec import fields as own_fields
from sloctl.spec.dialects.sloth.alert_windows import SlothWindows, choose_windows
from sloctl.spec.dialects.sloth.fields import FILE_TYPES, RESOURCE_TYPES
from sloctl.spec.dialects.sloth.objectives import (
    SEVERITY_OF_ALERTS,
    KeySpelling,
    NoteBook,
    SlothService,
    is_true,
    plain_name,
    renamed,
    translate_objective,
    with_severity,
)
from sloctl.spec.dialects.sloth.slo_plugins import changes_ratios, read_plugin_chain
from sloctl.spec.dialects.translation import (
    OriginalRatio,
    ReadingOptions,
    RefusedSlo,
    Translation,
    list_at,
    mapping_at,
    number_at,
    text_at,
    texts_at,
    without_nulls,
)
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import quote_value, suggest_name
from sloctl.spec.structure import convert_node
from sloctl.spec.yaml_nodes import Node, mapping_in

_KINDS: Final = ("PrometheusServiceLevel", "AlertWindows")
_VERSIONS: Final = ("prometheus/v1", "sloth.slok.dev/v1")
# Alerts that Sloth does not have: nobody waits for them.
_OTHER_ALERTS: Final = ("exhausted", "exhausting", "noData")


def read_sloth_documents(
    documents: Sequence[Node], options: ReadingOptions, findings: Findings
) -> Translation:
    """Translate the documents; problems go to *findings*, and what they are of is left out."""
    catalogues: list[Node] = []
    services: list[tuple[Node, KeySpelling]] = []
    for written in documents:
        document = without_nulls(written)
        kind = _check_header(document, findings)
        if kind == "AlertWindows":
            conforming, node = convert_node(document, RESOURCE_TYPES.windows, findings)
            catalogues += [node] if conforming is not None else []
        elif kind == "PrometheusServiceLevel":
            conforming, node = convert_node(document, RESOURCE_TYPES.resource, findings)
            services += [(node.at("spec"), _camel_case)] if conforming is not None else []
        elif kind:
            conforming, node = convert_node(_without_anchors(document), FILE_TYPES.file, findings)
            services += [(node, str)] if conforming is not None else []
    windows = choose_windows(catalogues, options.sloth_period, findings)
    parts: list[Translation] = []
    refused: list[RefusedSlo] = []
    for node, spell in services:
        part = _translate_service(node, spell, windows, options=options, findings=findings)
        parts.append(part)
        service = plain_name(node.at("service").text, options.style)
        known = {
            slo.at("name").place for document in part.documents for slo in document.at("spec", "slos").items
        }
        refused += [
            RefusedSlo(f"{service}/{plain_name(slo.at('name').text, options.style)}", slo.at("name").place)
            for slo in node.at("slos").items
            if slo.at("name").place not in known
        ]
    return Translation(
        tuple(document for part in parts for document in part.documents),
        tuple(note for part in parts for note in part.notes),
        tuple(refused),
        tuple(original for part in parts for original in part.originals),
    )


def _check_header(document: Node, findings: Findings) -> str:
    """Return the kind of a document, `file` for one without; empty where Sloth has no such kind."""
    key = "apiVersion" if "apiVersion" in document.entries else "version"
    version, kind = document.at(key), document.entries.get("kind")
    if version.text not in _VERSIONS:
        message = f"{key} is {' or '.join(_VERSIONS)}, got {quote_value(version.text)}"
        findings.add_violation(Violation("foreign-kind", message), version)
        return ""
    if key == "version" and kind is None:
        return "file"
    if kind is None or kind.text not in _KINDS:
        found = "none" if kind is None else f"{quote_value(kind.text)}{suggest_name(kind.text, _KINDS)}"
        findings.add_violation(
            Violation("foreign-kind", f"kind is {' or '.join(_KINDS)}, got {found}"), kind or document
        )
        return ""
    return kind.text


def _camel_case(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _without_anchors(document: Node) -> Node:
    """Leave out the top-level keys that hold anchors for the rest of the file, such as `x-labels`."""
    kept = {key: entry for key, entry in document.entries.items() if not key.startswith(("x-", ".", "_"))}
    return mapping_at(document, kept, keys=document.keys)


def _translate_service(
    node: Node, spell: KeySpelling, windows: SlothWindows, *, options: ReadingOptions, findings: Findings
) -> Translation:
    written = node.at("service")
    name = plain_name(written.text, options.style)
    book = NoteBook("")
    if name != written.text:
        book.add(written, renamed(written.text, name))
    labels = mapping_in(node, "labels")
    service = SlothService(name, labels, windows, spell, options.style)
    read_plugin_chain(mapping_in(node, spell("slo_plugins")), book)
    notes = book.notes
    slos: list[Node] = []
    originals: list[OriginalRatio] = []
    if "severity" in labels.entries:
        book.add(labels.at("severity"), SEVERITY_OF_ALERTS)
    for slo in node.at("slos").items:
        _check_alert_name(slo, spell, findings)
        objective = translate_objective(slo, service, findings)
        slo_book = NoteBook(f"{name}/{plain_name(slo.at('name').text, options.style)}")
        read_plugin_chain(mapping_in(slo, "plugins"), slo_book)
        notes += [*objective.notes, *slo_book.notes]
        slos += [objective.node] if objective.node is not None else []
        if objective.original is not None and not changes_ratios(
            node.at(spell("slo_plugins")), slo.at("plugins")
        ):
            originals.append(objective.original)
    if not slos:
        return Translation((), tuple(notes))
    shared = {key: entry for key, entry in labels.entries.items() if key != "severity" and entry.text}
    metadata = {
        "name": text_at(written, name),
        "labels": texts_at(mapping_at(labels, shared, keys=labels.keys)) if shared else None,
    }
    off = {key: mapping_at(node, {"disabled": number_at(node, value=True)}) for key in _OTHER_ALERTS}
    alerting = with_severity(
        mapping_at(node, {"minErrors": number_at(node, 0), **off}), labels.entries.get("severity")
    )
    document = {
        "apiVersion": text_at(node, own_fields.API_VERSION),
        "kind": text_at(node, own_fields.KIND),
        "metadata": mapping_at(node, metadata),
        "spec": mapping_at(node, {"alerting": alerting, "slos": list_at(node.at("slos"), slos)}),
    }
    return Translation((mapping_at(node, document),), tuple(notes), originals=tuple(originals))


def _check_alert_name(slo: Node, spell: KeySpelling, findings: Findings) -> None:
    """Check that the alerts have the name that Sloth asks for, unless both are off."""
    alerting = mapping_in(slo, "alerting")
    alerts = [mapping_in(alerting, spell(f"{kind}_alert")) for kind in ("page", "ticket")]
    if alerting.entries.get("name") or all(is_true(alert.entries.get("disable")) for alert in alerts):
        return
    message = "alerting.name is missing: it is the name of both alerts; or disable both"
    findings.add_violation(
        Violation("alert-name-missing", message, ProblemLevel.WARNING), slo.entries.get("alerting") or slo
    )
