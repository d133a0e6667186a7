"""OpenSLO's SLO objects → documents of ours, one for each object, with one SLO for each objective."""

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from sloctl.duration import DAY, format_duration
from sloctl.model import CalendarPeriod, CalendarWindow, RollingWindow
from sloctl.problems import ProblemLevel
from sloctl.promql import LABEL_NAME, format_number
from sloctl.slo.calendar import period_on
from sloctl.spec import fields as own_fields
from sloctl.spec import values
from sloctl.spec.dialects.openslo.annotations import OWN_PREFIX, own_entries
from sloctl.spec.dialects.openslo.catalogue import OpensloCatalogue, collect_objects
from sloctl.spec.dialects.openslo.indicators import MeasuredObjective, SliTranslator, TranslatedSli
from sloctl.spec.dialects.openslo.policies import PolicyTranslator
from sloctl.spec.dialects.openslo.values import ShorthandDuration, read_duration, read_number
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
from sloctl.spec.messages import join_words, quote_value
from sloctl.spec.yaml_nodes import Node, mapping_in
from sloctl.templates import find_templates, label_of_template

_DEFAULT_METHOD: Final = "Occurrences"
_CALENDAR_PERIODS: Final = {
    "1w": CalendarPeriod.WEEK,
    "1M": CalendarPeriod.MONTH,
    "1Q": CalendarPeriod.QUARTER,
    "1Y": CalendarPeriod.YEAR,
}
_MIDNIGHT: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ]00:00(?::00)?Z?)?")


def read_openslo_documents(
    documents: Sequence[Node], options: ReadingOptions, findings: Findings
) -> Translation:
    """Translate all SLO objects, with what they refer to in any of the files."""
    catalogue = collect_objects(documents, findings)
    translated: list[Node] = []
    notes: list[TranslationNote] = []
    refused: list[RefusedSlo] = []
    originals: list[OriginalRatio] = []
    for slo in catalogue.slos:
        errors = findings.error_count
        translator = SloTranslator(slo, catalogue, options, findings)
        own = translator.translate()
        notes += translator.notes
        if own is not None and findings.error_count == errors:
            translated.append(own)
            originals += translator.originals
        else:
            refused += [RefusedSlo(each, slo.at("metadata", "name").place) for each in translator.ids]
    return Translation(tuple(translated), tuple(dict.fromkeys(notes)), tuple(refused), tuple(originals))


def _usual_seconds(window: Node | None) -> int | None:
    """Return the length of a window of ours that alerts are made of."""
    if window is None:
        return None
    if "calendar" in window.entries:
        return CalendarWindow(CalendarPeriod(window.at("calendar").text)).seconds
    length = values.parse_window(window.text)
    return length.seconds if isinstance(length, RollingWindow) else None


def _begins(period: CalendarPeriod, year: int, month: int, day: int) -> bool:
    """Tell whether a day is the first of its period."""
    try:
        start = period_on(CalendarWindow(period), year, month, day).start
        return (
            start == period_on(CalendarWindow(CalendarPeriod.MONTH), year, month, 1).start + (day - 1) * DAY
        )
    except ValueError:
        return False


