"""Pyrra's fixed table of burn rates, scaled to the window, and the alerts it makes → `alerting`."""

from fractions import Fraction
from typing import Final

from msgspec import Struct

from sloctl.duration import DAY, HOUR, MINUTE, format_duration
from sloctl.model import Severity
from sloctl.promql import format_number
from sloctl.spec.dialects.pyrra import fields
from sloctl.spec.dialects.translation import list_at, mapping_at, number_at, text_at
from sloctl.spec.yaml_nodes import Node

_REFERENCE_WINDOW: Final = 28 * DAY
# What a lookback of ours is at least.
_LEAST_LONG: Final = 10 * MINUTE
_LEAST_SHORT: Final = MINUTE


class PyrraTier(Struct, frozen=True):
    """One of Pyrra's four burn alerts; seconds, for a window of four weeks."""

    severity_key: str
    factor: int
    long: int
    short: int
    pending: int


TIERS: Final = (
    PyrraTier("fastBurn", 14, HOUR, 5 * MINUTE, 2 * MINUTE),
    PyrraTier("mediumBurn", 7, 6 * HOUR, 30 * MINUTE, 15 * MINUTE),
    PyrraTier("slowBurn", 2, DAY, 2 * HOUR, HOUR),
    PyrraTier("longTermBurn", 1, 4 * DAY, 6 * HOUR, 3 * HOUR),
)
_DEFAULT_SPLIT: Final = {"fastBurn": 0, "mediumBurn": 0, "slowBurn": 1, "longTermBurn": 1}


def scale_tier(tier: PyrraTier, window: int) -> PyrraTier:
    """Scale the lookbacks of a tier to a window as Pyrra does: to whole minutes, halves up."""
    long, short, pending = (
        scale_seconds(seconds, window) for seconds in (tier.long, tier.short, tier.pending)
    )
    return PyrraTier(tier.severity_key, tier.factor, long, short, pending)


def absent_after(window: int, objective: Fraction) -> int:
    """Return the seconds that Pyrra waits for an absent metric: as an outage takes to the fast alert."""
    fast = scale_tier(TIERS[0], window)
    outage = round_minutes(TIERS[0].factor * (1 - objective) * fast.long)
    return max(outage + fast.pending, MINUTE)


class TranslatedAlerting(Struct, frozen=True):
    """The alerting of one SLO, the rows that can never fire, and those that Pyrra made mute or merged."""

    node: Node
    never_fire: tuple[PyrraTier, ...]
    lifted: tuple[PyrraTier, ...]
    merged_severities: tuple[str, ...]


def translate_alerting(
    spec: fields.PyrraAlerting, place: Node, *, window: int, objective: Fraction, has_absent_alert: bool
) -> TranslatedAlerting:
    """Translate Pyrra's alerts; every node of them stands at *place*.

    *has_absent_alert* is false of a native histogram, for which Pyrra never writes one.
    """
    scaled = [scale_tier(tier, window) for tier in TIERS]
    never_fire = tuple(tier for tier in scaled if tier.factor * (1 - objective) >= 1)
    kept = [tier for tier in scaled if tier not in never_fire]
    written = {
        "fastBurn": spec.severities.fast_burn,
        "mediumBurn": spec.severities.medium_burn,
        "slowBurn": spec.severities.slow_burn,
        "longTermBurn": spec.severities.long_term_burn,
    }
    pages, labels, merged = split_severities(written)
    rows = {
        severity: [tier for tier in kept if (tier.severity_key in pages) == (severity is Severity.PAGE)]
        for severity in Severity
    }
    burns = spec.burnrates and not spec.disabled
    absent = spec.absent and has_absent_alert
    policy = [policy_row_node(tier, severity, place) for severity, tiers in rows.items() for tier in tiers]
    off = mapping_at(place, {"disabled": number_at(place, value=True)})
    absent_page = spec.severities.absent == labels[Severity.PAGE]
    absent_label = spec.severities.absent not in labels.values()
    no_data = {
        "after": text_at(place, format_duration(absent_after(window, objective))),
        "severity": text_at(place, "page") if absent_page else None,
        "labels": mapping_at(place, {"severity": text_at(place, spec.severities.absent)})
        if absent_label
        else None,
    }
    node = mapping_at(
        place,
        {
            "policy": list_at(place, policy) if policy else None,
            "severity": mapping_at(
                place, {severity.value: text_at(place, label) for severity, label in labels.items()}
            ),
            "names": mapping_at(
                place,
                {
                    "page": text_at(place, spec.name),
                    "ticket": text_at(place, spec.name),
                    "noData": text_at(place, spec.absent_name),
                },
            ),
            "page": None if burns and rows[Severity.PAGE] else off,
            "ticket": None if burns and rows[Severity.TICKET] else off,
            "exhausted": off,
            "exhausting": off,
            "noData": mapping_at(place, no_data) if absent else off,
        },
    )
    lifted = tuple(tier for tier in kept if lift_tier(tier) != tier)
    return TranslatedAlerting(node, never_fire if burns else (), lifted if burns else (), merged)


def split_severities(
    written: dict[str, str],
) -> tuple[frozenset[str], dict[Severity, str], tuple[str, ...]]:
    """Return the tiers that page, the label of pages and tickets, and the labels that could not be kept.

    Two different labels split the tiers, the fast one's is the page. With one, or more than two, the first
    two tiers page, and where one of them or of the others differs from its first, that label is lost.
    """
    distinct = list(dict.fromkeys(written.values()))
    if len(distinct) == 2:
        pages = frozenset(key for key, label in written.items() if label == distinct[0])
        return pages, {Severity.PAGE: distinct[0], Severity.TICKET: distinct[1]}, ()
    pages = frozenset(key for key, side in _DEFAULT_SPLIT.items() if side == 0)
    labels = {Severity.PAGE: written["fastBurn"], Severity.TICKET: written["slowBurn"]}
    return pages, labels, tuple(label for label in distinct if label not in labels.values())


def policy_row_node(tier: PyrraTier, severity: Severity, place: Node) -> Node:
    lifted = lift_tier(tier)
    return mapping_at(
        place,
        {
            "severity": text_at(place, severity.value),
            "factor": number_at(place, lifted.factor),
            "long": text_at(place, format_duration(lifted.long)),
            "short": text_at(place, format_duration(lifted.short)),
            "for": text_at(place, format_duration(lifted.pending)),
        },
    )


def lift_tier(tier: PyrraTier) -> PyrraTier:
    """Raise the lookbacks of a tier to what they are at least."""
    return PyrraTier(
        tier.severity_key,
        tier.factor,
        max(tier.long, _LEAST_LONG),
        max(tier.short, _LEAST_SHORT),
        tier.pending,
    )


def describe_threshold(tier: PyrraTier, objective: Fraction) -> str:
    """Write the error ratio above which a tier fires, as a percentage."""
    return f"{format_number(round(tier.factor * (1 - objective) * 100, 4))} %"


def scale_seconds(seconds: int, window: int) -> int:
    return round_minutes(Fraction(seconds * window, _REFERENCE_WINDOW))


def round_minutes(seconds: Fraction) -> int:
    return int((seconds / MINUTE + Fraction(1, 2)) // 1) * MINUTE
