"""Escapes for the text of a spec, one for each place of a dashboard in which it is shown.

Grafana replaces `$name`, `${name}` and `[[name]]` nearly everywhere, and has no escape for them.
"""

import re
from typing import Final

from sloctl.model import Labels, PromQL
from sloctl.promql import format_matchers

_VARIABLE: Final = re.compile(r"\$(?=[\w{])|\[(?=\[)")
_WORD_JOINER: Final = "\u2060"
# Whatever could begin markup, a tag, an entity, a variable or an address within a line; nothing more, so that
# the text stays readable in a diff.
_MARKUP: Final = re.compile(r"[$&*<>@\[\\\]_`|~]|[.:](?=\S)")
_WEB_ADDRESS: Final = re.compile(r"https?://[^\s\x00-\x1f]+", re.IGNORECASE)
_NOT_IN_ADDRESS: Final = re.compile(r"[^A-Za-z0-9._~:/?#@!&*+,;=%-]")


def escape_title(text: str) -> str:
    """Escape *text* for a title: an invisible character keeps a variable from being one."""
    return _VARIABLE.sub(lambda start: start[0] + _WORD_JOINER, " ".join(text.split()))


def escape_markdown(text: str) -> str:
    """Escape *text* for a line of markdown: every character stands for itself."""
    return _MARKUP.sub(lambda char: f"&#{ord(char[0])};", " ".join(text.split()))


def exact_matchers(labels: Labels) -> PromQL:
    """Write exactly these label values as conditions of a selector; none of them is a variable."""
    return format_matchers(labels, also_escape="$[")


def web_address(text: str) -> str | None:
    """Return *text* as a link target.

    None for another scheme, or for a template that only an alert can fill.
    """
    if not _WEB_ADDRESS.fullmatch(text) or "{{" in text:
        return None
    return _NOT_IN_ADDRESS.sub(
        lambda char: "".join(f"%{byte:02X}" for byte in char[0].encode()),
        text,
    )
