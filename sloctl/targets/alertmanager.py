"""Inhibition rules for Alertmanager: alerts that make others needless.

A source mutes a target of the same SLO and group; both stay visible in Prometheus and in the sidecar.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from sloctl import naming
from sloctl.model import Severity, Slo
from sloctl.naming import LabelStyle
from sloctl.targets.prometheus import HEADER, quote_yaml


class Inhibition(Struct, frozen=True):
    """Alerts named *source* with *severity* mute tickets named *targets*."""

    reason: str
    source: str
    severity: Severity
    targets: tuple[str, ...]


INHIBITIONS: Final = (
    Inhibition(
        "Whoever is paged needs no ticket about the same burn.",
        naming.BURN_ALERT,
        Severity.PAGE,
        (naming.BURN_ALERT, naming.EXHAUSTING_ALERT),
    ),
    Inhibition(
        "Once the budget is gone, its ticket says how fast it still burns.",
        naming.EXHAUSTED_ALERT,
        Severity.TICKET,
        (naming.BURN_ALERT, naming.EXHAUSTING_ALERT),
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
        source = {"alertname=": inhibition.source, f"{style.severity}=": severity}
        target = {"alertname=~": "|".join(inhibition.targets), f"{style.severity}=": Severity.TICKET.value}
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
