"""Alert policies of an SLO → `alerting`.

A condition of OpenSLO is one burn rate over one lookback, so it becomes a row of a policy with that factor
and that long lookback. Its short one, which ends the alert soon after the burn, is a twelfth of it as in the
workbook, unless an annotation of ours says another. What an SLO does not ask for, it does not get.
"""

from collections.abc import Iterator, Mapping
from math import isclose
from typing import Final

from msgspec import Struct

from sloctl.duration import MINUTE, format_duration
from sloctl.model import Severity
from sloctl.problems import ProblemLevel
from sloctl.spec import values
from sloctl.spec.dialects.openslo.catalogue import OpensloCatalogue
from sloctl.spec.dialects.openslo.values import read_duration, read_number
from sloctl.spec.dialects.translation import (
    NoteEffect,
    ReadingOptions,
    list_at,
    mapping_at,
    number_at,
    text_at,
)
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import quote_value
from sloctl.spec.yaml_nodes import Node, mapping_in

SHORT_LOOKBACK: Final = "sloctl.dev/short-lookback"
# Where the burn rate has no end as a decimal; counts only while it is the same as the threshold.
BUDGET_SHARE: Final = "sloctl.dev/budget-share"
# Severities that wake somebody; every other one is a ticket.
_PAGING: Final = frozenset(
    {"page", "critical", "high", "sev1", "p1", "p0", "urgent", "emergency", "fatal", "1"}
)
_LEAST_LONG: Final = 10 * MINUTE
_SHORT_SHARE: Final = 12
# A target that is every alert's.
ALERTMANAGER: Final = "alertmanager"
FLAGS: Final = frozenset({"alertWhenBreaching", "alertWhenNoData", "alertWhenResolved"})
TARGET_LABEL: Final = "notification_target"


class BurnCondition(Struct, frozen=True):
    """One condition: its node, its severity as written, and its row of a policy."""

    node: Node
    severity: Severity
    label: str
    row: Node
    targets: tuple[str, ...]


