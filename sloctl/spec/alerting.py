"""The fields of alerting, own ones laid over defaults → Alerting."""

import msgspec
from msgspec import UnsetType

from sloctl import burn
from sloctl.duration import DAY, MINUTE
from sloctl.model import Alerting, AlertText, BurnAlert
from sloctl.spec import fields, labels, values
from sloctl.spec.document import Node, mapping_in
from sloctl.spec.findings import Findings

_KINDS = ("page", "ticket", "exhausted", "exhausting", "noData")
# A single bad event is as likely an accident; a minute or a ratio is no event at all.
_MIN_ERRORS = 2


def alerting(node: Node, *, window: int, counted: bool, findings: Findings) -> Alerting | None:
    """The alerts that *node* describes, or None after noting what is wrong with it."""
    spec = msgspec.convert(node.value, fields.Alerting)
    errors = findings.errors
    _check_labels(node, findings)
    policy = _policy(spec.policy, node.at("policy"), findings) or burn.workbook_policy(window)
    within = findings.accept(
        values.patience(spec.exhausting.within, of="within", most=window), node.at("exhausting", "within")
    )
    after = findings.accept(
        values.patience(spec.no_data.after, of="after", most=DAY), node.at("noData", "after")
    )
    confidence = None
    if not isinstance(spec.confidence, UnsetType):
        confidence = findings.accept(values.confidence(spec.confidence), node.at("confidence"))
    if within is None or after is None or findings.errors > errors:
        return None
    return Alerting(
        policy=policy,
        page=_text(spec, spec.page),
        ticket=_text(spec, spec.ticket),
        exhausted=_text(spec, spec.exhausted),
        exhausting=_text(spec, spec.exhausting),
        no_data=_text(spec, spec.no_data),
        exhausting_within=within,
        no_data_after=after,
        min_errors=_min_errors(spec.min_errors) if counted else 0,
        confidence=confidence if counted else None,
    )


def label_mappings(node: Node) -> list[Node]:
    """Where alerting holds labels."""
    return [mapping_in(part, "labels") for part in _parts(node)]


def _parts(node: Node) -> list[Node]:
    return [node, *(mapping_in(node, kind) for kind in _KINDS)]


def _check_labels(node: Node, findings: Findings) -> None:
    for part in _parts(node):
        labels.of_alerts(mapping_in(part, "labels"), findings)
        labels.annotations(mapping_in(part, "annotations"), findings)


def _policy(
    rows: list[fields.BurnAlert] | UnsetType, node: Node, findings: Findings
) -> tuple[BurnAlert, ...]:
    if isinstance(rows, UnsetType):
        return ()
    read = [_burn_alert(row, item, findings) for row, item in zip(rows, node.items, strict=True)]
    return tuple(row for row in read if row is not None)


def _burn_alert(row: fields.BurnAlert, node: Node, findings: Findings) -> BurnAlert | None:
    share = findings.accept(values.budget_share(row.budget_share), node.at("budgetShare"))
    long = findings.accept(values.lookback(row.long, of="long", least=10 * MINUTE), node.at("long"))
    short = findings.accept(values.lookback(row.short, of="short", least=MINUTE), node.at("short"))
    if share is None or long is None or short is None:
        return None
    return BurnAlert(row.severity, share, long, short)


def _text(common: fields.Alerting, own: fields.Alert) -> AlertText | None:
    if own.disabled:
        return None
    return AlertText({**common.labels, **own.labels}, {**common.annotations, **own.annotations})


def _min_errors(given: int | UnsetType) -> int:
    return _MIN_ERRORS if isinstance(given, UnsetType) else given
