"""One SLO of Sloth → the node of an objective of ours."""

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Final

from msgspec import Struct

from sloctl.model import PolicyRow, PromQL, Severity
from sloctl.naming import LabelStyle
from sloctl.problems import ProblemLevel
from sloctl.promql import PromQLError, parse_window_query
from sloctl.slo.policy import alert_threshold, rows_of_severity
from sloctl.spec.dialects.query_shapes import ShapedQuery, indicator_node, shape_events, shape_ratio
from sloctl.spec.dialects.sloth.alert_windows import SlothWindows, policy_node
from sloctl.spec.dialects.sloth.go_templates import fill_query, fill_text
from sloctl.spec.dialects.sloth.sli_plugins import plugin_query
from sloctl.spec.dialects.translation import (
    NoteEffect,
    OriginalRatio,
    TranslationNote,
    list_at,
    mapping_at,
    number_at,
    text_at,
    texts_at,
    translation_note,
)
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import quote_value
from sloctl.spec.yaml_nodes import Node, mapping_in

# Spells a key as a document does: page_alert or pageAlert.
KeySpelling = Callable[[str], str]
_TRUE: Final = frozenset({"true", "yes", "on", "y", "1"})
SEVERITY_OF_ALERTS: Final = Violation(
    "severity-of-alerts",
    "severity is a label of the alerts now, and no longer of every series",
    ProblemLevel.NOTE,
)
_NO_TIME: Final = frozenset({"0s", "0m", "0"})
_OWN_STYLE_NAME: Final = re.compile("[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?")


class SlothService(Struct, frozen=True):
    """What the SLOs of a document share; *labels* are those of the document."""

    name: str
    labels: Node
    windows: SlothWindows
    spell: KeySpelling
    style: LabelStyle


class NoteBook:
    """The notes on one SLO, in the order in which they were found."""

    def __init__(self, slo: str) -> None:
        self._slo = slo
        self.notes: list[TranslationNote] = []

    def add(self, node: Node, violation: Violation, effect: NoteEffect = NoteEffect.CHANGED) -> None:
        self.notes.append(
            translation_note(
                self._slo,
                node,
                effect=effect,
                code=violation.code,
                message=violation.message,
                level=violation.level,
            )
        )


def plain_name(name: str, style: LabelStyle) -> str:
    """Return a name that *style* allows, as near to *name* as can be."""
    if style.free_names or _OWN_STYLE_NAME.fullmatch(name):
        return name
    return name.lower().replace("_", "-")


class TranslatedObjective(Struct, frozen=True):
    """An objective of ours and the notes on it; without a *node* it could not be translated."""

    node: Node | None
    notes: tuple[TranslationNote, ...]
    original: OriginalRatio | None = None


class ShapedSli(Struct, frozen=True):
    """An indicator, the node its problems point at, and the error ratio as Sloth evaluates it."""

    query: ShapedQuery
    place: Node
    ratio: PromQL


def translate_objective(slo: Node, service: SlothService, findings: Findings) -> TranslatedObjective:
    """Translate one SLO; what is wrong with it goes to *findings*."""
    name = plain_name(slo.at("name").text, service.style)
    book = NoteBook(f"{service.name}/{name}")
    if name != slo.at("name").text:
        book.add(slo.at("name"), renamed(slo.at("name").text, name))
    shaped = _shape_indicator(mapping_in(slo, "sli"), service.spell, findings)
    if shaped is None:
        return TranslatedObjective(None, tuple(book.notes))
    query, place = shaped.query, shaped.place
    for note in query.notes:
        book.add(place, note)
    labels = mapping_in(slo, "labels")
    alerting = _translate_alerting(slo, service, query.group_by, book)
    severity = labels.entries.get("severity")
    if severity is not None:
        book.add(severity, SEVERITY_OF_ALERTS)
    entries = {
        "name": text_at(slo.at("name"), name),
        "description": slo.entries.get("description"),
        "objective": text_at(slo.at("objective"), percentage_text(slo.at("objective").text)),
        "window": _window_node(slo, service.windows),
        "indicator": indicator_node(query.indicator, place),
        "groupBy": list_at(place, [text_at(place, label) for label in query.group_by])
        if query.group_by
        else None,
        "labels": _series_labels(labels) if labels.entries else None,
        "alerting": with_severity(alerting, severity),
    }
    original = OriginalRatio(f"{service.name}/{name}", shaped.ratio, period_is_mean=True)
    return TranslatedObjective(mapping_at(slo, entries), tuple(book.notes), original)


