"""Inhibition rules for Alertmanager: alerts that make others needless.

A source mutes a target of the same SLO and group; both stay visible in Prometheus and in the sidecar. The
rules go by labels that a spec cannot change, so they follow whatever it calls an alert or its severity.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from sloctl.model import AlertKind, Severity, Slo, SpentStep
from sloctl.naming import ALERT_CLASSES, LabelStyle, spent_share
from sloctl.targets.prometheus import HEADER, quote_yaml


class Inhibition(Struct, frozen=True):
    """Alerts of kind *source* with *severity* mute tickets of the kinds *targets*."""

    reason: str
    source: AlertKind
    severity: Severity
    targets: tuple[AlertKind, ...] = (AlertKind.TICKET, AlertKind.EXHAUSTING)


class _Rule(NamedTuple):
    """An inhibition as Alertmanager reads it: conditions on labels of both alerts."""

    reason: str
    source: Mapping[str, str]
    target: Mapping[str, str]


INHIBITIONS: Final = (
    Inhibition(
        "Whoever is paged needs no ticket about the same burn.",
        AlertKind.PAGE,
        Severity.PAGE,
    ),
    Inhibition(
        "Once the budget is gone, its ticket says how fast it still burns.",
        AlertKind.EXHAUSTED,
        Severity.TICKET,
        (AlertKind.TICKET, AlertKind.EXHAUSTING, AlertKind.SPENT),
    ),
)


def render_inhibitions(slos: Sequence[Slo], style: LabelStyle) -> str:
    """Write the `inhibit_rules` of an Alertmanager's configuration."""
    # A label that neither alert has is equal too, so one list serves every SLO.
    groups = sorted({label for slo in slos for label in slo.group_by})
    equal = ", ".join(map(quote_yaml, (style.id, *groups)))
    text = f"{HEADER}inhibit_rules:\n"
    for rule in (*_kind_rules(style), *_spent_rules(slos, style)):
        text += (
            f"  # {rule.reason}\n"
            f"  - source_matchers: {_matcher_list(rule.source)}\n"
            f"    target_matchers: {_matcher_list(rule.target)}\n"
            f"    equal: [{equal}]\n"
        )
    return text


def _kind_rules(style: LabelStyle) -> Iterator[_Rule]:
    for inhibition in INHIBITIONS:
        severity = inhibition.severity.value
        source = {f"{style.alert}=": ALERT_CLASSES[inhibition.source], f"{style.severity}=": severity}
        targets = "|".join(ALERT_CLASSES[kind] for kind in inhibition.targets)
        target = {f"{style.alert}=~": targets, f"{style.severity}=": Severity.TICKET.value}
        yield _Rule(inhibition.reason, source, target)


def _spent_rules(slos: Sequence[Slo], style: LabelStyle) -> Iterator[_Rule]:
    """Mute each share of a budget where a higher one is spent; a ticket mutes no page."""
    steps = {(step.share, step.severity) for slo in slos for step in slo.alerting.spent_steps}
    named = {share: spent_share(SpentStep(share, severity)) for share, severity in steps}
    spent = ALERT_CLASSES[AlertKind.SPENT]
    for severity in Severity:
        muted = sorted(share for share, of_share in steps if of_share is severity)
        sources = {share for share, of_share in steps if severity in {of_share, Severity.TICKET}}
        for share in sorted(sources):
            if lower := [named[other] for other in muted if other < share]:
                own = {} if severity is Severity.TICKET else {f"{style.severity}=": severity.value}
                source = {f"{style.alert}=": spent, f"{style.spent}=": named[share], **own}
                shares = "|".join(lower)
                target = {f"{style.spent}=~": shares, f"{style.severity}=": severity.value}
                reason = f"Whoever knows that {named[share]} of a budget is spent knows that less is."
                yield _Rule(reason, source, {f"{style.alert}=": spent, **target})


def _matcher_list(values: Mapping[str, str]) -> str:
    """Write matchers as Alertmanager does, each in single quotes of YAML."""
    written = (f"'{name}\"{value}\"'" for name, value in values.items())
    return f"[{', '.join(written)}]"
