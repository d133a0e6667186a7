"""What a reader of a dialect returns, and the builders of the nodes in it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import TypeAlias

from msgspec import Struct

from sloctl.duration import DAY
from sloctl.model import PromQL
from sloctl.naming import NATIVE_STYLE, LabelStyle
from sloctl.problems import Place, Problem, ProblemLevel
from sloctl.spec.findings import Findings
from sloctl.spec.yaml_nodes import Node, Plain


class ReadingOptions(Struct, frozen=True):
    """What a command line says about how specs are read.

    *style* decides which names are allowed. *sloth_period* is the window of Sloth's SLOs in seconds, which
    their files do not have. *lenient* reads what contradicts a standard but can only mean one thing. *today*,
    as in `2027-01-01`, ends comments that hold until a day; empty where nobody knows it.
    """

    style: LabelStyle = NATIVE_STYLE
    sloth_period: int = 30 * DAY
    lenient: bool = False
    today: str = ""


class NoteEffect(Enum):
    """What became of a part of a foreign spec."""

    CHANGED = "changed"
    LEFT_OUT = "left out"


class TranslationNote(Struct, frozen=True):
    """What was understood differently; *slo* is `service/name`, empty for a whole document."""

    slo: str
    effect: NoteEffect
    problem: Problem


class OriginalRatio(Struct, frozen=True):
    """The error ratio of an SLO, `service/name`, as its own tool evaluates it, with `$window` as the range.

    The ratio of the whole period is the mean of those of five minutes where *period_is_mean*.
    """

    slo: str
    ratio: PromQL
    period_is_mean: bool


class RefusedSlo(Struct, frozen=True):
    """An SLO that could not be translated, as `service/name`, at its place; the findings say why."""

    slo: str
    place: Place


class Translation(Struct, frozen=True):
    """Documents in sloctl's own format, with the places of the foreign files, and notes on them."""

    documents: tuple[Node, ...]
    notes: tuple[TranslationNote, ...] = ()
    refused: tuple[RefusedSlo, ...] = ()
    originals: tuple[OriginalRatio, ...] = ()


# Reads all documents of a dialect, of all files; what is wrong with them goes to the findings.
DialectReader: TypeAlias = Callable[[Sequence[Node], ReadingOptions, Findings], Translation]


def translation_note(
    slo: str,
    node: Node,
    *,
    effect: NoteEffect,
    code: str,
    message: str,
    level: ProblemLevel = ProblemLevel.WARNING,
) -> TranslationNote:
    """Make a note at the place of *node*; *code* is an anchor in docs/problems.md."""
    return TranslationNote(slo, effect, Problem(node.place, code, message, level))


def text_at(place: Node, text: str) -> Node:
    """Make a text that stands at the place of a foreign node."""
    return Node(place.path, place.line, place.column, text, text)


def number_at(place: Node, value: bool | int | float) -> Node:  # noqa: FBT001 - a scalar of YAML
    """Make a number, or true or false, that stands at the place of a foreign node."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return Node(place.path, place.line, place.column, value, text)


def list_at(place: Node, items: Iterable[Node]) -> Node:
    """Make a list that begins at the place of a foreign node."""
    kept = tuple(items)
    return Node(place.path, place.line, place.column, [item.value for item in kept], items=kept)


def mapping_at(
    place: Node, entries: Mapping[str, Node | None], *, keys: Mapping[str, Node] | None = None
) -> Node:
    """Make a mapping at the place of a foreign node, without the entries that are None.

    A key stands where *keys* has it, else where its entry stands.
    """
    kept = {key: entry for key, entry in entries.items() if entry is not None}
    places = {key: (keys or {}).get(key, entry) for key, entry in kept.items()}
    named = {key: Node(at.path, at.line, at.column, key, key) for key, at in places.items()}
    value = {key: entry.value for key, entry in kept.items()}
    return Node(place.path, place.line, place.column, value, keys=named, entries=kept)


def texts_at(node: Node) -> Node:
    """Take the scalars of a mapping as the texts they are written as; labels are text to every tool."""
    texts = {key: text_at(entry, entry.text) for key, entry in node.entries.items()}
    return mapping_at(node, texts, keys=node.keys)


def without_nulls(node: Node) -> Node:
    """Leave out the entries of mappings without a value, which to Go are not there."""
    if node.items:
        if not _has_null(node.value):
            return node
        return list_at(node, [without_nulls(item) for item in node.items])
    if not node.entries or not _has_null(node.value):
        return node
    kept = {key: without_nulls(entry) for key, entry in node.entries.items() if entry.value is not None}
    return mapping_at(node, kept, keys=node.keys)


def expand_merge_keys(node: Node) -> Node:
    """Lay the entries of a mapping over those of its `<<`, a mapping or a list of them, at every depth."""
    if node.items:
        return list_at(node, [expand_merge_keys(item) for item in node.items])
    entries = {key: expand_merge_keys(entry) for key, entry in node.entries.items()}
    merged = entries.pop("<<", None)
    if all(entries[key] is node.entries[key] for key in entries) and merged is None:
        return node
    defaults = {
        key: entry
        for part in reversed(merged.items or (merged,) if merged is not None else ())
        for key, entry in part.entries.items()
    }
    return mapping_at(node, {**defaults, **entries}, keys=node.keys)


def _has_null(plain: Plain) -> bool:
    """Tell whether a value holds nothing somewhere; much quicker than to rebuild its nodes."""
    match plain:
        case dict():
            return any(map(_has_null, plain.values()))
        case list():
            return any(map(_has_null, plain))
        case _:
            return plain is None
