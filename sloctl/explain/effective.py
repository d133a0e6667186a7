"""Where each value of an SLO was written: at the SLO, in its document, or in `.sloctl.yaml`."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

from sloctl.duration import format_duration
from sloctl.model import Slo
from sloctl.naming import window_name
from sloctl.problems import Place, escape_unprintable
from sloctl.slo.lowering import event_seconds
from sloctl.spec.reader import LocatedSlo
from sloctl.spec.yaml_nodes import Node, mapping_in, merge_nodes
from sloctl.table import format_table

OWN_DEFAULT: Final = "sloctl's default"
_HEADINGS: Final = ("key", "from", "value")
_OF_EVENTS: Final = ("alerting.minErrors", "alerting.confidence")


class EffectiveValue(Struct, frozen=True):
    """A value that holds for an SLO, by its key in a spec; nobody wrote what has no *place*."""

    key: str
    value: str
    place: Place | None


class EffectiveSlo(Struct, frozen=True):
    """All values of an SLO, those that the spec leaves to sloctl too."""

    slo_id: str
    values: tuple[EffectiveValue, ...]


def find_effective_values(located: LocatedSlo) -> EffectiveSlo:
    """List what holds for an SLO, in the order of a spec."""
    slo, node = located.slo, located.effective
    metadata, spec = mapping_in(located.document, "metadata"), mapping_in(located.document, "spec")
    merged = {
        "objective": node.entries.get("objective"),
        "window": node.entries.get("window"),
        "groupBy": node.entries.get("groupBy"),
        "scrapeInterval": spec.entries.get("scrapeInterval"),
        "indicator": node.entries.get("indicator"),
        "labels": merge_nodes(mapping_in(metadata, "labels"), mapping_in(node, "labels")),
        "annotations": merge_nodes(mapping_in(metadata, "annotations"), mapping_in(node, "annotations")),
        "alerting": merge_nodes(mapping_in(spec, "alerting"), mapping_in(node, "alerting")),
    }
    counts_events = event_seconds(slo) is None
    found: list[EffectiveValue] = []
    for name, written in merged.items():
        leaves = [] if written is None else list(_list_leaves(name, written))
        # Where minutes are counted, defaults about numbers of events pass over an SLO.
        leaves = [leaf for leaf in leaves if counts_events or leaf.key not in _OF_EVENTS]
        given = {leaf.key.partition("[")[0] for leaf in leaves}
        found += leaves
        found += [
            EffectiveValue(key, value, None)
            for key, value in _own_defaults(slo, counts_events=counts_events).items()
            if key.partition(".")[0] == name
            and not any(it == key or it.startswith(f"{key}.") for it in given)
        ]
    return EffectiveSlo(slo.id, tuple(found))


def render_effective_text(slos: Iterable[EffectiveSlo]) -> str:
    """Render a table for each SLO; text of the user's is escaped, never obeyed by a terminal."""
    tables = []
    for slo in slos:
        rows = [
            tuple(map(escape_unprintable, (each.key, _describe_origin(each), each.value)))
            for each in slo.values
        ]
        tables.append(f"{slo.slo_id}\n{format_table([_HEADINGS, *rows], margin='  ')}\n")
    return "\n".join(tables)


def render_effective_json(slos: Iterable[EffectiveSlo]) -> str:
    """Render a list with one document for each SLO; a file of null is sloctl's own default."""
    documents = [
        {
            "id": slo.slo_id,
            "values": [
                {
                    "key": each.key,
                    "value": each.value,
                    "file": each.place.path if each.place else None,
                    "line": each.place.line if each.place else None,
                    "column": each.place.column if each.place else None,
                }
                for each in slo.values
            ],
        }
        for slo in slos
    ]
    return msgspec.json.format(msgspec.json.encode(documents), indent=2).decode() + "\n"


def _own_defaults(slo: Slo, *, counts_events: bool) -> dict[str, str]:
    """Map the keys that a spec need not have to what they are without it."""
    alerting = slo.alerting
    values = {
        "window": window_name(slo.window),
        "groupBy": "none",
        "scrapeInterval": format_duration(slo.scrape_interval),
    }
    if alerting.page is not None or alerting.ticket is not None:
        values["alerting.policy"] = "the SRE workbook's"
        values |= {"alerting.minErrors": str(alerting.min_errors)} if counts_events else {}
    if alerting.exhausting is not None:
        values["alerting.exhausting.within"] = format_duration(alerting.exhausting_within)
    if alerting.no_data is not None:
        values["alerting.noData.after"] = format_duration(alerting.no_data_after)
        values["alerting.noData.severity"] = alerting.no_data_severity.value
    return values


def _list_leaves(key: str, node: Node) -> Iterator[EffectiveValue]:
    """List the texts in *node* under the keys that lead to them; a list's items are numbered from 0."""
    if node.entries:
        for name, entry in node.entries.items():
            yield from _list_leaves(f"{key}.{name}", entry)
    elif any(item.entries for item in node.items):
        for number, item in enumerate(node.items):
            yield EffectiveValue(f"{key}[{number}]", _write_flow(item), item.place)
    elif not isinstance(node.value, dict):
        yield EffectiveValue(key, _write_flow(node), node.place)


def _is_below(key: str, above: str) -> bool:
    return key == above or key.startswith(f"{above}.")


def _write_flow(node: Node) -> str:
    """Write a value on one line, as YAML's flow style has it."""
    if isinstance(node.value, dict):
        return "{" + ", ".join(f"{key}: {_write_flow(entry)}" for key, entry in node.entries.items()) + "}"
    if isinstance(node.value, list):
        return "[" + ", ".join(map(_write_flow, node.items)) + "]"
    return node.text


def _describe_origin(value: EffectiveValue) -> str:
    return OWN_DEFAULT if value.place is None else f"{value.place.path}:{value.place.line}"
