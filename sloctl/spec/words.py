"""How findings speak of what they found: short, and never with a raw control or bidirectional character."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from sloctl.problems import printable

_LONGEST_SHOWN: Final = 60
_BARE: Final = re.compile(r"[A-Za-z0-9_.,:;/%$+*-]+")


def shown(text: str) -> str:
    """*text* for a message: bare where that is clear, else in quotes; shortened when long."""
    short = text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."
    return short if _BARE.fullmatch(short) else f'"{printable(short)}"'


def listed(words: Iterable[str], *, last: str = "or") -> str:
    """`a, b or c`."""
    *first, final = words
    return f"{', '.join(first)} {last} {final}" if first else final


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`: did you mean x?` where one of *known* comes close, else nothing."""
    from difflib import get_close_matches  # noqa: PLC0415 - 10 ms that only a misspelling costs

    close = get_close_matches(word[:_LONGEST_SHOWN], list(known), n=1)
    return f": did you mean {close[0]}?" if close else ""


def suggestion(word: str, known: Collection[str]) -> str:
    """As did_you_mean, or all there is where nothing comes close."""
    return did_you_mean(word, known) or f": write {listed(known)}"
