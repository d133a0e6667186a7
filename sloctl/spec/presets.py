"""Presets: indicators with holes, shipped with sloctl or kept beside an organisation's specs.

Both have one format, `kind: Preset`. A hole is `$name`. Text fills the whole value of a matcher and is quoted
there, a duration or a number stands for itself: a parameter can never become PromQL.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct, UnsetType

from sloctl.duration import parse_bound
from sloctl.problems import ProblemLevel
from sloctl.promql import format_number, quote_string
from sloctl.spec import preset_fields as fields
from sloctl.spec import values
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import join_words, quote_value
from sloctl.spec.structure import convert_node
from sloctl.spec.yaml_nodes import Node, Plain, read_documents

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

KIND: Final = "Preset"
# A text parameter with the quotes of its matcher, or any other hole; $window is that of a query.
_HOLE: Final = re.compile(r"(?P<quoted>\"\$(?P<text>[a-zA-Z]\w*)\")|\$(?!window\b)(?P<bare>[a-zA-Z]\w*)")
# What stands in for parameters while a preset is checked by itself.
_SAMPLES: Final = {"text": "a", "duration": "1s", "number": "1"}


class PresetDefinition(Struct, frozen=True):
    """A preset that was read: what it takes, and its indicator with the holes."""

    name: str
    description: str
    source: str
    parameters: Mapping[str, fields.PresetParameter]
    indicator: Node
    example: fields.PresetExample | UnsetType

    @property
    def example_parameters(self) -> Mapping[str, str]:
        """The parameters of its example; nothing where it has none."""
        return {} if isinstance(self.example, UnsetType) else self.example.parameters

    @property
    def required_parameters(self) -> tuple[str, ...]:
        """The parameters that have no default."""
        return tuple(name for name, it in self.parameters.items() if isinstance(it.default, UnsetType))


class PresetCatalog(Struct, frozen=True):
    """The presets that specs may name: an organisation's own, and the shipped ones."""

    own: Mapping[str, PresetDefinition] = {}

    def find_preset(self, name: str) -> PresetDefinition | None:
        """Return the preset of that name."""
        if name in self.own:
            return self.own[name]
        return load_shipped_preset(name) if name in shipped_names() else None

    def list_names(self) -> tuple[str, ...]:
        """Return the names of all presets, in order."""
        return tuple(sorted({*self.own, *shipped_names()}))


@cache
def shipped_names() -> tuple[str, ...]:
    """Return the names of the shipped presets, in order."""
    return tuple(sorted(file.name.removesuffix(".yaml") for file in _shipped_folder().iterdir()))


def _shipped_folder() -> "Traversable":
    from importlib.resources import files  # noqa: PLC0415 - 5 ms that only a preset costs

    return files(__package__).joinpath("shipped_presets")


def read_shipped_text(name: str) -> str:
    """Return a shipped preset as it is written."""
    return _shipped_folder().joinpath(f"{name}.yaml").read_text(encoding="utf-8")


@cache
def load_shipped_preset(name: str) -> PresetDefinition:
    """Read one of the shipped presets; a mistake in it is a defect of ours."""
    findings = Findings()
    documents, problems = read_documents(f"{name}.yaml", read_shipped_text(name).encode())
    preset = read_preset(documents[0], findings) if documents else None
    if preset is None or problems or findings.problems or preset.name != name:
        raise AssertionError(f"the shipped preset {name}: {[*problems, *findings.problems]}")
    return preset


def is_preset(document: Node) -> bool:
    """Return whether *document* says that it is a preset, of whatever version."""
    return document.at("kind").text == KIND


def read_own_presets(documents: list[Node], findings: Findings) -> PresetCatalog:
    """Read an organisation's presets; those with errors are left out after a problem."""
    own: dict[str, PresetDefinition] = {}
    for document in documents:
        preset = read_preset(document, findings)
        if preset is None:
            continue
        if preset.name in own or preset.name in shipped_names():
            other = "stands here again" if preset.name in own else "is a preset that sloctl ships"
            message = f"{preset.name} {other}: give it another name"
            findings.add_violation(Violation("duplicate-preset", message), document.at("metadata", "name"))
            continue
        own[preset.name] = preset
    return PresetCatalog(own)


