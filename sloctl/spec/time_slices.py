"""Slices of time in a spec: an indicator of a slice → what is counted in it, and how a slice is judged."""

from typing import NamedTuple

from msgspec import structs

from sloctl.duration import parse_duration
from sloctl.model import TimeSlice
from sloctl.spec import fields, indicator_fields, values
from sloctl.spec.findings import Findings
from sloctl.spec.yaml_nodes import Node


class SlicedObjective(NamedTuple):
    """An objective whose indicator is what is counted, its node alike, and how slices are judged by that.

    *time_slice* is None where there are none, or where they could not be read.
    """

    spec: fields.Objective
    node: Node
    time_slice: TimeSlice | None


def split_time_slice(spec: fields.Objective, node: Node, findings: Findings) -> SlicedObjective:
    """Take the slices off an objective; mistakes in them go to *findings*."""
    written = spec.indicator.time_slice
    if not isinstance(written, indicator_fields.TimeSliceFields):
        return SlicedObjective(spec, node, None)
    slices = node.at("indicator", "timeSlice")
    good = findings.accept_value(values.parse_slice_share(written.good), slices.at("good"))
    counted = structs.replace(
        node,
        entries={**node.entries, "indicator": slices.at("of")},
        value={**node.value, "indicator": slices.at("of").value} if isinstance(node.value, dict) else None,
    )
    seconds = int(parse_duration(written.slice))
    time_slice = None if good is None else TimeSlice(good, seconds, written.when_empty)
    of = indicator_fields.Indicator(**structs.asdict(written.of))
    return SlicedObjective(structs.replace(spec, indicator=of), counted, time_slice)
