"""One ServiceLevelObjective of Pyrra → one document of ours."""

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final

from msgspec import UnsetType

from sloctl.duration import format_duration
from sloctl.model import TEXT_ANNOTATIONS, Labels, RollingWindow
from sloctl.problems import ProblemLevel
from sloctl.promql import LABEL_NAME, format_number
from sloctl.spec import fields as own_fields
from sloctl.spec import values
from sloctl.spec.dialects.kubernetes import drop_nulls, refuse_templates
from sloctl.spec.dialects.pyrra import fields
from sloctl.spec.dialects.pyrra.indicators import static_labels, translate_indicator
from sloctl.spec.dialects.pyrra.policy import TranslatedAlerting, describe_threshold, translate_alerting
from sloctl.spec.dialects.translation import (
    NoteEffect,
    OriginalRatio,
    ReadingOptions,
    RefusedSlo,
    Translation,
    TranslationNote,
    list_at,
    mapping_at,
    number_at,
    text_at,
    translation_note,
)
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import quote_value
from sloctl.spec.structure import convert_node
from sloctl.spec.yaml_nodes import Node, mapping_in
from sloctl.templates import find_templates

PREFIX: Final = "pyrra.dev/"
# As Kubernetes has it where an object names none.
_DEFAULT_NAMESPACE: Final = "default"
_LABEL_TEMPLATE: Final = re.compile(r"\{\{-? *\$labels\.([a-zA-Z_][a-zA-Z0-9_]*) *-?\}\}")


def read_pyrra_documents(
    documents: Sequence[Node],
    options: ReadingOptions,  # noqa: ARG001 - nothing of Pyrra's depends on them
    findings: Findings,
) -> Translation:
    """Translate Pyrra's documents, one SLO each; problems go to *findings*."""
    translated: list[Node] = []
    notes: list[TranslationNote] = []
    refused: list[RefusedSlo] = []
    originals: list[OriginalRatio] = []
    conforming: list[tuple[fields.PyrraDocument, Node]] = []
    for document in documents:
        if refuse_templates(document, findings):
            continue
        spec, node = convert_node(drop_nulls(document), fields.PyrraDocument, findings)
        if spec is not None:
            conforming.append((spec, node))
        elif named := mapping_in(document, "metadata").entries.get("name"):
            refused.append(RefusedSlo(named.text, named.place))
    for (spec, node), name in zip(conforming, distinct_names([spec for spec, _ in conforming]), strict=True):
        errors = findings.error_count
        objective = ObjectiveTranslator(spec, node, name, findings)
        own = objective.translate()
        notes += objective.notes
        if own is not None and findings.error_count == errors:
            translated.append(own)
            originals += objective.originals
        else:
            refused.append(RefusedSlo(objective.id, node.at("metadata", "name").place))
    return Translation(tuple(translated), tuple(notes), tuple(refused), tuple(originals))


