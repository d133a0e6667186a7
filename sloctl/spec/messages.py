"""The words of problems: short, and never with a raw control or bidirectional character."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from sloctl.problems import escape_unprintable

_MAX_QUOTED: Final = 60
_UNQUOTED: Final = re.compile(r"[A-Za-z0-9_.,:;/%$+*-]+")


def quote_value(text: str) -> str:
    """Quote *text* for a message, where it is not clear without quotes, and shorten it when long."""
    short = text if len(text) <= _MAX_QUOTED else f"{text[: _MAX_QUOTED - 3]}..."
    return short if _UNQUOTED.fullmatch(short) else f'"{escape_unprintable(short)}"'


def join_words(words: Iterable[str], *, last: str = "or") -> str:
    """Join words as in `a, b or c`."""
    *first, final = words
    return f"{', '.join(first)} {last} {final}" if first else final


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `: did you mean x?` where one of *known* comes close, else an empty text."""
    from difflib import get_close_matches  # noqa: PLC0415 - 10 ms that only a misspelling costs

    close = get_close_matches(word[:_MAX_QUOTED], list(known), n=1)
    return f": did you mean {close[0]}?" if close else ""


def suggest_name(word: str, known: Collection[str]) -> str:
    """Return what did_you_mean does, or all of *known* where nothing comes close."""
    return did_you_mean(word, known) or f": write {join_words(known)}"
