"""Which alert makes another needless → inhibition rules for Alertmanager.

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
    """The `inhibit_rules` of an Alertmanager's configuration."""
    # A label that neither alert has is equal too, so one list serves every SLO.
    groups = sorted({label for slo in slos for label in slo.group_by})
    equal = ", ".join(map(quote_yaml, (style.id, *groups)))
    return f"{HEADER}inhibit_rules:\n" + "".join(_rule(it, style, equal) for it in INHIBITIONS)


def _rule(it: Inhibition, style: LabelStyle, equal: str) -> str:
    source = {"alertname=": it.source, f"{style.severity}=": it.severity.value}
    target = {"alertname=~": "|".join(it.targets), f"{style.severity}=": Severity.TICKET.value}
    return (
        f"  # {it.reason}\n"
        f"  - source_matchers: {_matcher_list(source)}\n"
        f"    target_matchers: {_matcher_list(target)}\n"
        f"    equal: [{equal}]\n"
    )


def _matcher_list(values: Mapping[str, str]) -> str:
    """As Alertmanager writes them, each in single quotes of YAML."""
    written = (f"'{name}\"{value}\"'" for name, value in values.items())
    return f"[{', '.join(written)}]"