def renamed(name: str, instead: str) -> Violation:
    """Return the note on a name that only Sloth's label style allows."""
    message = f"{quote_value(name)} is called {instead}: with --label-style sloth it keeps its name"
    return Violation("renamed", message, ProblemLevel.WARNING)


def percentage_text(number: str) -> str:
    """Write a percentage of Sloth, a number of any form, as text of ours."""
    try:
        exact = Fraction(number)
    except (ValueError, ZeroDivisionError):
        return f"{number}%"
    digits = f"{float(exact):.12f}".rstrip("0").rstrip(".")
    return f"{number if re.fullmatch('[0-9.]+', number) and not number.startswith('.') else digits}%"


def with_severity(alerting: Node | None, severity: Node | None) -> Node | None:
    """Have the alerts say a severity that was a label of all series."""
    if severity is None:
        return alerting
    place = alerting or severity
    if alerting is not None and alerting.entries.get("disabled"):
        return alerting
    labels = mapping_in(place, "labels") if alerting is not None else mapping_at(severity, {})
    merged = mapping_at(
        labels, {"severity": text_at(severity, severity.text), **labels.entries}, keys=labels.keys
    )
    return mapping_at(place, {**(alerting.entries if alerting is not None else {}), "labels": merged})


def _series_labels(labels: Node) -> Node | None:
    kept = {key: entry for key, entry in labels.entries.items() if key != "severity" and entry.text}
    return texts_at(mapping_at(labels, kept, keys=labels.keys)) if kept else None


def _window_node(slo: Node, windows: SlothWindows) -> Node | None:
    days = windows.period // 86400
    return None if days == 30 else text_at(slo, f"{days}d")


def _shape_indicator(sli: Node, spell: KeySpelling, findings: Findings) -> ShapedSli | None:
    """Shape the one SLI that there is."""
    if "events" in sli.entries:
        events = sli.at("events")
        place = events.at(spell("error_query"))
        part = _read_query(place, findings)
        total = _read_query(events.at(spell("total_query")), findings)
        if part is None or total is None:
            return None
        ratio: str | None = f"({part})\n/\n({total})"
        shaped = shape_events(part, total)
    else:
        if "raw" in sli.entries:
            place = sli.at("raw", spell("error_ratio_query"))
            ratio = _read_query(place, findings)
        else:
            place = sli.at("plugin", "id")
            options = mapping_in(sli.at("plugin"), "options").entries
            given = {key: entry.text for key, entry in options.items()}
            ratio = findings.accept_value(plugin_query(place.text, given), place)
        if ratio is None:
            return None
        shaped = shape_ratio(ratio)
    query = findings.accept_value(shaped, place)
    return None if query is None or ratio is None else ShapedSli(query, place, ratio)


def _read_query(node: Node, findings: Findings) -> str | None:
    """Read a query with its window as `$window`, and see that it is PromQL."""
    query = findings.accept_value(fill_query(node.text), node)
    try:
        if query is not None:
            parse_window_query(query)
    except PromQLError as wrong:
        findings.add_violation(Violation("promql", str(wrong)), node)
        return None
    return query