class ObjectiveTranslator:
    """The translation of one document, and the notes that it makes on the way."""

    def __init__(self, spec: fields.PyrraDocument, node: Node, name: str, findings: Findings) -> None:
        self.notes: list[TranslationNote] = []
        self.originals: list[OriginalRatio] = []
        self._document = spec
        self._node = node
        self._findings = findings
        self._name = spec.metadata.name
        self._service = self.find_service()
        self._unique = name
        self.id = f"{self._service.text}/{name}"

    def translate(self) -> Node | None:
        """Return a document of ours, or None after noting what is wrong."""
        spec, node = self._document.spec, self._node.at("spec")
        indicator = translate_indicator(spec.indicator, node.at("indicator"), self._findings)
        objective = self.read_target(node.at("target"))
        window = self._findings.accept_value(values.parse_window(spec.window), node.at("window"))
        if indicator is None or objective is None or window is None:
            return None
        self.originals.append(OriginalRatio(self.id, indicator.original, period_is_mean=False))
        for moved in indicator.moved:
            self.add_note(moved, code="pyrra-offset", message="Pyrra drops offset and @, and so does this")
        grouping = frozenset(it.text for it in indicator.group_by.items)
        static = static_labels(indicator.total, grouping)
        alerting = self.translate_alerts(window, objective)
        self.note_rule_output()
        annotations = self.collect_annotations(static | {"slo": self._name}, grouping)
        texts = {key: entry for key, entry in annotations.items() if key in TEXT_ANNOTATIONS}
        if texts:
            kept = {**alerting.node.entries, "annotations": mapping_at(node, texts)}
            alerting_node = mapping_at(alerting.node, kept)
        else:
            alerting_node = alerting.node
        others = {key: entry for key, entry in annotations.items() if key not in texts}
        slo = mapping_at(
            node,
            {
                "name": self.unique_name(),
                "description": node.entries.get("description"),
                "objective": text_at(node.at("target"), f"{node.at('target').text}%"),
                "window": node.at("window"),
                "indicator": indicator.node,
                "groupBy": indicator.group_by if grouping else None,
                "labels": self.collect_labels(static, grouping),
                "annotations": mapping_at(node, others) if others else None,
                "alerting": alerting_node,
            },
            keys=node.keys,
        )
        return mapping_at(
            self._node,
            {
                "apiVersion": text_at(self._node.at("apiVersion"), own_fields.API_VERSION),
                "kind": text_at(self._node.at("kind"), own_fields.KIND),
                "metadata": mapping_at(self._node.at("metadata"), {"name": self._service}),
                "spec": mapping_at(
                    node,
                    {
                        # Pyrra has no floor on errors.
                        "alerting": mapping_at(node, {"minErrors": number_at(node, 0)}),
                        "slos": list_at(node, [slo]),
                    },
                ),
            },
            keys=self._node.keys,
        )

    def unique_name(self) -> Node:
        """Return the name of the SLO, after a note where its labels had to tell it from others."""
        node = self._node.at("metadata", "name")
        if self._unique == node.text:
            return node
        message = f"several are called {node.text} here: by its labels this is {self._unique}"
        self.add_note(node, code="renamed", message=message, effect=NoteEffect.CHANGED)
        return text_at(node, self._unique)

    def find_service(self) -> Node:
        metadata = self._node.at("metadata")
        named = metadata.at("labels").entries.get(f"{PREFIX}service") or metadata.entries.get("namespace")
        if named is not None and named.text:
            return text_at(named, named.text)
        return text_at(metadata.at("name"), _DEFAULT_NAMESPACE)

    def read_target(self, node: Node) -> Fraction | None:
        try:
            number = Fraction(node.text) if len(node.text) < 30 else None
        except (ValueError, ZeroDivisionError):
            number = None
        if number is None or "/" in node.text:
            message = f"target is a number of percent like 99.9, got {quote_value(node.text)}"
            return self._findings.accept_value(Violation("pyrra-target", message), node)
        if 0 < number < 1:
            message = (
                f"target is in percent: {node.text} is {node.text} %, which nothing can miss; "
                f"write {format_number(number * 100)}"
            )
            return self._findings.accept_value(Violation("pyrra-target", message), node)
        return self._findings.accept_value(values.parse_objective(f"{node.text}%"), node)

    def translate_alerts(self, window: RollingWindow, objective: Fraction) -> TranslatedAlerting:
        spec, node = self._document.spec, self._node.at("spec")
        place = node.entries.get("alerting", node)
        alerting = translate_alerting(
            spec.alerting,
            place,
            window=window.seconds,
            objective=objective,
            has_absent_alert=isinstance(spec.indicator.latency_native, UnsetType),
        )
        for tier in alerting.never_fire:
            lookbacks = f"{format_duration(tier.long)} and {format_duration(tier.short)}"
            message = (
                f"{tier.severity_key} on {lookbacks} can never fire at target {node.at('target').text}, "
                "in Pyrra neither: it waits for an error ratio above "
                f"{describe_threshold(tier, objective)}; left out"
            )
            self.add_note(
                node.at("target"), code="pyrra-never-fires", message=message, level=ProblemLevel.WARNING
            )
        for tier in alerting.lifted:
            message = (
                f"{tier.severity_key} looks back {format_duration(tier.long)} and "
                f"{format_duration(tier.short)} in Pyrra at this window: too short to see anything, so here "
                "it has at least 10m and 1m"
            )
            self.add_note(
                node.at("window"), code="pyrra-lookbacks", message=message, effect=NoteEffect.CHANGED
            )
        for label in alerting.merged_severities:
            message = (
                f"severity {quote_value(label)} is one of more than two: a page and a ticket have one each, "
                f"those of fastBurn and slowBurn"
            )
            self.add_note(
                node.at("alerting", "severities"),
                code="pyrra-severities",
                message=message,
                effect=NoteEffect.CHANGED,
                level=ProblemLevel.WARNING,
            )
        return alerting

    def note_rule_output(self) -> None:
        node = self._node.at("spec")
        for key in ("partial_response_strategy", "ruleOutput"):
            if key in node.entries:
                message = f"{key} is about the rule objects that Pyrra writes: left out"
                self.add_note(node.keys[key], code="pyrra-rule-objects", message=message)

    def collect_labels(self, static: Labels, grouping: frozenset[str]) -> Node:
        """Return what Pyrra puts on all series: the name, fixed matchers and its own labels of the object."""
        node = self._node.at("metadata")
        place = node.at("name")
        labels = {"slo": text_at(place, self._name)} | {
            name: text_at(place, value) for name, value in static.items() if is_free_label(name)
        }
        labels |= {name: entry for name, entry in self.iterate_own("labels") if self.is_usable(name, entry)}
        return mapping_at(place, {name: it for name, it in labels.items() if name not in grouping})

    def is_usable(self, name: str, entry: Node) -> bool:
        if not is_free_label(name):
            message = f"a label {name} is written by sloctl or Prometheus: left out"
            self.add_note(entry, code="pyrra-label", message=message, level=ProblemLevel.WARNING)
        return is_free_label(name)

    def collect_annotations(self, static: Labels, grouping: frozenset[str]) -> Mapping[str, Node]:
        """Return the annotations of alerts; templates of labels with one value are filled in."""

        def fill(match: re.Match[str]) -> str:
            return static.get(match[1], match[0])

        filled = {
            name: text_at(entry, _LABEL_TEMPLATE.sub(fill, entry.text))
            for name, entry in self.iterate_own("annotations")
        }
        wrong = {
            name: template
            for name, entry in filled.items()
            for template in find_templates(entry.text)
            if isinstance(values.parse_template(template, grouping), Violation)
        }
        for name, template in wrong.items():
            message = (
                f"{name} is left out: {quote_value(template)} cannot be filled in by the rules of sloctl"
            )
            self.add_note(filled[name], code="left-out", message=message, level=ProblemLevel.WARNING)
        return {name: entry for name, entry in filled.items() if name not in wrong}

    def iterate_own(self, key: str) -> Iterator[tuple[str, Node]]:
        """Yield Pyrra's own labels or annotations of the object, under names that Prometheus takes."""
        node = self._node.at("metadata").entries.get(key)
        for name, entry in node.entries.items() if node is not None else ():
            if not name.startswith(PREFIX):
                continue
            bare = name.removeprefix(PREFIX)
            usable = bare if LABEL_NAME.fullmatch(bare) else re.sub("[^a-zA-Z0-9_]", "_", bare)
            if usable != bare:
                message = f"Prometheus has no such name as {quote_value(bare)}: it becomes {usable}"
                self.add_note(entry, code="pyrra-label", message=message, effect=NoteEffect.CHANGED)
            yield usable, text_at(entry, entry.text)

    def add_note(
        self,
        node: Node,
        *,
        code: str,
        message: str,
        effect: NoteEffect = NoteEffect.LEFT_OUT,
        level: ProblemLevel = ProblemLevel.NOTE,
    ) -> None:
        self.notes.append(
            translation_note(self.id, node, effect=effect, code=code, message=message, level=level)
        )


