"""Inhibition rules for Alertmanager: alerts that make others needless.

A source mutes a target of the same SLO and group; both stay visible in Prometheus and in the sidecar. The
rules go by labels that a spec cannot change, so they follow whatever it calls an alert or its severity.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from sloctl.model import AlertKind, Severity, Slo
from sloctl.naming import ALERT_CLASSES, LabelStyle
from sloctl.targets.prometheus import HEADER, quote_yaml


class Inhibition(Struct, frozen=True):
    """Alerts of kind *source* with *severity* mute tickets of the kinds *targets*."""

    reason: str
    source: AlertKind
    severity: Severity
    targets: tuple[AlertKind, ...] = (AlertKind.TICKET, AlertKind.EXHAUSTING)


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
    ),
)


def render_inhibitions(slos: Iterable[Slo], style: LabelStyle) -> str:
    """Write the `inhibit_rules` of an Alertmanager's configuration."""
    # A label that neither alert has is equal too, so one list serves every SLO.
    groups = sorted({label for slo in slos for label in slo.group_by})
    equal = ", ".join(map(quote_yaml, (style.id, *groups)))
    text = f"{HEADER}inhibit_rules:\n"
    for inhibition in INHIBITIONS:
        severity = inhibition.severity.value
        source = {f"{style.alert}=": ALERT_CLASSES[inhibition.source], f"{style.severity}=": severity}
        targets = "|".join(ALERT_CLASSES[kind] for kind in inhibition.targets)
        target = {f"{style.alert}=~": targets, f"{style.severity}=": Severity.TICKET.value}
        text += (
            f"  # {inhibition.reason}\n"
            f"  - source_matchers: {_matcher_list(source)}\n"
            f"    target_matchers: {_matcher_list(target)}\n"
            f"    equal: [{equal}]\n"
        )
    return text


def _matcher_list(values: Mapping[str, str]) -> str:
    """Write matchers as Alertmanager does, each in single quotes of YAML."""
    written = (f"'{name}\"{value}\"'" for name, value in values.items())
    return f"[{', '.join(written)}]"
