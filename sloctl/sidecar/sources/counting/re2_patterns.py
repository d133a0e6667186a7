"""Match Prometheus's patterns by RE2, the language that they are written in.

Labels are chosen by whoever sends requests to a service, and RE2 takes time linear in their length.
Prometheus runs Go's implementation of it: the few things that only the C++ one knows are refused.
"""

import re
from functools import lru_cache
from typing import Final

import re2  # type: ignore[import-untyped] # has no types

# Of one pattern and all that RE2 remembers while it matches. A pattern that needs more is refused; RE2 itself
# goes on without its memory where a text needs more.
_MAX_MEMORY: Final = 1 << 20
# Any byte, also half a character: Go refuses it. All escapes are read, and quoted text: its `\C` is text.
_SINGLE_BYTE: Final = re.compile(r"\\Q.*?(?:\\E|\Z)|\\(?P<letter>.)", re.DOTALL)


class UnsupportedPattern(ValueError):
    """A pattern that cannot be matched here as Prometheus matches it; the message says why."""


class Re2Pattern:
    """A pattern of Prometheus; the dot matches a line break too, as it does since Prometheus 3."""

    __slots__ = ("_compiled",)

    def __init__(self, text: str) -> None:
        if any(token["letter"] == "C" for token in _SINGLE_BYTE.finditer(text)):
            raise UnsupportedPattern(r"\C is not known to Prometheus")
        options = re2.Options()
        options.dot_nl = True
        options.never_capture = True
        options.log_errors = False
        options.max_mem = _MAX_MEMORY
        try:
            self._compiled = re2.compile(text, options)
        except (re2.error, UnicodeEncodeError) as wrong:
            raise UnsupportedPattern(_describe_error(wrong)) from wrong

    def matches_whole(self, text: str) -> bool:
        """Tell whether the whole of *text* matches, as Prometheus asks."""
        # As bytes: for text RE2's wrapper counts characters, which takes four times as long.
        return self._compiled.fullmatch(text.encode()) is not None


@lru_cache(maxsize=1024)
def compile_pattern(text: str) -> Re2Pattern:
    """Compile *text*; thousands of SLOs with one pattern share it. Raises UnsupportedPattern."""
    return Re2Pattern(text)


def _describe_error(wrong: Exception) -> str:
    reason = wrong.args[0] if wrong.args else wrong
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
