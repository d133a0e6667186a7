"""Translate OpenTelemetry's names into those that Prometheus's own OTLP receiver gives by default."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

_UNITS: Final = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "TiBy": "tibibytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "TBy": "terabytes",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
    "1": "",
    "%": "percent",
}
_PER_UNITS: Final = {
    "s": "second",
    "m": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
    "mo": "month",
    "y": "year",
}
_INVALID_IN_METRIC: Final = re.compile(r"[^a-zA-Z0-9:]+")
_INVALID_IN_LABEL: Final = re.compile(r"[^a-zA-Z0-9_]")


class NameSuffix(Enum):
    """The ending of a name besides its unit."""

    TOTAL = auto()
    RATIO = auto()
    NONE = auto()


def metric_name(name: str, unit: str, suffix: NameSuffix) -> str:
    """Translate `http.server.duration` in `s` to `http_server_duration_seconds`; raise ValueError."""
    words = [word for word in _INVALID_IN_METRIC.split(name) if word]
    main, _, per = unit.partition("/")
    main, per = _join_words(_unit_name(main, _UNITS)), _join_words(_unit_name(per, _PER_UNITS))
    if main and main not in words:
        words.append(main)
    if per:
        words.append(f"per_{per}")
    if suffix is NameSuffix.TOTAL:
        words = [word for word in words if word != "total"] + ["total"]
    if suffix is NameSuffix.RATIO and unit == "1":
        words = [word for word in words if word != "ratio"] + ["ratio"]
    translated = "_".join(words)
    if not translated:
        raise ValueError(f"no metric name can be made of {name!r}")
    return f"_{translated}" if translated[0].isdigit() else translated


@lru_cache(maxsize=4096)  # the same few names in every point
def label_name(name: str) -> str:
    """Translate `http.route` to `http_route`; raise ValueError where nothing is left."""
    translated = _INVALID_IN_LABEL.sub("_", name)
    if translated[:1].isdigit():
        return f"key_{translated}"
    if translated.startswith("_") and not translated.startswith("__"):
        return f"key{translated}"
    if not translated.strip("_"):
        raise ValueError(f"no label name can be made of {name!r}")
    return translated


def point_labels(attributes: Iterable[KeyValue], target: Mapping[str, str]) -> dict[str, str]:
    """Build the labels of a data point at a *target*, whose job and instance win; raise ValueError."""
    labels: dict[str, str] = {}
    for key, value in sorted((each.key, attribute_text(each.value)) for each in attributes):
        if key != "__name__" and value:
            name = label_name(key)
            # Two attributes that become one label are joined, as Prometheus does.
            labels[name] = f"{labels[name]};{value}" if name in labels else value
    for name, value in target.items():
        if name in {"job", "instance"} or name not in labels:
            labels[name] = value
    return labels


def target_labels(attributes: Iterable[KeyValue], promoted: Iterable[str]) -> dict[str, str]:
    """Build the labels of all points of a resource: job, instance and the *promoted* attributes."""
    values = {each.key: attribute_text(each.value) for each in attributes}
    labels = {label_name(key): values[key] for key in promoted if values.get(key)}
    if "service.name" in values:
        space = f"{values['service.namespace']}/" if "service.namespace" in values else ""
        labels["job"] = f"{space}{values['service.name']}"
    if "service.instance.id" in values:
        labels["instance"] = values["service.instance.id"]
    return {name: value for name, value in labels.items() if value}


def le_value(upper: float) -> str:
    """Write the `le` of a bucket, never with an exponent."""
    exact = format(Decimal(repr(upper)), "f")
    return exact.removesuffix(".0")


def attribute_text(value: AnyValue) -> str:
    """Write an attribute's value as a label's: as JSON where it is no string."""
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case None:
            return ""
        case _:
            return json.dumps(_json_value(value), separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _json_value(value: AnyValue) -> object:
    match value.WhichOneof("value"):
        case "bool_value":
            return value.bool_value
        case "int_value":
            return value.int_value
        case "double_value":
            number = value.double_value
            return int(number) if number.is_integer() and abs(number) < 1e21 else number
        case "array_value":
            return [_json_value(each) for each in value.array_value.values]
        case "kvlist_value":
            return {each.key: _json_value(each.value) for each in value.kvlist_value.values}
        case None:
            return None
        case _:
            return attribute_text(value)


def _unit_name(text: str, known: Mapping[str, str]) -> str:
    """Return the unit's word; annotations such as {request} are no unit."""
    stripped = text.strip()
    return "" if "{" in stripped or "}" in stripped else known.get(stripped, stripped)


def _join_words(text: str) -> str:
    return "_".join(word for word in _INVALID_IN_METRIC.split(text) if word)
