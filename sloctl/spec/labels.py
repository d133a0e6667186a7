"""Labels and annotations: names that Prometheus reads and that sloctl does not write itself."""

from collections.abc import Collection

from sloctl.spec import values
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import quote_value
from sloctl.spec.yaml_nodes import Node
from sloctl.templates import find_templates


def check_series_labels(
    node: Node, group_by: Collection[str], findings: Findings, *, allowed: frozenset[str] = frozenset()
) -> None:
    """Check the labels of every series and alert of an SLO; those *allowed* may be names of our own."""
    for name, key in node.keys.items():
        findings.accept_value(values.parse_free_label_name(name, allowed=allowed), key)
        findings.accept_value(values.parse_label_value(node.entries[name].text), node.entries[name])
        if name in group_by:
            message = f"{quote_value(name)} is in groupBy and has a value for each group: remove it here"
            findings.add_violation(Violation("label-collision", message), key)


def check_alert_labels(node: Node, group_by: Collection[str], findings: Findings) -> None:
    """Check the labels of an alert, which may say what its severity is called where it is routed."""
    check_series_labels(node, group_by, findings, allowed=frozenset({"severity"}))


def check_annotations(node: Node, findings: Findings) -> None:
    """Check the names of annotations: any that Prometheus reads."""
    for key in node.keys.values():
        findings.accept_value(values.parse_label_name(key.text, of="an annotation name"), key)


def check_templates(node: Node, known: Collection[str], findings: Findings) -> None:
    """Check the templates in each text of *node*; *known* are the labels that they may show."""
    for text in node.entries.values():
        for template in find_templates(text.text):
            findings.accept_value(values.parse_template(template, known), text)


def read_group_by(names: list[str], node: Node, findings: Findings) -> tuple[str, ...]:
    """Read the names of the labels that tell groups apart."""
    for index, name in enumerate(names):
        findings.accept_value(values.parse_free_label_name(name), node.at(index))
        if name in names[:index]:
            twice = Violation("group-by-twice", f"{quote_value(name)} stands here again: remove it")
            findings.add_violation(twice, node.at(index))
    return tuple(names)
