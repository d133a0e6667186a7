"""The fields of alerting, an objective's own laid over the service's → Alerting."""

from collections.abc import Collection
from fractions import Fraction
from functools import lru_cache

import msgspec
from msgspec import UnsetType

from sloctl.duration import DAY, MINUTE
from sloctl.model import (
    TEXT_ANNOTATIONS,
    Alerting,
    AlertKind,
    AlertMetadata,
    PolicyRow,
    Severity,
    SpentStep,
)
from sloctl.slo.policy import workbook_policy
from sloctl.spec import fields, labels, values
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import quote_value
from sloctl.spec.yaml_nodes import Node, mapping_in

# A single bad event is as likely an accident; a minute or a ratio is no event at all.
_DEFAULT_MIN_ERRORS = 2
# More would make a rule group of them that some rulers refuse, and nobody tells so many apart.
_MAX_SPENT_STEPS = 10


def read_alerting(
    node: Node, *, window: int, counted: bool, group_by: Collection[str], findings: Findings
) -> Alerting | None:
    """Read the alerts of an SLO from its merged *node*, or return None after noting what is wrong there.

    *window* is in seconds; *counted* says whether the SLO counts events, which a floor on errors needs.
    """
    if not node.entries:
        return _default_alerting(window, counted=counted)
    return _read_given_alerting(node, window=window, counted=counted, group_by=group_by, findings=findings)


@lru_cache(maxsize=128)  # of most SLOs, as few have an alerting of their own
def _default_alerting(window: int, *, counted: bool) -> Alerting | None:
    nothing = Node("", 1, 1, {})
    return _read_given_alerting(nothing, window=window, counted=counted, group_by=(), findings=Findings())


def _read_given_alerting(
    node: Node, *, window: int, counted: bool, group_by: Collection[str], findings: Findings
) -> Alerting | None:
    spec = msgspec.convert(node.value, fields.Alerting)
    errors = findings.error_count
    for part in (node, *(mapping_in(node, kind.value) for kind in AlertKind)):
        labels.check_alert_labels(mapping_in(part, "labels"), group_by, findings)
        labels.check_annotations(mapping_in(part, "annotations"), findings)
    for name in mapping_in(node, "names").entries.values():
        findings.accept_value(values.parse_alert_name(name.text), name)
    for label in mapping_in(node, "severity").entries.values():
        findings.accept_value(values.parse_label_value(label.text), label)
    rows = [] if isinstance(spec.policy, UnsetType) else spec.policy
    policy = [
        _read_policy_row(row, item, window, findings)
        for row, item in zip(rows, node.at("policy").items if rows else (), strict=True)
    ]
    within: int | None = _soon(window)
    if not isinstance(spec.exhausting.within, UnsetType):
        within = findings.accept_value(
            values.parse_alert_time(spec.exhausting.within, of="within", most=window),
            node.at("exhausting", "within"),
        )
    after = findings.accept_value(
        values.parse_alert_time(spec.no_data.after, of="after", most=DAY), node.at("noData", "after")
    )
    confidence = None
    if not isinstance(spec.confidence, UnsetType):
        confidence = findings.accept_value(values.parse_confidence(spec.confidence), node.at("confidence"))
    steps = _read_spent_steps(spec, node.at("exhausted", "at"), findings)
    min_errors = _DEFAULT_MIN_ERRORS if isinstance(spec.min_errors, UnsetType) else spec.min_errors
    if within is None or after is None or findings.error_count > errors:
        return None
    return Alerting(
        policy=tuple(row for row in policy if row is not None) or workbook_policy(window),
        page=_alert_metadata(spec, spec.page, AlertKind.PAGE, Severity.PAGE),
        ticket=_alert_metadata(spec, spec.ticket, AlertKind.TICKET),
        exhausted=_alert_metadata(spec, spec.exhausted, AlertKind.EXHAUSTED),
        exhausting=_alert_metadata(spec, spec.exhausting, AlertKind.EXHAUSTING),
        no_data=_alert_metadata(spec, spec.no_data, AlertKind.NO_DATA, spec.no_data.severity),
        no_data_severity=spec.no_data.severity,
        exhausting_within=within,
        no_data_after=after,
        min_errors=min_errors if counted else 0,
        confidence=confidence if counted else None,
        spent_steps=() if spec.exhausted.disabled or spec.disabled else steps,
    )