class SloTranslator:
    """The translation of one SLO object, and the notes that it makes on the way."""

    def __init__(
        self, slo: Node, catalogue: OpensloCatalogue, options: ReadingOptions, findings: Findings
    ) -> None:
        self.notes: list[TranslationNote] = []
        self.originals: list[OriginalRatio] = []
        self._slo = slo
        self._spec = slo.at("spec")
        self._metadata = slo.at("metadata")
        self._catalogue = catalogue
        self._options = options
        self._findings = findings
        self._service = self.plain_name(self._spec.at("service"))
        self._name = self._metadata.at("name")
        if options.lenient:
            self._name = self.plain_name(self._name)
        names = self.objective_names(self._spec.at("objectives").items) or [self._name]
        self.ids = [f"{self._service.text}/{name.text}" for name in names]

    def translate(self) -> Node | None:
        """Return a document of ours, or None after noting what is wrong."""
        window = self.read_window()
        method = self._spec.entries.get("budgetingMethod")
        if method is None and not self._options.lenient:
            message = f"budgetingMethod is missing: write {_DEFAULT_METHOD}, where events are counted"
            self.refuse(self._spec, code="openslo-budgeting-method", message=message)
        policies = PolicyTranslator(self._catalogue, self._options, self._findings)
        seconds = _usual_seconds(window)
        alerting = policies.translate(self._slo, seconds)
        for node, violation, effect in policies.notes:
            self.add_note(node, violation, effect)
        place = self._spec.at("objectives")
        if not place.items:
            message = "objectives is a list of at least one target"
            self.refuse(place, code="openslo-objectives", message=message)
            return None
        names = self.objective_names(place.items)
        objectives = [
            self.translate_objective(objective, name, window=window, alerting=alerting)
            for objective, name in zip(place.items, names, strict=True)
        ]
        service = self._catalogue.find("Service", self._spec.at("service").text)
        metadata: dict[str, Node | None] = {"name": self._service}
        if service is not None:
            metadata["labels"] = self.labels_of(service)
        description = service.at("spec", "description") if service is not None else None
        own = own_entries(self._metadata)
        return mapping_at(
            self._slo,
            {
                "apiVersion": text_at(self._slo.at("apiVersion"), own_fields.API_VERSION),
                "kind": text_at(self._slo.at("kind"), own_fields.KIND),
                "metadata": mapping_at(self._metadata, metadata),
                "spec": mapping_at(
                    self._spec,
                    {
                        "description": text_at(description, description.text)
                        if description is not None and description.text
                        else None,
                        "scrapeInterval": own.get("scrapeInterval"),
                        # OpenSLO has no floor on errors.
                        "alerting": None
                        if "alerting" in own
                        else mapping_at(self._spec, {"minErrors": number_at(self._spec, 0)}),
                        "slos": list_at(place, [it for it in objectives if it is not None]),
                    },
                ),
            },
            keys=self._slo.keys,
        )

    def translate_objective(
        self, objective: Node, name: Node, *, window: Node | None, alerting: Node
    ) -> Node | None:
        """Translate one target into an SLO of ours; None after noting what is wrong with it."""
        target = self.read_target(objective)
        sli = self.find_sli(objective)
        if sli is None:
            return None
        method = self._spec.entries.get("budgetingMethod")
        measured = MeasuredObjective(
            objective,
            sli,
            method.text if method is not None else _DEFAULT_METHOD,
            method if method is not None else self._spec,
        )
        own = own_entries(self._metadata)
        if "indicator" in own:
            indicator: TranslatedSli | None = TranslatedSli(own["indicator"])
        else:
            indicator = SliTranslator(self._catalogue, self._options, self._findings).translate(measured)
        if indicator is None or target is None:
            return None
        of_objective = f"{self._service.text}/{name.text}"
        for node, violation in indicator.notes:
            self.add_note(node, violation, NoteEffect.CHANGED, slo=of_objective)
        if indicator.original is not None:
            self.originals.append(OriginalRatio(of_objective, indicator.original, period_is_mean=False))
        if "compositeWeight" in objective.entries:
            message = "objectives are SLOs of their own, and the weight of one in the others is left out"
            weight = Violation("openslo-composite", message, ProblemLevel.WARNING)
            self.add_note(objective.keys["compositeWeight"], weight, NoteEffect.LEFT_OUT)
        return mapping_at(
            objective,
            {
                "name": name,
                "description": self.description_of(objective),
                "objective": target,
                "window": window,
                "indicator": indicator.node,
                "groupBy": own.get("groupBy") or self.groups_of(indicator),
                "reviewBy": own.get("reviewBy"),
                "labels": self.labels_of(self._slo),
                "annotations": self.annotations_of(self._slo),
                "alerting": own_alerting(alerting, own["alerting"]) if "alerting" in own else alerting,
            },
        )

    def groups_of(self, indicator: TranslatedSli) -> Node | None:
        """Return the labels by which a query is grouped; None for none."""
        if not indicator.group_by:
            return None
        place = indicator.node
        return list_at(place, [text_at(place, label) for label in indicator.group_by])

    def description_of(self, objective: Node) -> Node | None:
        """Return what the SLO promises: its description, else its name for people."""
        candidates = (
            self._spec.entries.get("description"),
            self._metadata.entries.get("displayName"),
            objective.entries.get("displayName"),
        )
        found = next((it for it in candidates if it is not None and it.text.strip()), None)
        return None if found is None else text_at(found, found.text.strip())

    def find_sli(self, objective: Node) -> Node | None:
        """Return the SLI of an objective: its own or the SLO's, inline or by reference."""
        holders = [it for it in (objective, self._spec) if {"indicator", "indicatorRef"} & it.entries.keys()]
        if not holders:
            message = "an SLO has indicator or indicatorRef, or each of its objectives has"
            self.refuse(self._spec, code="openslo-indicator", message=message)
            return None
        holder = holders[0]
        if len(holders) > 1 or {"indicator", "indicatorRef"} <= holder.entries.keys():
            message = "exactly one indicator or indicatorRef stands at the SLO, or at each of its objectives"
            self.refuse(holder, code="openslo-indicator", message=message)
            return None
        if "indicatorRef" in holder.entries:
            return self._catalogue.resolve("SLI", holder.at("indicatorRef"), self._findings)
        return holder.at("indicator")

    def read_target(self, objective: Node) -> Node | None:
        """Return the objective as a percentage of ours; None after noting what is wrong with it."""
        given = [key for key in ("target", "targetPercent") if key in objective.entries]
        if len(given) != 1:
            message = "an objective has target, a share like 0.999, or targetPercent"
            self.refuse(objective, code="openslo-target", message=message)
            return None
        node = objective.at(given[0])
        number = read_number(node, of=given[0], findings=self._findings)
        if number is None:
            return None
        if given[0] == "target" and number > 1:
            message = (
                f"target is a share below 1, got {node.text}: write {format_number(number / 100)}, or "
                "targetPercent"
            )
            self.refuse(node, code="openslo-target", message=message)
            return None
        return text_at(node, percentage(number * 100 if given[0] == "target" else number))

    def read_window(self) -> Node | None:
        """Return the window of ours; None after noting what is wrong with it, or where the default holds."""
        place = self._spec.at("timeWindow")
        if not place.items and "timeWindow" not in self._spec.entries and self.may_lack_window():
            days = self._options.sloth_period // DAY
            message = f"timeWindow is missing: {days} days are taken"
            taken = Violation("openslo-time-window", message, ProblemLevel.NOTE)
            self.add_note(self._spec, taken, NoteEffect.CHANGED)
            return text_at(self._spec, f"{days}d")
        if len(place.items) != 1:
            message = "timeWindow is a list of one window, as in [{duration: 28d, isRolling: true}]"
            self.refuse(place, code="openslo-time-window", message=message)
            return None
        window = place.items[0]
        node = window.at("duration")
        duration = read_duration(node, self._findings)
        if duration is None:
            return None
        rolling = window.entries.get("isRolling")
        has_calendar = "calendar" in window.entries
        is_rolling = rolling.value is True if rolling is not None else not has_calendar
        if is_rolling == has_calendar:
            message = "a window is rolling, or has a calendar: one of isRolling and calendar is wrong"
            if not self._options.lenient or has_calendar:
                self.refuse(window, code="openslo-time-window", message=message)
                return None
        return self.read_calendar(window) if has_calendar else self.window_length(node, duration)

    def read_calendar(self, window: Node) -> Node | None:
        """Return the period of a calendar; None where it is none of ours, or begins in its middle."""
        calendar, length = window.entries["calendar"], window.at("duration")
        period = _CALENDAR_PERIODS.get(length.text)
        if period is None:
            message = f"a calendar has periods of {join_words(_CALENDAR_PERIODS)}, got {length.text}"
            self.refuse(length, code="openslo-calendar", message=message)
            return None
        start = calendar.entries.get("startTime")
        written = None if start is None else _MIDNIGHT.fullmatch(start.text)
        if start is not None and not (written and _begins(period, *map(int, written.groups()))):
            message = (
                f"a {period.value} begins at its first midnight, got startTime {start.text}: "
                "write that, or leave startTime out"
            )
            self.refuse(start, code="openslo-calendar", message=message)
            return None
        zone = calendar.entries.get("timeZone")
        return mapping_at(calendar, {"calendar": text_at(length, period.value), "timeZone": zone})

    def may_lack_window(self) -> bool:
        """Tell whether an SLO may have no window: Sloth, which reads v1alpha alone, has one of its own."""
        return self._options.lenient or self._slo.at("apiVersion").text == "openslo/v1alpha"

    def window_length(self, node: Node, duration: ShorthandDuration) -> Node | None:
        """Return the length of a rolling window; None where it is less than a day."""
        if duration.seconds < DAY:
            meant = ": a month is 1M" if node.text.endswith("m") else ""
            message = f"a window is a day or longer, got {node.text}{meant}"
            self.refuse(node, code="openslo-time-window", message=message)
            return None
        text = format_duration(duration.seconds)
        if duration.is_average:
            message = f"a rolling window has a fixed length: {node.text} is {text}"
            average = Violation("openslo-average-length", message, ProblemLevel.NOTE)
            self.add_note(node, average, NoteEffect.CHANGED)
        return text_at(node, text)

    def objective_names(self, objectives: Sequence[Node]) -> list[Node]:
        """Name the SLO of each objective, by its name for people where that tells them apart."""
        if len(objectives) == 1:
            return [self._name]
        shown = [
            plain_text(it.entries["displayName"].text) if "displayName" in it.entries else ""
            for it in objectives
        ]
        told_apart = all(shown) and len(set(shown)) == len(shown)
        parts = shown if told_apart else [str(index) for index in range(len(objectives))]
        return [
            text_at(objective.at("displayName"), f"{self._name.text}-{part}")
            for objective, part in zip(objectives, parts, strict=True)
        ]

    def plain_name(self, node: Node) -> Node:
        """Return a name that ids and files can have, after a note where it had to be changed."""
        named = values.parse_name(node.text, of="a name", style=self._options.style)
        if not isinstance(named, Violation):
            return node
        plain = plain_text(node.text)
        if not plain:
            return node
        message = f"{quote_value(node.text)} is called {plain}: ids have lower case letters and dashes"
        problem = Violation("renamed", message, ProblemLevel.NOTE)
        self.notes.append(
            translation_note(
                plain,
                node,
                effect=NoteEffect.CHANGED,
                code=problem.code,
                message=problem.message,
                level=problem.level,
            )
        )
        return text_at(node, plain)

    def labels_of(self, document: Node) -> Node | None:
        """Return the labels of an object as Prometheus takes them; several values are joined."""
        labels: dict[str, Node] = {}
        for key, entry in mapping_in(document.at("metadata"), "labels").entries.items():
            name = re.sub("[^a-zA-Z0-9_]", "_", key.removeprefix(OWN_PREFIX))
            text = ",".join(item.text for item in entry.items) if entry.items else entry.text
            if not text:
                continue
            if isinstance(values.parse_free_label_name(name), Violation):
                message = f"a label {quote_value(key)} cannot be on series: left out"
                self.add_note(
                    entry, Violation("left-out", message, ProblemLevel.WARNING), NoteEffect.LEFT_OUT
                )
                continue
            labels[name] = text_at(entry, text)
        return mapping_at(document.at("metadata", "labels"), labels) if labels else None

    def annotations_of(self, document: Node) -> Node | None:
        """Return the annotations that alerts can have: those with a plain name, and without templates."""
        kept: dict[str, Node] = {}
        for key, entry in mapping_in(document.at("metadata"), "annotations").entries.items():
            if key.startswith(OWN_PREFIX):
                continue
            is_filled = all(label_of_template(it) is not None for it in find_templates(entry.text))
            if LABEL_NAME.fullmatch(key) and is_filled:
                kept[key] = text_at(entry, entry.text)
            else:
                message = f"the annotation {quote_value(key)} is not for alerts: left out"
                self.add_note(entry, Violation("left-out", message, ProblemLevel.NOTE), NoteEffect.LEFT_OUT)
        return mapping_at(document.at("metadata", "annotations"), kept) if kept else None

    def refuse(self, node: Node, *, code: str, message: str) -> None:
        """Note a problem of the object."""
        self._findings.add_violation(Violation(code, message), node)

    def add_note(self, node: Node, violation: Violation, effect: NoteEffect, slo: str = "") -> None:
        """Note what is understood differently, of one SLO or else of those of all objectives."""
        self.notes += [
            translation_note(
                each,
                node,
                effect=effect,
                code=violation.code,
                message=violation.message,
                level=violation.level,
            )
            for each in ([slo] if slo else self.ids)
        ]


def own_alerting(translated: Node, own: Node) -> Node:
    """Lay the conditions of the policies under what an annotation of ours says of the alerts."""
    policy = translated.entries.get("policy")
    return mapping_at(own, {"policy": policy, **own.entries}, keys=own.keys)


def percentage(number: Fraction) -> str:
    """Write a number of percent as text of ours, without an exponent."""
    return f"{float(number):.12f}".rstrip("0").rstrip(".") + "%"


def plain_text(text: str) -> str:
    """Make a name of a text: lower case letters, digits, dots, and dashes for all else."""
    return re.sub("[^a-z0-9.]+", "-", text.lower()).strip("-.")
