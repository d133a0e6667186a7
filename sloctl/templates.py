"""The templates that a spec may write into the text of an alert: a label of its group, and its value."""

import re
from typing import Final

# What Prometheus's templates and the sidecar both fill in; any other `{{` is shown as it stands.
FILLED_TEMPLATE: Final = re.compile(r"(\{\{ *\$(?:labels\.[a-zA-Z_][a-zA-Z0-9_]*|value) *\}\})")
LABEL_PREFIX: Final = "$labels."
_ANY_TEMPLATE: Final = re.compile(r"\{\{.*?(?:\}\}|$)", re.DOTALL)


def find_templates(text: str) -> list[str]:
    """List what looks like a template in *text*, each with its braces; one without an end as well."""
    return _ANY_TEMPLATE.findall(text)


def label_of_template(template: str) -> str | None:
    """Return the label that a template shows, an empty text for the value, or None where nothing does."""
    if not FILLED_TEMPLATE.fullmatch(template):
        return None
    name = template.strip("{ }")
    return name.removeprefix(LABEL_PREFIX) if name.startswith(LABEL_PREFIX) else ""
