"""Go templates in Sloth's specs: the window of a query, and the labels in the text of an alert."""

import re
from collections.abc import Mapping
from typing import Final

from sloctl.spec.findings import Violation
from sloctl.spec.messages import quote_value
from sloctl.spec.yaml_nodes import UNRENDERED_TEMPLATE
from sloctl.templates import find_templates, label_of_template

_WINDOW: Final = re.compile(r"\{\{-?\s*\.window\s*-?\}\}")
_AS_A_RANGE: Final = re.compile(r"\[\s*\$window\s*(?:\]|:)")
_LABEL: Final = re.compile(r"\{\{-?\s*\$labels\.(\w+)\s*-?\}\}")
# What Helm, Jinja, Go, jsonnet or envsubst leaves in a file that nobody has rendered.
UNRENDERED: Final = re.compile(
    r"\{\{-?\s*(?:\.(?!window\b)|if\b|end\b|range\b|include\b|with\b|template\b|`|\")|\{%"
    r"|%\(\w+\)[sd]|\$\{[A-Za-z]\w*\}"
)


def fill_query(text: str) -> str | Violation:
    """Put `$window` where a query has `{{.window}}`; a violation where it is no range, or there is none."""
    # Most queries have the window just so; the expressions are for all others.
    filled = text.replace("[{{.window}}]", "[$window]")
    if "{{" in filled or "{%" in filled:
        filled = _WINDOW.sub("$window", filled)
    if UNRENDERED.search(filled):
        return Violation(*UNRENDERED_TEMPLATE)
    if "$window" not in filled:
        message = (
            "Sloth puts each window where {{.window}} stands, and here it stands nowhere: write [{{.window}}]"
        )
        return Violation("window-missing", message)
    if filled.count("[$window]") != filled.count("$window") != len(_AS_A_RANGE.findall(filled)):
        message = (
            "{{.window}} stands for something else than a range, such as a part of a metric's name: select "
            "the counters themselves, as in rate(errors_total[{{.window}}])"
        )
        return Violation("window-as-text", message)
    return filled.strip()


def fill_text(text: str, labels: Mapping[str, str], group_by: tuple[str, ...]) -> str | Violation:
    """Write the labels of an alert that are the same in all of them into its text.

    A violation where the text shows something else than the value and labels that are there.
    """
    if "{{" not in text:
        return text
    filled = _LABEL.sub(lambda match: labels.get(match[1], match[0]), text)
    for template in find_templates(filled):
        label = label_of_template(template)
        if label is None or (label and label not in group_by):
            return Violation("left-out", f"{quote_value(template)} cannot be filled in")
    return filled