def distinct_names(documents: Sequence[fields.PyrraDocument]) -> list[str]:
    """Return a name for each document: its own, with the values of labels that tell it from its namesakes.

    Read from files, objects of one name and namespace are told apart by the labels `pyrra.dev/…` alone.
    """
    namesakes: dict[tuple[str, str, str], list[fields.PyrraDocument]] = {}
    for each in documents:
        namesakes.setdefault(object_identity(each), []).append(each)
    names = []
    for each in documents:
        others = namesakes[object_identity(each)]
        keys = [key for key in each.metadata.labels if key.startswith(PREFIX)]
        own = each.metadata.labels
        differing = [
            key for key in sorted(keys) if any(it.metadata.labels.get(key) != own[key] for it in others)
        ]
        parts = [str(each.metadata.labels[key]).lower() for key in differing]
        unique = re.sub("[^a-zA-Z0-9.-]", "-", "-".join([each.metadata.name, *parts]))
        names.append(unique if parts else each.metadata.name)
    return names


def object_identity(document: fields.PyrraDocument) -> tuple[str, str, str]:
    """Return what an SLO of ours is known by: its service, and the name of the object."""
    metadata = document.metadata
    return str(metadata.labels.get(f"{PREFIX}service", "")), metadata.namespace, metadata.name


def is_free_label(name: str) -> bool:
    """Tell whether a label name is one that a spec may have on every series."""
    return not isinstance(values.parse_free_label_name(name), Violation)