def read_preset(document: Node, findings: Findings) -> PresetDefinition | None:
    """Read one document of kind Preset; None after noting what is wrong with it."""
    from sloctl.spec.indicators import read_indicator_node  # noqa: PLC0415 - an indicator may name a preset

    errors = findings.error_count
    conforming, node = convert_node(document, fields.PresetDocument, findings)
    if conforming is None:
        return None
    spec, indicator = conforming.spec, node.at("spec", "indicator")
    preset = PresetDefinition(
        conforming.metadata.name, spec.description, spec.source, spec.parameters, indicator, spec.example
    )
    if "preset" in indicator.entries:
        nested = Violation("preset-hole", "a preset is made of selectors and queries, not of another preset")
        findings.add_violation(nested, indicator.at("preset"))
    used = set(_check_holes(preset, indicator, findings))
    for name in spec.parameters:
        if name not in used:
            unused = Violation("preset-hole", f"nothing in the indicator is ${name}: use it, or leave it out")
            findings.add_violation(unused, node.at("spec", "parameters").keys[name])
    if findings.error_count == errors:
        samples = {name: _SAMPLES[parameter.type] for name, parameter in spec.parameters.items()}
        read_indicator_node(_Filling(spec.parameters, samples).fill_node(indicator), findings)
    return preset if findings.error_count == errors else None


def expand_preset(
    preset: PresetDefinition, given: Mapping[str, str], usage: Node, findings: Findings
) -> Node | None:
    """Fill the holes of *preset* with what *usage* gives; None after noting what is wrong with that."""
    errors = findings.error_count
    takes = f"{preset.name} takes {join_words(preset.parameters, last='and') or 'no parameters'}"
    for name in given:
        if name not in preset.parameters:
            unknown = Violation("preset-parameter", f"unknown parameter {quote_value(name)}: {takes}")
            findings.add_violation(unknown, usage.at("with").keys[name])
    for name in preset.required_parameters:
        if name not in given:
            missing = Violation("preset-parameter", f"the parameter {name} is missing: {takes}")
            findings.add_violation(missing, usage.at("with"))
    for name in preset.parameters.keys() & given.keys():
        parsed = values.parse_parameter(given[name], of=name, kind=preset.parameters[name].type)
        findings.accept_value(parsed, usage.at("with", name))
    if findings.error_count != errors:
        return None
    defaults = {
        name: parameter.default
        for name, parameter in preset.parameters.items()
        if not isinstance(parameter.default, UnsetType)
    }
    filling = _Filling(preset.parameters, {**defaults, **given}, usage.at("with").entries, usage)
    return filling.fill_node(preset.indicator)


def _check_holes(preset: PresetDefinition, node: Node, findings: Findings) -> Iterator[str]:
    """Yield the parameters that stand in *node*, after noting the holes that none can fill."""
    for below in (*node.items, *node.entries.values()):
        yield from _check_holes(preset, below, findings)
    for hole in _HOLE.finditer(node.text):
        name = hole["text"] or hole["bare"]
        parameter = preset.parameters.get(name)
        if parameter is None:
            known = join_words([f"${each}" for each in preset.parameters]) or "none"
            wrong = f"there is no parameter {name}; its parameters are {known}"
        elif (parameter.type == "text") != (hole["text"] is not None):
            wrong = (
                f'${name} is text, and stands for the whole value of a matcher: write "${name}"'
                if parameter.type == "text"
                else f"${name} is a {parameter.type}, and stands without quotes"
            )
        else:
            wrong = ""
        if parameter is not None:
            yield name
        if wrong:
            findings.add_violation(Violation("preset-hole", wrong, ProblemLevel.ERROR), node)


class _Filling(Struct, frozen=True):
    """The values of a preset's parameters, and the places that what they fill is said to stand at.

    Without a *usage* everything stays where it is.
    """

    parameters: Mapping[str, fields.PresetParameter]
    given: Mapping[str, str]
    places: Mapping[str, Node] = {}
    usage: Node | None = None

    def fill_node(self, node: Node) -> Node:
        """Fill every hole below *node*; what is a hole whole stands at its parameter's place."""
        hole = _HOLE.fullmatch(node.text)
        place = (self.places.get(hole["text"] or hole["bare"]) if hole else None) or self.usage or node
        text = node.text if hole is None else self.given[hole["text"] or hole["bare"]]
        if hole is None:
            text = _HOLE.sub(self.fill_hole, node.text)
        entries = {key: self.fill_node(entry) for key, entry in node.entries.items()}
        items = tuple(map(self.fill_node, node.items))
        keys = {key: Node(place.path, place.line, place.column, key, key) for key in node.keys}
        if entries:
            value: Plain = {key: entry.value for key, entry in entries.items()}
        elif items:
            value = [item.value for item in items]
        else:
            value = text if isinstance(node.value, str) else node.value
        return Node(
            place.path,
            place.line,
            place.column,
            value,
            text,
            items,
            keys if self.usage else node.keys,
            entries,
        )

    def fill_hole(self, hole: re.Match[str]) -> str:
        name = hole["text"] or hole["bare"]
        match self.parameters[name].type:
            case "text":
                return quote_string(self.given[name])
            case "duration":
                return format_number(parse_bound(self.given[name]))
            case "number":
                return self.given[name]
