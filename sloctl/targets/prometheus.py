"""Rule groups → a Prometheus rule file, written without a YAML library: fast, and always the same bytes.

In a rule file, labels and annotations that come again are written once, under an anchor (`&name`), and
referred to (`*name`) from then on. An anchor of labels is called after its SLO and one of text after what it
says, so that it keeps its name whatever happens to other SLOs. Nothing is wider than a review can show, as
long as its words are not.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

from sloctl.duration import format_duration
from sloctl.naming import ALERT_NAMES
from sloctl.promql import wrap_lines
from sloctl.rules.rule import AlertRule, RecordingRule, Rule, RuleGroup

HEADER: Final = "# Compiled by sloctl: edit the spec and compile again, not this file.\n"

# Characters of an expression or a text on one line.
_WIDTH: Final = 160
# Labels that are longer stand one a line.
_LABELS_WIDTH: Final = 300
# An alias for less would hardly be shorter than what it stands for.
_SHARED_FROM: Final = 40
# Prometheus takes a YAML file of over 400,000 nodes for a bomb, unless few of them come by aliases. Those
# of labels are most, and save little; those of text save much.
_SHARED_LABELS_NODES: Final = 300_000
_Pairs: TypeAlias = frozenset[tuple[str, str]]

_FIELD_INDENT: Final = "\n      "
_TEXT_INDENT: Final = "\n        "
_NOT_IN_ANCHORS: Final = re.compile("[^A-Za-z0-9_-]")
# As much of a line as fits and ends at a single space, or else up to the first such space.
_FOLD: Final = re.compile(rf"(.{{,{_WIDTH - 1}}}\S|.+?\S) (?=\S)")
# The backslash first; a chain of replacements is several times as fast as str.translate.
_SHORT_ESCAPES: Final = (("\\", r"\\"), ('"', r"\""), ("\n", r"\n"), ("\t", r"\t"))


def render_rules(groups: Iterable[RuleGroup]) -> str:
    """Write the whole text of a rule file, every rule complete by itself."""
    return _RuleFileText(shared_from=sys.maxsize).render(groups)


def render_rule_file(groups: Iterable[RuleGroup]) -> str:
    """Write the whole text of a rule file, with what comes again written once."""
    return _RuleFileText(shared_from=_SHARED_FROM).render(groups)


@lru_cache(maxsize=4096)  # the same few label values of an SLO in each of its thirty rules
def quote_yaml(text: str) -> str:
    """Write *text* as a double-quoted YAML scalar.

    Invisible and direction-changing characters are escaped, so that a reviewer sees what is there.
    """
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    escaped = text
    for char, short in _SHORT_ESCAPES:
        escaped = escaped.replace(char, short)
    if not escaped.isprintable():
        escaped = "".join(char if char.isprintable() else _escape_char(char) for char in escaped)
    return f'"{escaped}"'


class _RuleFileText:
    """The text of a rule file as it grows; values of *shared_from* characters and more are written once."""

    def __init__(self, *, shared_from: int) -> None:
        self._shared_from = shared_from
        # As the parser counts them, with what each alias stands for.
        self._nodes = 0
        self._parts = [HEADER, "groups:\n"]
        # Where in the parts a value stands that may come again, and the anchors of those that did.
        self._first: dict[str, int] = {}
        self._anchors: dict[str, str] = {}
        self._anchor_names: set[str] = set()
        # Of the SLO that is being written: its labels as they were written, and those that came again.
        self._slo = self._slo_anchor = ""
        self._written_labels: dict[_Pairs, str] = {}
        self._shared_labels: dict[_Pairs, None] = {}

    def render(self, groups: Iterable[RuleGroup]) -> str:
        for group in groups:
            interval = format_duration(group.interval)
            settings = "".join(f"  {line}\n" for line in group.settings)
            self._parts.append(
                f"- name: {quote_yaml(group.name)}\n  interval: {interval}\n{settings}  rules:\n"
            )
            # `payments-api/availability` of `slo:payments-api/availability:fast`
            slo = group.name.rpartition(":")[0]
            if slo != self._slo:
                self._slo, self._written_labels, self._shared_labels = slo, {}, {}
                self._slo_anchor = _NOT_IN_ANCHORS.sub("_", slo.rpartition("/")[2])
            for rule in group.rules:
                self._add_rule(rule)
        return "".join(self._parts)

    def _add_rule(self, rule: Rule) -> None:
        self._nodes += 8 + 2 * len(rule.labels)
        match rule:
            case RecordingRule():
                self._parts.append(f"  - record: {rule.record}\n    expr: {_write_expression(rule.expr)}\n")
                self._add_labels(rule.labels)
            case AlertRule():
                # A spec's own name may be one that YAML takes for something else: `no`, `Shop: burns`.
                name = rule.alert if rule.alert in ALERT_NAMES.values() else quote_yaml(rule.alert)
                pending = f"    for: {format_duration(rule.pending)}\n" if rule.pending else ""
                self._parts.append(f"  - alert: {name}\n    expr: {_write_expression(rule.expr)}\n{pending}")
                self._add_labels(rule.labels)
                self._add_annotations(rule.annotations)

    def _add_labels(self, labels: Mapping[str, str]) -> None:
        """Add labels, by those of another rule of the SLO as far as they are the same."""
        if not labels:
            return
        self._parts.append("    labels:")
        pairs = frozenset(labels.items())
        if self._nodes > _SHARED_LABELS_NODES:
            self._parts.append(_write_labels(sorted(pairs), ""))
        elif pairs in self._written_labels:
            self._shared_labels[pairs] = None
            self._parts.append(f" *{self._anchor(self._written_labels[pairs], self._slo_anchor)}")
        else:
            base = max((each for each in self._shared_labels if each <= pairs), key=len, default=frozenset())
            merged = self._anchor(self._written_labels[base], self._slo_anchor) if base else ""
            value = _write_labels(sorted(pairs - base), merged)
            if len(value) >= self._shared_from or merged:
                self._written_labels[pairs] = value
            self._add_new(value)
        self._parts.append("\n")

    def _add_annotations(self, annotations: Mapping[str, str]) -> None:
        if annotations:
            self._parts.append("    annotations:\n")
        for name in sorted(annotations):
            self._parts.append(f"      {name}:")
            self._add_value(_write_text(annotations[name]), name)
            self._parts.append("\n")

    def _add_value(self, value: str, name: str) -> None:
        """Add a value, or the alias of one that was there before; its anchor is called after *name*."""
        if len(value) >= self._shared_from and value in self._first:
            self._parts.append(f" *{self._anchor(value, name)}")
        else:
            self._add_new(value)

    def _add_new(self, value: str) -> None:
        self._first[value] = len(self._parts)
        self._parts.append(value)

    def _anchor(self, value: str, name: str) -> str:
        """Return the anchor of a value that was written; it gets one when it is first asked for."""
        if value not in self._anchors:
            number = 1
            while f"{name}_{number}" in self._anchor_names:
                number += 1
            anchor = f"{name}_{number}"
            self._anchor_names.add(anchor)
            self._anchors[value] = anchor
            self._parts[self._first[value]] = f" &{anchor}{value}"
        return self._anchors[value]


def _write_labels(labels: Iterable[tuple[str, str]], merged: str) -> str:
    """Write labels on one line where they fit; *merged* is the anchor of more of them, or empty."""
    pairs = [f"{label}: {quote_yaml(value)}" for label, value in labels]
    pairs = [f"<<: *{merged}", *pairs] if merged else pairs
    flow = f" {{{', '.join(pairs)}}}"
    return flow if len(flow) <= _LABELS_WIDTH else "".join(f"{_FIELD_INDENT}{pair}" for pair in pairs)


def _write_expression(expression: str) -> str:
    """Write PromQL on one line where it fits, else line by line as it was built."""
    if len(expression) <= _WIDTH and expression.isprintable():
        if "'" in expression:
            expression = expression.replace("'", "''")
        return f"'{expression}'"
    if not _fits_a_block(expression):
        return quote_yaml(expression)
    return f"|-{_FIELD_INDENT}" + wrap_lines(expression, _WIDTH).replace("\n", _FIELD_INDENT)


@lru_cache(maxsize=1024)  # the texts of the same alerts of many SLOs
def _write_text(text: str) -> str:
    """Write text for people; what is long is folded, so that whoever reads the YAML gets it as it was."""
    is_short = len(text) <= _WIDTH and "\n" not in text
    if is_short or not _fits_a_block(text) or "\n " in text or " \n" in text:
        return f" {quote_yaml(text)}"
    # Of the ends of a line that stand together, folding takes one away.
    return " >-" + "\n".join(
        "".join(f"{_TEXT_INDENT}{part}" for part in _fold(line)) if line else "" for line in text.split("\n")
    )


def _fold(line: str) -> tuple[str, ...]:
    """Break a line at single spaces, which folding puts back."""
    parts = []
    while len(line) > _WIDTH and (part := _FOLD.match(line)):
        parts.append(part[1])
        line = line[part.end() :]
    return (*parts, line)


def _fits_a_block(text: str) -> bool:
    """Tell whether a block scalar gives *text* back as it is."""
    return text.replace("\n", "").isprintable() and text[:1] != " " and not text[-1:].isspace() and text != ""


def _escape_char(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