class PolicyTranslator:
    """The translation of the policies of one SLO, and the notes that it makes on the way."""

    def __init__(self, catalogue: OpensloCatalogue, options: ReadingOptions, findings: Findings) -> None:
        self.notes: list[tuple[Node, Violation, NoteEffect]] = []
        self._catalogue = catalogue
        self._options = options
        self._findings = findings
        self._window: int | None = None

    def translate(self, slo: Node, window: int | None) -> Node:
        """Return the alerting of an SLO over *window* seconds; without a policy it has none."""
        self._window = window
        place = slo.at("spec", "alertPolicies")
        policies = [
            policy for item in place.items if (policy := self.resolve(item, "AlertPolicy", "alertPolicyRef"))
        ]
        if not policies:
            if not place.items:
                message = "without alertPolicies an SLO of OpenSLO has no alerts: give it some"
                note = Violation("openslo-no-alerts", message, ProblemLevel.NOTE)
                self.notes.append((slo.at("metadata", "name"), note, NoteEffect.CHANGED))
            return mapping_at(place, {"disabled": number_at(place, value=True)})
        conditions = [it for policy in policies for it in self.read_conditions(policy)]
        return self.alerting_of(place, policies, conditions)

    def resolve(self, item: Node, kind: str, reference: str) -> Node | None:
        """Return an object that stands inline or is referred to; None after noting what is wrong."""
        if reference in item.entries:
            return self._catalogue.resolve(kind, item.at(reference), self._findings)
        if "spec" in item.entries:
            return item
        message = f"here stands {reference}, or the {kind} itself with its spec"
        self._findings.add_violation(Violation("openslo-reference", message), item)
        return None

    def read_conditions(self, policy: Node) -> Iterator[BurnCondition]:
        """Read the conditions of a policy that alerts on a burn."""
        spec = policy.at("spec")
        if mapping_in(policy, "spec").at("alertWhenResolved").value is True:
            message = "alertWhenResolved is send_resolved of Alertmanager's receiver, and not of a rule"
            note = Violation("openslo-resolved", message, ProblemLevel.NOTE)
            self.notes.append((spec.at("alertWhenResolved"), note, NoteEffect.LEFT_OUT))
        if not FLAGS & spec.entries.keys():
            message = "none of alertWhenBreaching, alertWhenNoData and alertWhenResolved: taken for the first"
            note = Violation("openslo-breaching", message, ProblemLevel.NOTE)
            self.notes.append((spec, note, NoteEffect.CHANGED))
        elif mapping_in(policy, "spec").at("alertWhenBreaching").value is not True:
            return
        targets = tuple(self.target_names(spec))
        for item in spec.at("conditions").items if "conditions" in spec.entries else ():
            condition = self.resolve(item, "AlertCondition", "conditionRef")
            row = None if condition is None else self.read_row(condition)
            if condition is not None and row is not None:
                label = condition.at("spec", "severity").text
                severity = severity_of(label)
                yield BurnCondition(condition, severity, label, row, targets)

    def read_row(self, condition: Node) -> Node | None:
        """Return a condition as a row of a policy; None after noting what is wrong with it."""
        rule = condition.at("spec", "condition")
        op = rule.at("op")
        if op.text in {"lt", "lte"}:
            if not self._options.lenient:
                message = f"op: {op.text} alerts while the budget burns slowly: write gt"
                return self._findings.accept_value(Violation("openslo-condition-op", message), op)
            meant = Violation("openslo-condition-op", f"op: {op.text} is read as gt", ProblemLevel.WARNING)
            self.notes.append((op, meant, NoteEffect.CHANGED))
        threshold = read_number(rule.at("threshold"), of="threshold", findings=self._findings)
        lookback = read_duration(rule.at("lookbackWindow"), self._findings)
        pending = 0
        after = rule.entries.get("alertAfter")
        if after is not None and after.text not in {"0", "0m", "0h"}:
            waited = read_duration(after, self._findings)
            pending = waited.seconds if waited is not None else 0
        if threshold is None or lookback is None:
            return None
        long = max(lookback.seconds, _LEAST_LONG)
        if long != lookback.seconds:
            node = rule.at("lookbackWindow")
            message = f"a burn rate over less than 10m is noise: {node.text} becomes 10m"
            raised = Violation("openslo-lookback", message, ProblemLevel.WARNING)
            self.notes.append((node, raised, NoteEffect.CHANGED))
        annotations = mapping_in(mapping_in(condition, "metadata"), "annotations")
        short = annotations.entries.get(SHORT_LOOKBACK)
        factor, severity = rule.at("threshold"), condition.at("spec", "severity")
        share = annotations.entries.get(BUDGET_SHARE)
        if share is not None and not is_same_burn(
            share.text, float(threshold), long=long, window=self._window
        ):
            share = None
        return mapping_at(
            condition,
            {
                "severity": text_at(severity, severity_of(severity.text).value),
                "budgetShare": None if share is None else text_at(share, share.text),
                "factor": number_at(factor, float(threshold)) if share is None else None,
                "long": text_at(rule.at("lookbackWindow"), format_duration(long)),
                "short": text_at(short, short.text)
                if short is not None
                else text_at(rule.at("lookbackWindow"), format_duration(short_lookback(long))),
                "for": text_at(after, format_duration(pending)) if after is not None and pending else None,
            },
        )

    def target_names(self, spec: Node) -> Iterator[str]:
        """Yield the names of those who are told, by which Alertmanager can route."""
        for item in spec.at("notificationTargets").items if "notificationTargets" in spec.entries else ():
            reference = item.entries.get("targetRef")
            if reference is not None:
                yield reference.text
            elif "metadata" in item.entries and item.at("spec", "target").text != ALERTMANAGER:
                yield item.at("metadata", "name").text

    def alerting_of(self, place: Node, policies: list[Node], conditions: list[BurnCondition]) -> Node:
        """Put the conditions of all policies together."""
        off = mapping_at(place, {"disabled": number_at(place, value=True)})
        by_severity = {
            severity: [it for it in conditions if it.severity is severity] for severity in Severity
        }
        labels = {severity: its[0].label for severity, its in by_severity.items() if its}
        for severity, its in by_severity.items():
            for lost in [it for it in its if it.label != labels[severity]]:
                message = (
                    f"severity {quote_value(lost.label)} becomes {quote_value(labels[severity])}: every "
                    f"{severity.value} has the same"
                )
                note = Violation("openslo-severity", message, ProblemLevel.WARNING)
                self.notes.append((lost.node.at("spec", "severity"), note, NoteEffect.CHANGED))
        silent = [it for it in policies if mapping_in(it, "spec").at("alertWhenNoData").value is True]
        entries: dict[str, Node | None] = {
            "policy": list_at(place, [it.row for it in conditions]) if conditions else None,
            "severity": mapping_at(
                place, {severity.value: text_at(place, label) for severity, label in labels.items()}
            )
            if labels
            else None,
            "exhausted": off,
            "exhausting": off,
            "noData": no_data_node(silent, conditions) if silent else off,
        }
        for severity, its in by_severity.items():
            targets = list(dict.fromkeys(name for it in its for name in it.targets))
            entries[severity.value] = off if not its else targets_node(place, targets)
        return mapping_at(place, entries)


def no_data_node(silent: list[Node], conditions: list[BurnCondition]) -> Node | None:
    """Return the alert on missing data: it pages where a burn does; None where its defaults hold."""
    place = silent[0]
    pages = any(it.severity is Severity.PAGE for it in conditions)
    return mapping_at(place, {"severity": text_at(place, Severity.PAGE.value)}) if pages else None


def targets_node(place: Node, targets: list[str]) -> Node | None:
    """Return the label that names who is told; None where nobody is named."""
    if not targets:
        return None
    label: Mapping[str, Node] = {TARGET_LABEL: text_at(place, ",".join(targets))}
    return mapping_at(place, {"labels": mapping_at(place, label)})


def severity_of(label: str) -> Severity:
    """Tell whether a severity wakes somebody."""
    return Severity.PAGE if label.strip().lower() in _PAGING else Severity.TICKET


def is_same_burn(share: str, factor: float, *, long: int, window: int | None) -> bool:
    """Tell whether a budget share in *long* seconds is a burn rate of *factor*."""
    parsed = values.parse_budget_share(share)
    if isinstance(parsed, Violation) or window is None:
        return False
    return isclose(float(parsed) * window / long, factor, rel_tol=1e-12)


def short_lookback(long: int) -> int:
    """Return a twelfth of a long lookback, in whole minutes."""
    return max(long // _SHORT_SHARE // MINUTE * MINUTE, MINUTE)
