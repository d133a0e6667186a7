"""Journeys in numbers: what the parts of a minute make of it, as the rules' PromQL does."""

from collections.abc import Mapping

from sloctl.model import CompositeIndicator, CompositeRule
from sloctl.slo.resolutions import EventCounts


def combine_minute(journey: CompositeIndicator, parts: Mapping[str, EventCounts]) -> EventCounts | None:
    """Return the counts of a minute out of those of its *parts* by name; None where one is missing.

    By worst and weighted a minute is one event, or none where nothing happened in any part.
    """
    if any(part.name not in parts for part in journey.parts):
        return None
    shares = attribute_errors(journey, parts)
    errors = sum(counts.error for counts in shares.values())
    if journey.rule is CompositeRule.SUM:
        return EventCounts(errors, sum(counts.total for counts in shares.values()))
    return EventCounts(errors, float(any(parts[part.name].total > 0 for part in journey.parts)))


def attribute_errors(journey: CompositeIndicator, parts: Mapping[str, EventCounts]) -> dict[str, EventCounts]:
    """Say how much of a minute's errors each part brings, and how much of its events.

    By worst, the worst part brings all errors, and each part in which something happened as many events.
    """
    if journey.rule is CompositeRule.SUM:
        return {part.name: parts[part.name] for part in journey.parts}
    ratios = {
        part.name: min(max(ratio, 0.0), 1.0)
        for part in journey.parts
        if (ratio := parts[part.name].error_ratio) is not None
    }
    if journey.rule is CompositeRule.WORST:
        worst = max(ratios, key=lambda name: ratios[name], default="")
        return {
            name: EventCounts(ratio if name == worst else 0.0, 1 / len(ratios))
            for name, ratio in ratios.items()
        }
    weights = {part.name: part.weight for part in journey.parts if part.name in ratios}
    whole = sum(weights.values())
    return {
        name: EventCounts(float(weights[name] / whole) * ratio, float(weights[name] / whole))
        for name, ratio in ratios.items()
    }
