"""Labels and annotations: names that Prometheus reads and that sloctl does not write itself."""

from collections.abc import Collection
from typing import Final

from sloctl.spec import values
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import quote_value
from sloctl.spec.yaml_nodes import Node

# An alert may say what its severity is called where it is routed.
_SEVERITY: Final = frozenset({"severity"})


def check_series_labels(node: Node, findings: Findings) -> None:
    """Labels of every series and alert of an SLO."""
    _check_labels(node, frozenset(), findings)


def check_alert_labels(node: Node, findings: Findings) -> None:
    """Labels of an alert."""
    _check_labels(node, _SEVERITY, findings)


def check_annotations(node: Node, findings: Findings) -> None:
    """Annotations may have any name that Prometheus reads."""
    for key in node.keys.values():
        findings.accept_value(values.parse_label_name(key.text, of="an annotation name"), key)


def read_group_by(names: list[str], node: Node, findings: Findings) -> tuple[str, ...]:
    """The labels that tell groups apart."""
    for index, name in enumerate(names):
        findings.accept_value(values.parse_free_label_name(name, allowed=frozenset()), node.at(index))
        if name in names[:index]:
            findings.accept_value(
                Violation("group-by-twice", f"{quote_value(name)} stands here again: remove it"),
                node.at(index),
            )
    return tuple(names)


def check_not_grouped(node: Node, names: Collection[str], findings: Findings) -> None:
    """A label cannot have one value everywhere and tell groups apart."""
    for name in node.keys.keys() & set(names):
        message = f"{quote_value(name)} is in groupBy and has a value for each group: remove it here"
        findings.add_violation(Violation("label-collision", message), node.keys[name])


def _check_labels(node: Node, allowed: frozenset[str], findings: Findings) -> None:
    for name, key in node.keys.items():
        findings.accept_value(values.parse_free_label_name(name, allowed=allowed), key)
        findings.accept_value(values.parse_label_value(node.entries[name].text), node.entries[name])
