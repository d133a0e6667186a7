"""Compile Prometheus's patterns (RE2) as Python's, with the same meaning or not at all.

A pattern is refused where the two languages differ, and where Python could take for ever.
"""

import re
import warnings
from dataclasses import dataclass
from typing import Final

# RE2's escapes, as Python spells them. RE2's \s has no vertical tab, its \z is Python's \Z; its \B, which
# unlike Python's holds in an empty text, is left out.
_ESCAPES: Final = {letter: rf"\{letter}" for letter in "dDwWbAafnrtv"} | {
    "s": r"[\t\n\f\r ]",
    "S": r"[^\t\n\f\r ]",
    "z": r"\Z",
}
_ESCAPES_IN_SETS: Final = {letter: rf"\{letter}" for letter in "dDwWafnrtv"} | {"s": r"\t\n\f\r "}
_MAX_REPEAT: Final = 1000
# So many repetitions of a group that matches in a few ways are quickly tried.
_MAX_VARYING_REPEAT: Final = 4

_TOKEN: Final = re.compile(
    r"(?P<hex>\\x[0-9A-Fa-f]{2})"
    r"|(?P<escape>\\.)"
    r"|(?P<flags>\(\?[is]+\))"
    r"|(?P<open>\(\?P<[A-Za-z_][A-Za-z0-9_]*>|\(\?[is]*:|\((?!\?))"
    r"|(?P<close>\))"
    r"|(?P<repeat>(?:[*+?]|\{(?P<least>\d+)(?:(?P<comma>,)(?P<most>\d*))?\})\??)"
    r"|(?P<set>\[\^?+\]?+(?:\\.|\[(?!:)|[^\]\\\[])*\])"
    r"|(?P<end>\$)"
    r"|(?P<plain>[^\\\[(])",
    re.DOTALL,
)


class UnsupportedPattern(ValueError):
    """A pattern that cannot be matched here as Prometheus matches it; the message says why."""


def compile_pattern(text: str) -> re.Pattern[str]:
    """Compile *text* for `fullmatch`; raise UnsupportedPattern."""
    translated = _translate_pattern(text)
    ignores_case = re.search(r"\(\?s*i", text) is not None
    if ignores_case and not text.isascii():
        raise UnsupportedPattern("ignoring case means something else in Python beyond ASCII")
    try:
        with warnings.catch_warnings():
            # Python warns of a syntax that it may come to read in another way.
            warnings.simplefilter("error")
            return re.compile(translated, re.DOTALL | re.ASCII)
    except (re.error, RecursionError, OverflowError, FutureWarning, DeprecationWarning) as wrong:
        raise UnsupportedPattern(str(wrong)) from wrong


def _translate_pattern(text: str) -> str:
    """Translate token by token; raise UnsupportedPattern for one that RE2 reads in another way, or not."""
    python: list[str] = []
    groups = _BacktrackingGuard()
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise UnsupportedPattern(f"{text[at : at + 8]!r} is not understood")
        if token.lastgroup == "flags" and at > 0:
            raise UnsupportedPattern("flags stand at the start, or in a group as in (?i:a)")
        groups.check_token(token)
        python.append(_translate_token(token))
        at = token.end()
    return "".join(python)


def _translate_token(token: re.Match[str]) -> str:
    spelled = token[0]
    match token.lastgroup:
        case "escape":
            return _translate_escape(spelled, _ESCAPES)
        case "set":
            return _translate_set(spelled)
        case "end":
            # Python's $ also matches before a line break at the end.
            return r"\Z"
        case "plain" if spelled == "{":
            return r"\{"
        case _:
            return spelled


def _translate_escape(spelled: str, known: dict[str, str]) -> str:
    letter = spelled[1]
    if letter.isascii() and not letter.isalnum() and letter != "_":
        return spelled
    if letter in known:
        return known[letter]
    raise UnsupportedPattern(f"{spelled} is not in RE2, or means something else there")


def _translate_set(spelled: str) -> str:
    opening = re.match(r"\[\^?\]?", spelled)
    assert opening is not None  # noqa: S101 - how a set begins, by the token's own pattern

    def translate_part(found: re.Match[str]) -> str:
        if found[0] == "[":
            return r"\["
        return found[0] if found[0].startswith(r"\x") else _translate_escape(found[0], _ESCAPES_IN_SETS)

    inner = re.sub(r"\\x[0-9A-Fa-f]{2}|\\.|\[", translate_part, spelled[opening.end() : -1], flags=re.DOTALL)
    return f"{opening[0]}{inner}]"


@dataclass(slots=True)
class _OpenGroup:
    """The contents of a group: anything that repeats without end, or that matches in many ways."""

    has_endless_repeat: bool = False
    has_variants: bool = False


class _BacktrackingGuard:
    """The groups that are open while a pattern is read; a repeated group must not match in many ways.

    Python would try every way of sharing the text among the repetitions, which no label value should start.
    """

    def __init__(self) -> None:
        self._open = [_OpenGroup()]
        self._closed: _OpenGroup | None = None
        self._repeated = False

    def check_token(self, token: re.Match[str]) -> None:
        """Take the next token; raise UnsupportedPattern."""
        kind, closed, repeated = token.lastgroup, self._closed, self._repeated
        self._closed, self._repeated = None, False
        if kind == "open":
            self._open.append(_OpenGroup())
        elif kind == "close" and len(self._open) > 1:
            self._closed = closed = self._open.pop()
            self._open[-1].has_endless_repeat |= closed.has_endless_repeat
            self._open[-1].has_variants |= closed.has_variants
        elif kind == "repeat":
            if repeated:
                raise UnsupportedPattern(f"{token[0]} repeats a repetition")
            self._check_repeat(token, closed or _OpenGroup())
        elif token[0] == "|":
            self._open[-1].has_variants = True

    def _check_repeat(self, token: re.Match[str], inside: _OpenGroup) -> None:
        bounds = [int(bound) for bound in (token["least"], token["most"]) if bound]
        most = max(bounds, default=1)
        if most > _MAX_REPEAT:
            raise UnsupportedPattern(f"{token[0]} repeats more than {_MAX_REPEAT} times")
        endless = token[0][0] in "*+" or (token["comma"] is not None and not token["most"])
        if ((endless or most > 1) and inside.has_endless_repeat) or (
            (endless or most > _MAX_VARYING_REPEAT) and inside.has_variants
        ):
            raise UnsupportedPattern(
                f"{token[0]} repeats what can match in many ways, which can take for ever"
            )
        self._open[-1].has_endless_repeat |= endless
        self._open[-1].has_variants |= endless or token[0][0] == "?" or token["comma"] is not None
        self._repeated = True
