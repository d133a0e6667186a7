"""What Grafana would say about a dashboard: its own types, and where they are loose, the rest of its rules.

grafana.schema.json is made by grafana-schema/generate.mjs from the npm package @grafana/schema.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

from jsonschema import Draft7Validator

# JSON as it was written: looked into, never passed on.
Json: TypeAlias = dict[str, Any]

_SCHEMAS: Final[Json] = json.loads((Path(__file__).parent / "grafana.schema.json").read_text())
_DASHBOARD: Final = Draft7Validator(_SCHEMAS["dashboard"])
_PANELS: Final = {
    (panel, part): Draft7Validator(schema)
    for panel, parts in _SCHEMAS["panels"].items()
    for part, schema in parts.items()
}
_QUERY: Final = Draft7Validator(
    {
        "type": "object",
        "required": ["refId", "expr", "instant", "range", "format", "editorMode"],
        "additionalProperties": False,
        "properties": {
            "refId": {"type": "string", "pattern": "^[A-Z]+$"},
            "expr": {"type": "string", "minLength": 1},
            "instant": {"type": "boolean"},
            "range": {"type": "boolean"},
            "format": {"enum": ["table", "time_series"]},
            "legendFormat": {"type": "string"},
            "editorMode": {"const": "code"},
        },
    }
)


# Of an annotation, what only Prometheus's data source reads: Grafana's types leave it out.
_OF_PROMETHEUS: Final = ("expr", "step", "titleFormat", "textFormat", "tagKeys")
_ANNOTATION: Final = Draft7Validator(
    {
        "type": "object",
        "required": ["expr", "step", "titleFormat"],
        "additionalProperties": False,
        "properties": {name: {"type": "string"} for name in _OF_PROMETHEUS},
    }
)


def complaints(dashboard: Json) -> list[str]:
    """Everything wrong with a dashboard; empty for a good one."""
    return [*_schema_complaints(dashboard), *_panel_complaints(dashboard), *_grid_complaints(dashboard)]


def filled(expression: str) -> str:
    """A query with Grafana's variables of time replaced, as for a graph of points a minute apart."""
    return expression.replace("$__rate_interval", "5m").replace("$__interval", "1m")


def panels(dashboard: Json) -> list[Json]:
    """All panels but the row headings."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def panel(dashboard: Json, title: str) -> Json:
    """The one panel with this title."""
    (found,) = (panel for panel in panels(dashboard) if panel["title"] == title)
    return found


def _schema_complaints(dashboard: Json) -> Iterator[str]:
    marks = dashboard["annotations"]["list"]
    bare = [{name: value for name, value in it.items() if name not in _OF_PROMETHEUS} for it in marks]
    yield from _schema_errors(_DASHBOARD, {**dashboard, "annotations": {"list": bare}}, "dashboard")
    for mark in marks:
        own = {name: value for name, value in mark.items() if name in _OF_PROMETHEUS}
        yield from _schema_errors(_ANNOTATION, own, mark["name"])
    for each in panels(dashboard):
        kind, title = each["type"], each["title"]
        if (kind, "options") not in _PANELS:
            yield f"{title}: no panel of sloctl is a {kind}"
            continue
        yield from _schema_errors(_PANELS[kind, "options"], each["options"], f"{title}: options")
        fields = each.get("fieldConfig", {"defaults": {}, "overrides": []})
        if "custom" in fields["defaults"]:
            yield from _schema_errors(
                _PANELS[kind, "custom"], fields["defaults"]["custom"], f"{title}: custom"
            )
        for override in fields["overrides"]:
            for option in override["properties"]:
                yield from _option_complaints(kind, title, option)


def _option_complaints(kind: str, title: str, option: Json) -> Iterator[str]:
    """An override's options are free in the schema: each must be an option of the field or of its panel."""
    place, _, name = option["id"].rpartition(".")
    schema = _SCHEMAS["panels"][kind]["custom"] if place == "custom" else _SCHEMAS["dashboard"]
    definitions = schema["definitions"]
    known = definitions["FieldConfig"]["properties"]
    if name not in known:
        yield f"{title}: {option['id']} is no option of a field"
        return
    subschema = {**known[name], "definitions": definitions}
    yield from _schema_errors(Draft7Validator(subschema), option["value"], f"{title}: {option['id']}")


def _panel_complaints(dashboard: Json) -> Iterator[str]:
    for each in panels(dashboard):
        targets = each.get("targets", [])
        for target in targets:
            yield from _schema_errors(_QUERY, target, f"{each['title']}: query")
        if targets and each["fieldConfig"]["defaults"].get("noValue") != "no data":
            yield f"{each['title']}: absent is not called no data"
        if each["type"] != "text" and each.get("datasource", {}).get("uid") != "${datasource}":
            yield f"{each['title']}: the data source is baked in"
        if each["type"] == "stat" and not all(target["instant"] for target in targets):
            yield f"{each['title']}: a stat shows an old value as if it were the present one"


def _grid_complaints(dashboard: Json) -> Iterator[str]:
    taken: dict[tuple[int, int], str] = {}
    ids: set[int] = set()
    for each in dashboard["panels"]:
        grid, title = each["gridPos"], each["title"]
        if each["id"] in ids or not 0 < each["id"] < 2**31:
            yield f"{title}: panel id {each['id']} is taken or no id"
        ids.add(each["id"])
        if grid["x"] + grid["w"] > 24:
            yield f"{title}: wider than the grid"
        for x in range(grid["x"], grid["x"] + grid["w"]):
            for y in range(grid["y"], grid["y"] + grid["h"]):
                if (x, y) in taken:
                    yield f"{title}: overlaps {taken[x, y]} at {x}, {y}"
                    return
                taken[x, y] = title


def _schema_errors(validator: Draft7Validator, value: object, where: str) -> Iterator[str]:
    for error in validator.iter_errors(value):
        yield f"{where}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