def _soon(window: int) -> int:
    """Return how far ahead the alert on a budget soon gone looks: a day, of a short window a seventh."""
    return min(DAY, window // 7 // MINUTE * MINUTE)


def _read_policy_row(row: fields.BurnAlert, node: Node, window: int, findings: Findings) -> PolicyRow | None:
    long = findings.accept_value(
        values.parse_lookback(row.long, of="long", least=10 * MINUTE), node.at("long")
    )
    short = findings.accept_value(
        values.parse_lookback(row.short, of="short", least=MINUTE), node.at("short")
    )
    pending = findings.accept_value(values.parse_pending(row.pending), node.at("for"))
    share: Fraction | None = None
    if not isinstance(row.budget_share, UnsetType):
        share = findings.accept_value(values.parse_budget_share(row.budget_share), node.at("budgetShare"))
    elif long is not None and not isinstance(row.factor, UnsetType):
        of_budget = values.share_of_factor(row.factor, long=long, window=window)
        share = findings.accept_value(of_budget, node.at("factor"))
    if share is None or long is None or short is None or pending is None:
        return None
    return PolicyRow(row.severity, share, long, short, pending)


def _read_spent_steps(alerting: fields.Alerting, node: Node, findings: Findings) -> tuple[SpentStep, ...]:
    """Read the shares of the budget that are alerts of their own, in rising order."""
    steps: dict[Fraction, SpentStep] = {}
    for step, item in zip(alerting.exhausted.at, node.items, strict=False):
        is_plain = isinstance(step, str)
        text, severity = (step, Severity.TICKET) if isinstance(step, str) else (step.share, step.severity)
        place = item if is_plain else item.at("share")
        share = findings.accept_value(values.parse_spent_share(text), place)
        if share in steps:
            again = f"{quote_value(text)} stands here again: remove it"
            findings.add_violation(Violation("spent-shares", again), place)
        elif share is not None:
            added = _alert_metadata(alerting, alerting.exhausted, AlertKind.SPENT, severity)
            steps[share] = SpentStep(share, severity, added or AlertMetadata({}, {}))
    if len(steps) > _MAX_SPENT_STEPS:
        many = f"at most {_MAX_SPENT_STEPS} shares of one budget are alerts, got {len(steps)}"
        findings.add_violation(Violation("spent-shares", many), node)
    return tuple(steps[share] for share in sorted(steps))


def _alert_metadata(
    common: fields.Alerting, own: fields.Alert, kind: AlertKind, severity: Severity = Severity.TICKET
) -> AlertMetadata | None:
    """Lay what a spec says of one kind of alert over what it says of its severity, and that over of all."""
    if own.disabled or common.disabled:
        return None
    mapped = common.severity.page if severity is Severity.PAGE else common.severity.ticket
    name = getattr(common.names, kind.name.lower())
    burns = kind in {AlertKind.PAGE, AlertKind.TICKET}
    return AlertMetadata(
        {**common.labels, **({} if isinstance(mapped, UnsetType) else {"severity": mapped}), **own.labels},
        {
            # A summary of all alerts speaks of a burn.
            **{it: text for it, text in common.annotations.items() if burns or it not in TEXT_ANNOTATIONS},
            # What is written of a budget that is gone is wrong of a share of it.
            **{
                it: text
                for it, text in own.annotations.items()
                if kind is not AlertKind.SPENT or it not in TEXT_ANNOTATIONS
            },
        },
        None if isinstance(name, UnsetType) else name,
    )


def check_alert_templates(alerting: Node, known: Collection[str], findings: Findings) -> None:
    """Check the templates in the labels and annotations of *alerting*, as a spec has it in one place.

    *known* are the labels that an alert has to show.
    """
    if not alerting.entries:
        return
    for part in (alerting, *(mapping_in(alerting, kind.value) for kind in AlertKind)):
        labels.check_templates(mapping_in(part, "labels"), known, findings)
        labels.check_templates(mapping_in(part, "annotations"), known, findings)
