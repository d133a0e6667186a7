"""The parts that a journey counts itself, each as an SLO with a place, for checks of what is counted."""

from collections.abc import Iterator

from msgspec import structs

from sloctl.model import CompositeIndicator
from sloctl.slo.lowering import part_slo
from sloctl.spec.reader import LocatedSlo


def own_parts(located: LocatedSlo) -> Iterator[LocatedSlo]:
    """Return the parts of a journey that are no SLOs of their own, at their indicators; else nothing."""
    journey = located.slo.indicator
    if not isinstance(journey, CompositeIndicator):
        return
    parts = located.node.at("indicator", "composite", journey.rule.value)
    for part in journey.parts:
        if part.slo is None:
            entries = {**located.node.entries, "indicator": parts.at(part.name, "indicator")}
            node = structs.replace(located.node, entries=entries)
            yield structs.replace(located, slo=part_slo(located.slo, part), node=node)
