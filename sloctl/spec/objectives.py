"""Objectives and their windows; several objectives of one indicator become an SLO each, as if written out."""

from collections.abc import Iterator

import msgspec
from msgspec import Struct, structs

from sloctl.model import CalendarWindow, Window
from sloctl.spec import fields, values
from sloctl.spec.findings import Findings
from sloctl.spec.yaml_nodes import Node, Plain, merge_nodes

_SEVERAL = "objectives"


class SingleObjective(Struct, frozen=True):
    """The fields of an SLO with one objective, and the node they were read from."""

    fields: fields.Objective
    node: Node


def expand_objectives(written: fields.Objective, node: Node) -> Iterator[SingleObjective]:
    """Return the SLOs of an entry: itself, or each of its objectives laid over what they share.

    An objective's name follows the entry's, behind a dash, whatever its percentage is or becomes.
    """
    if _SEVERAL not in node.entries:
        yield SingleObjective(written, node)
        return
    for variant in node.at(_SEVERAL).items:
        # A window of its own replaces the shared one whole: the time zone of another calendar is not its own.
        left_out = {_SEVERAL, *({"window"} & variant.entries.keys())}
        shared = _replace_entries(node, {key: it for key, it in node.entries.items() if key not in left_out})
        ending = variant.at("name")
        joined = f"{written.name}-{ending.text}"
        name = structs.replace(ending, value=joined, text=joined)
        whole = merge_nodes(shared, _replace_entries(variant, {**variant.entries, "name": name}))
        yield SingleObjective(msgspec.convert(whole.value, fields.Objective), whole)


def read_window(window: str | fields.CalendarFields, within: Node, findings: Findings) -> Window | None:
    """Read the window that stands in the mapping *within*; None after noting what is wrong with it."""
    if isinstance(window, str):
        return findings.accept_value(values.parse_window(window), within.at("window"))
    zone = findings.accept_value(values.parse_time_zone(window.time_zone), within.at("window", "timeZone"))
    return None if zone is None else CalendarWindow(window.calendar, zone)


def _replace_entries(node: Node, entries: dict[str, Node]) -> Node:
    value: Plain = {key: entry.value for key, entry in entries.items()}
    return structs.replace(node, value=value, entries=entries)
