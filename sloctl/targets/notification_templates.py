"""Templates by which an Alertmanager writes to Slack, PagerDuty, Opsgenie, Teams and by e-mail.

`notifications.tmpl` only arranges what the alerts say: the words and numbers are those of their annotations.
A title is made of the summary by its form, short enough for a locked phone; a summary of a spec's own is the
title as it stands. In the file, `@id@` and `@severity@` stand for label names.
"""

from typing import Final

from sloctl.naming import LabelStyle
from sloctl.targets.prometheus import HEADER

_FILE: Final = "notifications.tmpl"


def render_templates(style: LabelStyle) -> str:
    """Write the file for the `templates` of an Alertmanager's configuration."""
    from importlib.resources import files  # noqa: PLC0415 - 5 ms that dashboards and rules alone do without

    templates = files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    filled = templates.replace("@id@", style.id).replace("@severity@", style.severity)
    return f"{{{{/* {HEADER.strip().removeprefix('# ')} */}}}}\n{filled}"
