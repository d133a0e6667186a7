"""How findings speak of what they found: short, and never with a raw control or bidirectional character."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from sloctl.problems import escape_unprintable

_MAX_QUOTED: Final = 60
_UNQUOTED: Final = re.compile(r"[A-Za-z0-9_.,:;/%$+*-]+")


def quote_value(text: str) -> str:
    """*text* for a message: bare where that is clear, else in quotes; shortened when long."""
    short = text if len(text) <= _MAX_QUOTED else f"{text[: _MAX_QUOTED - 3]}..."
    return short if _UNQUOTED.fullmatch(short) else f'"{escape_unprintable(short)}"'


def join_words(words: Iterable[str], *, last: str = "or") -> str:
    """`a, b or c`."""
    *first, final = words
    return f"{', '.join(first)} {last} {final}" if first else final


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`: did you mean x?` where one of *known* comes close, else nothing."""
    from difflib import get_close_matches  # noqa: PLC0415 - 10 ms that only a misspelling costs

    close = get_close_matches(word[:_MAX_QUOTED], list(known), n=1)
    return f": did you mean {close[0]}?" if close else ""


def suggest_name(word: str, known: Collection[str]) -> str:
    """As did_you_mean, or all there is where nothing comes close."""
    return did_you_mean(word, known) or f": write {join_words(known)}"