def _translate_alerting(
    slo: Node, service: SlothService, group_by: tuple[str, ...], book: NoteBook
) -> Node | None:
    alerting, spell = mapping_in(slo, "alerting"), service.spell
    alerts = {severity: mapping_in(alerting, spell(f"{severity.value}_alert")) for severity in Severity}
    off = [severity for severity in Severity if is_true(alerts[severity].entries.get("disable"))]
    if len(off) == len(Severity):
        return mapping_at(alerting, {"disabled": number_at(alerting, value=True)})
    constants = {
        "sloth_service": service.name,
        "sloth_slo": slo.at("name").text,
        "sloth_id": f"{service.name}-{slo.at('name').text}",
        **{key: entry.text for key, entry in service.labels.entries.items()},
        **{key: entry.text for key, entry in mapping_in(slo, "labels").entries.items()},
    }
    name = alerting.entries.get("name")
    entries: dict[str, Node | None] = {
        "policy": policy_node(service.windows, alerting, _pending_times(alerts)),
        "names": mapping_at(name, {it.value: name for it in Severity if it not in off}) if name else None,
        "labels": _alert_texts(mapping_in(alerting, "labels"), constants, group_by, book),
        "annotations": _alert_texts(mapping_in(alerting, "annotations"), constants, group_by, book),
    }
    budget = 1 - _objective_of(slo)
    for severity, alert in alerts.items():
        rows = rows_of_severity(service.windows.rows, severity)
        if severity in off:
            entries[severity.value] = mapping_at(alert, {"disabled": number_at(alert, value=True)})
        elif rows and _never_fires(rows, service.windows.period, budget):
            entries[severity.value] = mapping_at(alert, {"disabled": number_at(alert, value=True)})
            message = (
                f"at an objective of {slo.at('objective').text} % the {severity.value} alert cannot fire, "
                "and never did: it is left out"
            )
            book.add(
                slo.at("objective"),
                Violation("alert-never-fires", message, ProblemLevel.WARNING),
                NoteEffect.LEFT_OUT,
            )
        else:
            own = {**constants, "sloth_severity": severity.value}
            parts = {
                key: _alert_texts(mapping_in(alert, key), own, group_by, book)
                for key in ("labels", "annotations")
            }
            if any(parts.values()):
                entries[severity.value] = mapping_at(alert, parts)
    return mapping_at(alerting, entries, keys=alerting.keys) if any(entries.values()) else None


def _pending_times(alerts: Mapping[Severity, Node]) -> dict[Severity, Node]:
    """Return how long the alerts wait, of those that do."""
    times = {severity: alert.entries.get("for") for severity, alert in alerts.items()}
    return {it: text_at(node, node.text) for it, node in times.items() if node and node.text not in _NO_TIME}


def _alert_texts(
    texts: Node, constants: Mapping[str, str], group_by: tuple[str, ...], book: NoteBook
) -> Node | None:
    """Take labels or annotations of an alert, with what their templates show written out."""
    kept: dict[str, Node] = {}
    for key, entry in texts.entries.items():
        filled = fill_text(entry.text, constants, group_by)
        if isinstance(filled, Violation):
            message = f"{quote_value(key)} is left out: {filled.message} by the rules of sloctl"
            book.add(entry, Violation("left-out", message, ProblemLevel.WARNING), NoteEffect.LEFT_OUT)
        elif filled:
            kept[key] = text_at(entry, filled)
    return mapping_at(texts, kept, keys=texts.keys) if kept else None


def is_true(flag: Node | None) -> bool:
    """Tell whether a flag is set, also as the text that Helm makes of it."""
    return flag is not None and (flag.value is True or flag.text.strip().lower() in _TRUE)


def _objective_of(slo: Node) -> Fraction:
    try:
        return Fraction(slo.at("objective").text) / 100
    except (ValueError, ZeroDivisionError):
        return Fraction(0)


@lru_cache(maxsize=256)  # the same few objectives in a thousand SLOs
def _never_fires(rows: tuple[PolicyRow, ...], period: int, budget: Fraction) -> bool:
    return all(alert_threshold(row, period, budget) >= 1 for row in rows)
