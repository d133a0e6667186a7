"""What of the chart is made of something else: README.md of its values, half of the schema of our types.

Run as `make chart`, which also writes what the tests expect of each set of values, for review; a test
compares what it would write with what stands there.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import yaml

from sloctl.sidecar.config.fields import Configuration
from tests.helm.chart import CHART, GOLDEN, NAMES, golden

_WRITTEN_BY_THE_CHART: Final = ("apiVersion", "kind", "store", "web")
_ONLY_OF_THE_CHART: Final = ("Store", "Web", "ServerTls")
_EMPTY_BY_DEFAULT: Final = ("history", "notify")
_URL: Final = {"pattern": "^https?://[^/]"}
_KEY: Final = re.compile(r"^( *)([A-Za-z]+):")
_HEAD: Final = """\
# sloctl

Runs `sloctl sidecar` in Kubernetes: as a workload of its own that watches many services, or as a container in
your own pods. With examples: [docs/kubernetes.md](../../docs/kubernetes.md).

This file is made of the comments in `values.yaml`: `make chart`.

| key | | default |
|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Described:
    """A key of values.yaml, dotted, and the comment above it."""

    key: str
    description: str
    default: object

    def row(self) -> str:
        shown = "" if self.default in ("", {}, []) else f"`{json.dumps(self.default)}`"
        return f"| `{self.key}` | {self.description.replace('|', chr(92) + '|')} | {shown} |\n"


def readme() -> str:
    text = (CHART / "values.yaml").read_text()
    return _HEAD + "".join(each.row() for each in described(text))


def described(text: str) -> Iterator[Described]:
    """Every key that a comment beginning with `# --` stands above, in order."""
    values, path, comment = yaml.safe_load(text), list[str](), list[str]()
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            comment.append(line.strip(" #"))
        elif key := _KEY.match(line):
            path = [*path[: len(key[1]) // 2], key[2]]
            if comment and comment[0].startswith("-- "):
                yield Described(".".join(path), " ".join(comment)[3:], _at(values, path))
            comment = []
        else:
            comment = []


def schema() -> str:
    """The chart's schema, with what a configuration may hold as its types say now."""
    written: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
    definitions: dict[str, Any] = msgspec.json.schema(Configuration)["$defs"]
    for url in (definitions["Target"], definitions["Prometheus"]):
        url["properties"]["url"] |= _URL
    definitions["Notify"]["properties"]["urls"]["items"] |= _URL
    definitions["Notify"]["properties"]["externalUrl"] |= _URL
    # That there is none is told by a template, which can say what to write.
    definitions["Source"] |= {"maxProperties": 1}
    configuration = definitions.pop("Configuration")
    known = configuration["properties"]
    known["interval"] |= {"pattern": "^([1-9]|[1-5][0-9]|60)s$|^1m$"}
    written["properties"]["configuration"] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            key: _or_nothing(known[key]) if key in _EMPTY_BY_DEFAULT else known[key]
            for key in known
            if key not in _WRITTEN_BY_THE_CHART
        },
    }
    used = {name: kept for name, kept in definitions.items() if name not in _ONLY_OF_THE_CHART}
    return json.dumps(written | {"$defs": used}, indent=2) + "\n"


def _or_nothing(known: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"maxProperties": 0}, "else": {"$ref": known["$ref"]}}


def _at(values: object, path: list[str]) -> object:
    for key in path:
        assert isinstance(values, dict)
        values = values[key]
    return values


if __name__ == "__main__":
    (CHART / "README.md").write_text(readme())
    (CHART / "values.schema.json").write_text(schema())
    for name in NAMES:
        (GOLDEN / f"{name}.yaml").write_text(golden(name))
